"""Makes the file of drawings from openly licensed pictures: flattened, normalised, named in English and Chinese.

    python -m recipes.poster.scene.drawings ICONS resources/poster/drawings.zip

ICONS holds captions.jsonl and svg/, as svg.tar.zst and captions.jsonl.zst unpack. Needs picosvg and emoji (BSD), which
the studio does not; things.txt says what is taken, near.txt and near.json which words come near that nothing is called.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.backends.poster.scene.drawings import INDEX, NEAR, SIDE, Drawing
from studio.backends.poster.scene.prompt import OTHERS, SILENT
from studio.backends.poster.scene.words import vocabulary

HERE = Path(__file__).parent
SETS = {
    "twemoji": {
        "title": "Twemoji",
        "author": "Twitter, Inc and other contributors",
        "licence": "CC-BY-4.0",
        "source": "https://github.com/jdecked/twemoji",
    },
    "blob": {
        "title": "Noto Emoji",
        "author": "Google Inc",
        "licence": "Apache-2.0",
        "source": "https://github.com/googlefonts/noto-emoji",
    },
    "game-icons": {
        "title": "Game-icons.net",
        "author": "the authors named with each drawing",
        "licence": "CC-BY-3.0",
        "source": "https://game-icons.net",
    },
}
SMALLEST = 0.0012
"""Share of a drawing's silhouette below which a shape that is not dark is left out."""
DARK = 0.35
INK = "#3f4a66"
"""Of what has no colour of its own."""

TONES = ("medium-light", "medium", "medium-dark", "dark")
"""Of people: nobody is emoji yellow."""


@dataclass
class Wanted:
    """A line of things.txt."""

    category: str
    set: str
    role: str
    size: str
    caption: str
    names: list[str]
    colour: str = ""
    body: str = ""
    turns: bool = True


def wanted(path: Path) -> Iterator[Wanted]:
    category, group, role, size = "", "", "", ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("== "):
            category, group, role, size = line.split()[1:]
        elif line and line[0] != "#":
            caption, _, rest = line.partition(" > ")
            marks = dict(re.findall(r"([@#])([a-z]+)", re.sub(r"[=%][#,0-9a-f]+", "", rest)))
            colour, body = (re.search(rf"{mark}([#,0-9a-f]+)", rest) for mark in "=%")
            names = [name.strip() for name in re.sub(r"[=%][#,0-9a-f]+|[@#]\w+|!", "", rest).split(",")]
            yield Wanted(
                category,
                group,
                marks.get("@", role),
                marks.get("#", size),
                caption,
                names,
                colour[1] if colour else "",
                body[1] if body else "",
                "!" not in rest,
            )


class Flattener:
    """Reads SVG files as flat shapes, by picosvg."""

    def __init__(self) -> None:
        self.svg: Any = importlib.import_module("picosvg.svg")
        self.types: Any = importlib.import_module("picosvg.svg_types")
        self.pathops: Any = importlib.import_module("picosvg.svg_pathops")
        self.skia: Any = importlib.import_module("pathops")

    def shapes(self, path: Path, body: str = "") -> tuple[float, list[list[str]]]:
        """The width over the height, and the fill and path of each shape; first the silhouette, without a fill. Of
        game-icons, what is white on black."""
        text = re.sub(r'\sclass="[^"]*"', "", path.read_text("utf-8"))
        if body:
            text = seated(text, *body.split(","))
        picture = self.svg.SVG.fromstring(text).topicosvg()
        found: list[tuple[str, Any]] = []
        before = "#888888"
        for shape in picture.shapes():
            colour = _hex(shape.fill)
            if not colour:
                continue
            alpha = shape.opacity * shape.fill_opacity
            if alpha < 0.05:
                continue
            colour = before = _mixed(colour, before, alpha)
            if path.parent.name == "game-icons" and _lightness(colour) < 0.5:
                continue
            flat = shape.as_path().absolute().explicit_lines().expand_shorthand().arcs_to_cubics(inplace=False)
            found.append((colour, flat))
        return self._normal(found)

    def _normal(self, found: list[tuple[str, Any]]) -> tuple[float, list[list[str]]]:
        paths = [self._skia(flat) for _, flat in found]
        whole = self._union(paths)
        left, top, right, foot = (pick(path.bounds[i] for path in paths) for i, pick in enumerate((min, min, max, max)))
        scale, middle = SIDE / max(right - left, foot - top), (left + right) / 2

        def written(path: Any) -> str:
            out: list[str] = []
            for verb, points in path.segments:
                flat = [round(v) for x, y in points for v in ((x - middle) * scale, (y - foot) * scale)]
                if verb == "closePath" or verb == "endPath":
                    out.append("Z")
                elif verb == "qCurveTo":
                    raise AssertionError("quadratic curve left over")
                else:
                    out.append({"moveTo": "M", "lineTo": "L", "curveTo": "C"}[verb] + " ".join(map(str, flat)))
            return "".join(out)

        rows = [["", written(_cubic(self.skia, whole))]]
        for (colour, _), path in zip(found, paths, strict=True):
            if abs(path.area) > SMALLEST * abs(whole.area) or _lightness(colour) < DARK:
                rows.append([colour, written(_cubic(self.skia, path))])
        return round((right - left) / (foot - top), 3), rows

    def _union(self, paths: list[Any]) -> Any:
        """What all cover together; where that cannot be found, one after the other."""
        whole = paths[0]
        for path in paths[1:]:
            try:
                whole = self.skia.op(whole, path, self.skia.PathOp.UNION)
            except self.skia.PathOpsError:
                joined = self.skia.Path(whole)
                path.draw(joined.getPen())
                whole = joined
        return whole

    def _skia(self, flat: Any) -> Any:
        path = self.pathops.skia_path(flat.as_cmd_seq(), getattr(flat, "fill_rule", "nonzero"))
        try:
            path.simplify(fix_winding=True)
        except self.skia.PathOpsError:
            return self.pathops.skia_path(flat.as_cmd_seq(), getattr(flat, "fill_rule", "nonzero"))
        return path


