"""An instant engine for every medium, whose seed says how it behaves."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import numpy as np

from studio.backends import medium
from studio.errors import NOTHING, BadInput, Message, OutOfMemory
from studio.jobs.job import Cancelled, Job, Progress, Report
from studio.jobs.previews import AudioDelta, TextDelta
from studio.media.payloads import Audio, Bundle, Image, Payload, Svg, Text
from studio.models.resources import Resources
from studio.schema.request import Request

DEFAULT_STEPS, MOST_STEPS = 4, 24
"""Progress reports of a request that gives no steps, and at most of one that does."""
RAISES, MISUSED, DIES, SLOW, HUNGRY, STUBBORN, STARVING, SPEAKS, SEVERAL = range(9001, 9010)
"""Seeds: fails with an error nobody expected; with one in words; is killed; runs until cancelled and keeps what it has;
runs out of memory the first time; hears nothing for a minute; runs out of memory every time; says something of a face
that it found; and makes a work of several files."""
REMARK = "It is another face."
RATE = 8000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0H4V4Z"/></svg>'


class FakeEngine:
    """Draws, writes or plays something that shows its seed, in the size, length and steps of the request."""

    loaded: list[str] = []  # noqa: RUF012 - a log that tests read and clear
    closed: list[str] = []  # noqa: RUF012

    def load(self, resources: Resources, report: Report) -> None:
        self.name = resources.main.id if resources.main else "none"
        self.hungry = True
        FakeEngine.loaded.append(self.name)
        report(Progress("loading", 1, 1))

    def close(self) -> None:
        FakeEngine.closed.append(getattr(self, "name", "none"))

    def run(self, request: Request, report: Report) -> list[Payload]:
        seed = request.seed
        if seed == RAISES:
            raise ZeroDivisionError("nobody expected this")
        if seed == MISUSED:
            raise BadInput("The moon cannot be painted.", "Ask for the sun.", mend="models")
        if seed == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == STUBBORN:
            report(Progress("thinking"))
            time.sleep(60)
        if seed == STARVING or (seed == HUNGRY and len(FakeEngine.loaded) < 2):
            raise OutOfMemory("The machine ran out of memory.", "Choose a smaller size.")
        made, total = result(request), steps(request)
        if request.kind == "avatar.project" and isinstance(made, Image):
            found = Request.from_json({"kind": "avatar", "seed": seed, "model": request.model, "name": "Found"})
            said = Message(REMARK) if seed == SPEAKS else NOTHING
            made = Image(made.pixels, request=json.dumps(found.to_json()), remark=said)
        try:
            for step in range(1, total + 1):
                report(Progress("making", step, total, preview(made, step, total)))
            while seed == SLOW:
                time.sleep(0.005)
                report(Progress("making", total, total, preview(made, total, total)))
        except Cancelled:
            raise Cancelled([made]) from None
        return [bundle(made) if seed == SEVERAL else made]


def steps(request: Request) -> int:
    """How many steps the fake engine reports of a request: those of the request, or its tokens, up to MOST_STEPS."""
    return max(1, min(getattr(request, "steps", getattr(request, "tokens", DEFAULT_STEPS)), MOST_STEPS))


def payload(name: str, seed: int) -> Image | Text | Audio:
    """What the fake engine makes from a seed where nothing else is said."""
    return result(medium(name).default_task.request(seed=seed))


def result(request: Request) -> Image | Text | Audio:
    """What the fake engine makes for a request."""
    seed = request.seed
    if request.medium == "story":
        return Text(tale(seed, getattr(request, "tokens", 16) * 3 // 4))
    if request.medium == "music":
        turns = (220 + seed % 400) * np.arange(round(RATE * getattr(request, "seconds", 1.0))) / RATE
        return Audio((0.5 * np.sin(2 * np.pi * turns)).astype(np.float32)[None], RATE)
    width, height = size(request)
    pixels = np.full((height, width, 4 if request.medium == "avatar" else 3), 255, np.uint8)
    top, left = height // 6, width // 6
    pixels[top : height - top, left : width - left, :3] = (seed % 251, seed % 241, seed % 239)
    return Image(pixels)


def size(request: Request) -> tuple[int, int]:
    """The width and height in pixels that a request for a picture asks for."""
    said = getattr(request, "size", "native")
    side = said if isinstance(said, int) else {"large": 512}.get(said, 64)
    return getattr(request, "width", side), getattr(request, "height", side)


def tale(seed: int, words: int) -> str:
    """A Markdown text of so many words, twelve at least."""
    text = f"# Tale {seed}\n\nOnce upon a time there were {seed} foxes. 从前有一只狐狸。\n"
    filler = ("One", "of", "them", "went", "into", "the", "wood", "and", "came", "home", "late.")
    further = [filler[at % len(filler)] for at in range(words - len(text.split()))]
    return f"{text}\n{' '.join(further)}\n" if further else text


def bundle(made: Image | Text | Audio) -> Bundle:
    """The payload with two further files."""
    return Bundle(made, {"svg": Svg(SVG), "captions": Text("A fox. 狐狸。\n")})


def preview(made: Image | Text | Audio, step: int, total: int) -> Image | TextDelta | AudioDelta:
    """What is seen of it after a step: what is new of a text or a sound, a picture in half of its brightness."""
    if isinstance(made, Text):
        start, end = (len(made.text) * at // total for at in (step - 1, step))
        return TextDelta(start, made.text[start:end])
    if isinstance(made, Audio):
        start, end = (made.samples.shape[1] * at // total for at in (step - 1, step))
        return AudioDelta(start, made.samples[:, start:end], made.rate)
    rough = made.pixels.copy()
    rough[..., :3] //= 2
    return Image(rough)


def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for a condition that another thread makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def ended(job: Job, seconds: float = 20.0) -> BaseException | None:
    """The job's error, once it has ended; None where it went well."""
    return job.future.exception(seconds)
