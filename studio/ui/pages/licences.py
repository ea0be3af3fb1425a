"""Licences of models in plain words: their names and what they allow."""

from __future__ import annotations

from dataclasses import dataclass

from studio.models.detect import FREE
from studio.models.sources.offers import Sells
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
    "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0",
    "openrail": "OpenRAIL",
    "creativeml-openrail-m": "CreativeML OpenRAIL-M",
    "openrail++": "CreativeML OpenRAIL++-M",
    "stabilityai-ai-community": "Stability AI Community License",
    "sai-nc-community": "Stability AI Non-Commercial Community License",
    "flux-1-dev-non-commercial-license": "FLUX.1 [dev] Non-Commercial License",
    "gemma": "Gemma Terms of Use",
    "llama3.2": "Llama 3.2 Community License",
    "nscl-v2-custom": "NVIDIA License",
}


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """`free`: results may be used for anything; `words`: a sentence on what the licence asks; `sells`: whether what the
    model makes may be sold.
    """

    name: str
    words: str
    free: bool
    sells: Sells


def terms(licence: str) -> LicenceTerms:
    """What a licence id means for the results of the model."""
    id = licence.strip().lower()
    free = id in FREE
    name = NAMES.get(id, licence.strip())
    sells: Sells = "yes" if free else "conditions"
    if id == "own":
        name, words = tr("Your own"), tr("You trained it. The model and what it makes are yours.")
    elif id in ("", "unknown"):
        name, sells = tr("Unknown"), "unknown"
        words = tr("It may limit how you can use the results. Ask where you got it.")
    elif id.startswith("cc-by-sa") and free:
        words = tr("Results can be used for anything. Credit the source of its training data.")
    elif id.startswith("cc-by") and free:
        words = tr("Results can be used for anything. Credit the people named below.")
    elif free:
        words = tr("Results can be used and sold freely.")
    elif "research and evaluation only" in id:
        name, sells = tr("Nvidia Source Code License"), "no"
        words = tr("For research and evaluation only: no commercial use.")
    elif "nc" in id.split("-"):
        words, sells = tr("No commercial use of the results."), "no"
    else:
        words = tr("It limits how the results can be used. Read it.")
    return LicenceTerms(name, words, free, sells)


def sells_words(sells: Sells) -> str:
    """Whether works may be sold, in a few words."""
    return {
        "yes": tr("Works may be sold"),
        "no": tr("Works may not be sold"),
        "conditions": tr("Works may be sold on conditions"),
        "unknown": tr("Not known whether works may be sold"),
    }[sells]