def seated(head: str, coat: str, limbs: str, belly: str) -> str:
    """A head of Twemoji, 36 x 36, on a sitting body of ours."""
    inner = re.sub(r"</?svg[^>]*>", "", head)
    ellipses = (
        (8.5, 41, 4.2, 9, limbs),
        (27.5, 41, 4.2, 9, limbs),
        (18, 45, 11.5, 15, coat),
        (18, 47, 7.2, 10.5, belly),
        (9.5, 57, 7, 4.8, limbs),
        (26.5, 57, 7, 4.8, limbs),
    )
    drawn = "".join(f'<ellipse cx="{x}" cy="{y}" rx="{w}" ry="{h}" fill="{c}"/>' for x, y, w, h, c in ellipses)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 64">{drawn}{inner}</svg>'


def _cubic(skia: Any, path: Any) -> Any:
    """The path with cubic curves for quadratic ones."""
    out = skia.Path()
    pen = out.getPen()
    last = (0.0, 0.0)
    for verb, points in path.segments:
        if verb == "qCurveTo":
            whole = [*points]
            for i, control in enumerate(whole[:-1]):
                follows = whole[i + 1]
                end = follows if i == len(whole) - 2 else ((control[0] + follows[0]) / 2, (control[1] + follows[1]) / 2)
                one = tuple(a + 2 / 3 * (c - a) for a, c in zip(last, control, strict=True))
                two = tuple(b + 2 / 3 * (c - b) for b, c in zip(end, control, strict=True))
                pen.curveTo(one, two, end)
                last = end
        else:
            getattr(pen, verb)(*points)
            if points:
                last = points[-1]
    return out


NAMED = {"black": "#000000", "white": "#ffffff", "red": "#ff0000"}


def _hex(fill: str) -> str:
    fill = NAMED.get(fill, fill)
    if re.fullmatch(r"#[0-9a-fA-F]{3}", fill):
        return "#" + "".join(2 * c for c in fill[1:]).lower()
    return fill.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", fill) else ""


def _mixed(colour: str, under: str, alpha: float) -> str:
    one, two = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (colour, under))
    return "#" + "".join(f"{round(b + (a - b) * alpha):02x}" for a, b in zip(one, two, strict=True))


