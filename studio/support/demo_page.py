"""The demo: one work of each medium, and the HTML page that shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.backends import MEDIA
from studio.backends import medium as find_medium

BRIEFS: tuple[Mapping[str, Any], ...] = tuple(brief for medium in MEDIA for brief in medium.demo.requests)
"""The requests of the demo, as Request.from_json reads them; the first of each medium is made first."""

MARK = '<meta name="generator" content="AIGC Studio demo">'


@dataclass(frozen=True, slots=True)
class DemoWork:
    """One work on the page: its copy beside the page, its request, model and how long it took."""

    medium: str
    path: Path
    request: Mapping[str, Any]
    model: str
    licence: str
    seconds: float
    width: int | None = None
    height: int | None = None


def page(works: Sequence[DemoWork], machine: str, program: str) -> str:
    """The whole index.html. It needs nothing from outside its folder and works without scripts.

    `program` is what starts the command line on this machine.
    """
    sections = "\n".join(
        _section(medium, [work for work in works if work.medium == medium])
        for medium in dict.fromkeys(work.medium for work in works)
    )
    total = sum(work.seconds for work in works)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{MARK}
<title>AIGC Studio: a first look</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>A first look</h1>
<p>Faces, a poster, a story and a piece of music, made on this machine in {_count(total)} with the models that come
with AIGC Studio. Nothing left the machine.</p>
</header>
<main>
{sections}
</main>
<footer>
<p>{html.escape(machine)}</p>
<p>Make any of them again, or something of your own:
<code>{html.escape(program)} make avatar --seed 7 --out faces</code></p>
</footer>
</body>
</html>
"""


def is_ours(path: Path) -> bool:
    """Whether a file is a page that the demo wrote, and may be written again."""
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(2000)
    except OSError:
        return False


def _section(medium: str, works: Sequence[DemoWork]) -> str:
    inside = "\n".join(_work(work) for work in works)
    title = find_medium(medium).demo.title
    return f'<section class="{medium}">\n<h2>{title}</h2>\n<div>\n{inside}\n</div>\n</section>'


def _work(work: DemoWork) -> str:
    source = quote(work.path.name)
    name = html.escape(_name(work), quote=True)
    stage = find_medium(work.medium).stage
    if stage == "text":
        shown = f"<article>{_prose(work.path.read_text(encoding='utf-8', errors='replace'))}</article>"
    elif stage == "audio":
        shown = f'<audio controls preload="metadata" src="{source}" title="{name}"></audio>'
    else:
        size = f' width="{work.width}" height="{work.height}"' if work.width and work.height else ""
        shown = f'<a href="{source}"><img src="{source}" alt="{name}"{size}></a>'
    return f"<figure>\n{shown}\n<figcaption>{_facts(work)}</figcaption>\n</figure>"


def _name(work: DemoWork) -> str:
    """What was asked for, in a few words."""
    said = [str(work.request.get(key, "")).replace("-", " ") for key in ("style", "genre", "mood")]
    words = str(work.request.get("prompt") or ", ".join(word for word in said if word not in ("", "any")))
    words = words.lstrip("# ").strip() or work.medium
    return words[:1].upper() + words[1:]


def _facts(work: DemoWork) -> str:
    hidden = ("kind", "model", "seed")
    asked = [(key, value) for key, value in work.request.items() if key not in hidden and value not in ("", "any", 0)]
    rows = [*asked, ("seed", work.request.get("seed")), ("model", f"{work.model} ({work.licence})")]
    rows += [("took", _count(work.seconds)), ("file", work.path.name)]
    listed = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(_value(value))}</dd>" for key, value in rows)
    return f"<details><summary>{html.escape(_name(work))}</summary><dl>{listed}</dl></details>"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).strip()


def _prose(text: str) -> str:
    """Markdown as plain as stories are: a title, paragraphs; comments, such as the embedded request, left out."""
    text = re.sub(r"<!--.*?(-->|\Z)", "", text, flags=re.DOTALL).strip()
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        words = html.escape(block.strip())
        if words.startswith("#"):
            blocks.append(f"<h3>{words.lstrip('# ')}</h3>")
        elif words:
            blocks.append(f"<p>{words}</p>")
    return "\n".join(blocks)


def _count(seconds: float) -> str:
    return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


STYLE = """
:root { color-scheme: light dark; --ground: #f7f6f3; --card: #fff; --ink: #1d1d1b; --soft: #66655f; --line: #e3e1da;
  --accent: #3b5bdb; }
@media (prefers-color-scheme: dark) { :root { --ground: #161615; --card: #20201e; --ink: #eceae4; --soft: #a3a199;
  --line: #34332f; --accent: #91a7ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Noto Sans CJK SC", sans-serif; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 4rem; }
h1 { margin: 0; font-size: clamp(2rem, 6vw, 3.25rem); line-height: 1.1; letter-spacing: -0.02em; font-weight: 650; }
header p { max-width: 40rem; margin: 1rem 0 0; color: var(--soft); font-size: 1.125rem; }
main { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 1.5rem; padding-top: 3rem;
  align-items: start; }
section { grid-column: span 12; }
h2 { margin: 0 0 0.75rem; font-size: 0.875rem; font-weight: 600; color: var(--soft); }
section > div { display: grid; gap: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; overflow: hidden; }
img { display: block; width: 100%; height: auto; }
.avatar > div { grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); }
.avatar a { display: block; padding: 1rem; background: #f3d9c4; }
.avatar figure:nth-child(5n+2) a { background: #d3e4d6; }
.avatar figure:nth-child(5n+3) a { background: #d5dff2; }
.avatar figure:nth-child(5n+4) a { background: #f2dde6; }
.avatar figure:nth-child(5n) a { background: #efe6bf; }
.avatar img { max-width: 12rem; margin: 0 auto; }
article { padding: 2rem clamp(1.25rem, 4vw, 2.5rem) 1rem;
  font: 1.125rem/1.7 Georgia, "Noto Serif", "Songti SC", serif; }
article h3 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
article p { margin: 0 0 1rem; overflow-wrap: anywhere; white-space: pre-line; }
audio { display: block; width: calc(100% - 2rem); margin: 1.25rem 1rem 0.75rem; }
figcaption { padding: 0.75rem 1rem; border-top: 1px solid var(--line); font-size: 0.875rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.125rem 0.75rem; margin: 0.75rem 0 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { padding-top: 3rem; padding-bottom: 4rem; color: var(--soft); font-size: 0.875rem; }
footer p { margin: 0.25rem 0; }
code { font-size: 0.95em; }
@media (min-width: 56rem) {
  .poster { grid-column: span 5; }
  .story { grid-column: span 7; }
}
"""
