"""Finish: measures a trained poster model and puts it where the catalog finds it.

    python -m recipes.poster.finish RUN/model FOLDER

FOLDER receives the pipeline, model.toml, sheet.png (places by hours, uncurated) and measured.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import tomli_w

from recipes.poster.judge import judge
from studio.models import weights

ABOUT = {
    "id": "poster-starter",
    "medium": "poster",
    "family": "sd",
    "title": "Poster starter",
    "licence": "apache-2.0",
    "source": "recipes/poster",
    "credits": "Painted and trained for AIGC Studio; no pictures of others were used.",
    "description": "Small flat travel scenes: ten places, four times of day, weather and a motif.",
    "languages": ["en"],
    "native": [512, 768],
    "defaults": {"width": 512, "height": 768, "steps": 24, "guidance": 3.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=5, help="samples judged for each place and hour")
    asked = parser.parse_args()
    shutil.copytree(asked.model, asked.folder, dirs_exist_ok=True)
    size, sha256 = weights.fingerprint(asked.folder)
    about = {**ABOUT, "size": size, "sha256": sha256}
    (asked.folder / "model.toml").write_text(tomli_w.dumps(about), encoding="utf-8")
    measured, sheet = judge(asked.folder, asked.each, 0)
    (asked.folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    sheet.quantize(256).save(asked.folder / "sheet.png", optimize=True)
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
