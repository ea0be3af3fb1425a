"""XMP packets: the metadata of how a file was made. Foreign packets are never parsed as XML.

The studio's note is a text in a namespace of its own, beside two properties that other programs read: the tool
(`xmp:CreatorTool`) and the IPTC digital source type (IPTC Photo Metadata Standard 2023.2, section "Digital Source
Type").
"""

from __future__ import annotations

import re
from html import escape, unescape

NAMESPACE = "urn:aigc-studio:note:1"
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = "trainedAlgorithmicMedia"
"""Made by a model alone."""

COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
"""Composed of parts, of which a model made at least one."""

TOOL = "AIGC Studio"
_NOTE = re.compile(rb"<studio:note>(.*?)</studio:note>", re.DOTALL)
# Characters that XML 1.0 cannot have; in JSON they are escaped.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def packet(note: str, source: str = "") -> bytes:
    """A packet with the note and the digital source type, TRAINED or COMPOSITE; each may be empty.

    Empty where both are.
    """
    if not note and not source:
        return b""
    parts = [f"<xmp:CreatorTool>{TOOL}</xmp:CreatorTool>"]
    if source:
        parts.append(f"<Iptc4xmpExt:DigitalSourceType>{SOURCES}{source}</Iptc4xmpExt:DigitalSourceType>")
    if note:
        parts.append(f"<studio:note>{escape(xml_safe(note), quote=False)}</studio:note>")
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' xmlns:studio="{NAMESPACE}">{"".join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode("utf-8", "replace")


def svg_metadata(note: str, source: str = "") -> bytes:
    """A packet as the <metadata> element of an SVG; empty as `packet` is."""
    data = packet(note, source)
    if not data:
        return b""
    return b"<metadata>" + data[data.index(b"<x:xmpmeta") : data.index(b"<?xpacket end")] + b"</metadata>"


def xml_safe(text: str) -> str:
    """The text with a question mark for each character that XML cannot have."""
    return _NOT_XML.sub("?", text)


def read_note(data: bytes) -> bytes | None:
    """The studio's note in a packet; None where there is none."""
    if NAMESPACE.encode() not in data:
        return None
    found = _NOTE.search(data)
    return None if found is None else unescape(found[1].decode("utf-8", "replace")).encode()