def _lightness(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.3 * red + 0.55 * green + 0.15 * blue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("icons", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    emoji: Any = importlib.import_module("emoji")
    emoji.config.load_language("zh")
    files: dict[tuple[str, str], str] = {}
    for line in (asked.icons / "captions.jsonl").read_text("utf-8").splitlines():
        about = json.loads(line)
        files.setdefault((about["set"], about["caption"]), about["file"])
    flattener = Flattener()
    rows: list[dict[str, Any]] = []
    drawn: dict[str, list[list[str]]] = {}
    there = known(asked.out) if asked.out.exists() else {}
    taken: set[str] = set()
    taken_zh: set[str] = set()
    extra = chinese(HERE / "chinese.txt")
    for thing in wanted(HERE / "things.txt"):
        toned = f"{thing.caption}: {TONES[zlib.crc32(thing.caption.encode()) % len(TONES)]} skin tone"
        file = files.get((thing.set, toned)) or files.get((thing.set, thing.caption))
        name = re.sub(r"[^a-z0-9]+", "-", thing.names[0].replace("ñ", "n")).strip("-")
        if file is None or name in drawn:
            print("missing" if file is None else "twice", thing.set, thing.caption, name)
            continue
        before = None if thing.body else there.get((thing.set, Path(file).name))
        aspect, shapes = before or flattener.shapes(asked.icons / "svg" / file, thing.body)
        if thing.set == "game-icons":
            ink = thing.colour or INK
            shapes = [[ink if colour else "", path] for colour, path in shapes]
        zh = extra.pop(thing.names[0], [])
        if thing.set == "twemoji":
            character = "".join(chr(int(part, 16)) for part in Path(file).stem.split("-"))
            for each in (character, character + "\ufe0f"):
                said = emoji.EMOJI_DATA.get(each, {}).get("zh", "").strip(":").partition("_")[0]
                if said and said not in zh:
                    zh = [*zh, said]
                    break
        for word in thing.names:
            if word in taken:
                print("said twice:", word, name)
        english = [word for word in dict.fromkeys(thing.names) if word not in taken]
        mine = [word for word in dict.fromkeys(zh) if word not in taken_zh]
        taken |= set(english)
        taken_zh |= set(mine)
        author = Path(file).name.partition("__")[0] if thing.set == "game-icons" else ""
        about = Drawing(
            name,
            thing.category,
            thing.role,
            thing.size,
            aspect,
            tuple(english),
            tuple(mine),
            thing.set,
            Path(file).name,
            author,
            thing.turns,
        )
        rows.append(asdict(about))
        drawn[name] = shapes
    print("without a drawing, in chinese.txt:", *extra)
    groups, groups_zh = grouped(HERE / "groups.txt", set(drawn))
    taken |= set(groups)
    index = {
        "sets": [{"name": name, **about} for name, about in SETS.items() if any(row["set"] == name for row in rows)],
        "drawings": rows,
        "groups": groups,
        "groups_zh": groups_zh,
    }
    nearest = near(taken, set(drawn))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(asked.out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, value in (
            (INDEX, index),
            (NEAR, nearest),
            *((f"{name}.json", shapes) for name, shapes in drawn.items()),
        ):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    print(len(rows), "drawings,", asked.out.stat().st_size, "bytes")


def known(path: Path) -> dict[tuple[str, str], tuple[float, list[list[str]]]]:
    """What a file of drawings holds already, by set and source: it is not flattened again."""
    with zipfile.ZipFile(path) as packed:
        rows = json.loads(packed.read(INDEX))["drawings"]
        return {
            (row["set"], row["source"]): (row["aspect"], json.loads(packed.read(f"{row['name']}.json"))) for row in rows
        }


def near(taken: set[str], drawn: set[str]) -> dict[str, str]:
    """The words of near.txt, then those of near.json, by drawing; none that something is called."""
    found: dict[str, list[str]] = {}
    said = {*taken, *OTHERS, *SILENT, *vocabulary()}
    lines = (line.split(" > ") for line in (HERE / "near.txt").read_text("utf-8").splitlines() if " > " in line)
    for name, words in (*lines, *json.loads((HERE / "near.json").read_text("utf-8")).items()):
        if name not in drawn:
            print("unknown drawing in near:", name)
            continue
        mine = [word for word in dict.fromkeys(words.split()) if word not in said]
        said |= set(mine)
        found.setdefault(name, []).extend(mine)
    return {name: " ".join(words) for name, words in found.items() if words}


def chinese(path: Path) -> dict[str, list[str]]:
    """What chinese.txt adds: an English name, then what it is called in Chinese."""
    if not path.exists():
        return {}
    pairs = (line.split(" > ") for line in path.read_text("utf-8").splitlines() if " > " in line)
    return {name: [word.strip() for word in words.split(",")] for name, words in pairs}


def grouped(path: Path, known: set[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Words that ask for several drawings, in English and in Chinese."""
    english: dict[str, list[str]] = {}
    zh: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        words, _, names = line.partition(" > ")
        listed = [name.strip() for name in names.split(",")]
        if not names or not set(listed) <= known:
            if names:
                print("unknown drawings:", line)
            continue
        for word in (word.strip() for word in words.split(",")):
            (english if word.isascii() else zh)[word] = listed
    return english, zh


if __name__ == "__main__":
    main()
