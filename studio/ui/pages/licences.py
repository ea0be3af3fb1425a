"""Licences of models in words: what they are called and what they leave to a person; gives no legal advice."""

from __future__ import annotations

from dataclasses import dataclass

from studio.models.detect import FREE
from studio.ui.widgets.text import tr

NAMES = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "isc": "ISC",
    "zlib": "zlib",
    "bsd-2-clause": "BSD 2-Clause",
    "bsd-3-clause": "BSD 3-Clause",
    "cc0-1.0": "CC0 1.0",
    "cc-by-3.0": "CC BY 3.0",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-sa-3.0": "CC BY-SA 3.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "openrail": "OpenRAIL",
}


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """`free` says that works may be used for anything; `words` is a sentence on what the licence asks."""

    name: str
    words: str
    free: bool


def terms(licence: str) -> LicenceTerms:
    """What a licence id means for somebody who makes works with the model."""
    id = licence.strip().lower()
    name = NAMES.get(id, licence.strip())
    free = id in FREE
    if id == "own":
        return LicenceTerms(tr("Your own"), tr("You trained it: it and its works are yours."), free)
    if id in ("", "unknown"):
        return LicenceTerms(tr("Unknown"), tr("It may limit what you do with its works: ask where it came from."), free)
    if id.startswith("cc-by-sa") and free:
        return LicenceTerms(name, tr("Works may be used for anything; say whose data it learnt from."), free)
    if id.startswith("cc-by") and free:
        return LicenceTerms(name, tr("Works may be used for anything; credit the people named below."), free)
    if free:
        return LicenceTerms(name, tr("Works may be used for anything, sold too."), free)
    if "research and evaluation only" in id:
        words = tr("For research and evaluation only: works may not be sold or used for business.")
        return LicenceTerms(tr("Nvidia Source Code License"), words, free)
    if "nc" in id.split("-"):
        return LicenceTerms(name, tr("Works may not be sold or used for business."), free)
    return LicenceTerms(name, tr("It limits what works may be used for: read it."), free)
