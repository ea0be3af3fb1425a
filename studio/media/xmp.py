"""XMP packets: how a file was made, in the standard metadata format. Foreign packets are never parsed as XML.

The studio's note is one text in a namespace of its own, beside the two facts that other programs look for: the tool
(`xmp:CreatorTool`) and the IPTC digital source type (IPTC Photo Metadata Standard 2023.2, section "Digital Source
Type").
"""

from __future__ import annotations

import re
from html import unescape
from xml.sax.saxutils import escape

NAMESPACE = "urn:aigc-studio:note:1"
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = "trainedAlgorithmicMedia"
"""Made by a model alone."""

COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
"""Put together from parts, of which a model made at least one."""

TOOL = "AIGC Studio"
_NOTE = re.compile(rb"<studio:note>(.*?)</studio:note>", re.DOTALL)
# What XML 1.0 cannot say at all; JSON says these as escapes, which need no characters of their own.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def packet(note: str, source: str = "") -> bytes:
    """A packet that carries the note `words` and, where `source` is TRAINED or COMPOSITE, how the picture came about.

    Empty where there is nothing to say.
    """
    if not note and not source:
        return b""
    parts = [f"<xmp:CreatorTool>{TOOL}</xmp:CreatorTool>"]
    if source:
        parts.append(f"<Iptc4xmpExt:DigitalSourceType>{SOURCES}{source}</Iptc4xmpExt:DigitalSourceType>")
    if note:
        parts.append(f"<studio:note>{escape(xml_safe(note))}</studio:note>")
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' xmlns:studio="{NAMESPACE}">{"".join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode("utf-8", "replace")


def svg_metadata(note: str, source: str = "") -> bytes:
    """A packet as the <metadata> element of an SVG; empty where there is nothing to say."""
    whole = packet(note, source)
    if not whole:
        return b""
    return b"<metadata>" + whole[whole.index(b"<x:xmpmeta") : whole.index(b"<?xpacket end")] + b"</metadata>"


def xml_safe(words: str) -> str:
    """The words with a question mark for each character that XML cannot say."""
    return _NOT_XML.sub("?", words)


def read_note(data: bytes) -> bytes | None:
    """The note in a packet; None where it carries none of the studio's."""
    if NAMESPACE.encode() not in data:
        return None
    found = _NOTE.search(data)
    return None if found is None else unescape(found[1].decode("utf-8", "replace")).encode()
