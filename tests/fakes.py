"""An instant engine for every medium, which does what its seed tells."""

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
"""Progress reports of a request without steps, and the most of one with steps."""
UNEXPECTED, BAD_INPUT, KILLED, SLOW, MEMORY_ONCE, HANGS, MEMORY_ALWAYS, REMARKS, SEVERAL_FILES, NOTHING_YET = range(
    9001, 9011
)
"""Seeds: raises an error that is no StudioError; raises BadInput; is killed; runs until it is cancelled and returns
what it has; runs out of memory the first time; does not report for a minute; runs out of memory every time; returns a
remark with a face that it found; returns a work of several files; runs until it is cancelled and has nothing then."""
REMARK = "It is another face."
RATE = 8000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0H4V4Z"/></svg>'


class FakeEngine:
    """Makes a picture, text or sound that depends on its seed, of the size, length and steps of the request."""

    loaded: list[str] = []  # noqa: RUF012 - tests read and clear it
    closed: list[str] = []  # noqa: RUF012

    def load(self, resources: Resources, report: Report) -> None:
        self.name = resources.main.id if resources.main else "none"
        FakeEngine.loaded.append(self.name)
        report(Progress("loading", 1, 1))

    def close(self) -> None:
        FakeEngine.closed.append(getattr(self, "name", "none"))

    def run(self, request: Request, report: Report) -> list[Payload]:
        seed = request.seed
        if seed == UNEXPECTED:
            raise ZeroDivisionError("nobody expected this")
        if seed == BAD_INPUT:
            raise BadInput("The moon cannot be painted.", "Ask for the sun.", mend="models")
        if seed == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == HANGS:
            report(Progress("thinking"))
            time.sleep(60)
        if seed == MEMORY_ALWAYS or (seed == MEMORY_ONCE and len(FakeEngine.loaded) < 2):
            raise OutOfMemory("The machine ran out of memory.", "Choose a smaller size.")
        payload, total = result(request), steps(request)
        if request.kind == "avatar.project" and isinstance(payload, Image):
            found = Request.from_json({"kind": "avatar", "seed": seed, "model": request.model, "name": "Found"})
            remark = Message(REMARK) if seed == REMARKS else NOTHING
            payload = Image(payload.pixels, request=json.dumps(found.to_json()), remark=remark)
        try:
            for step in range(1, total + 1):
                report(Progress("making", step, total, preview(payload, step, total)))
            while seed in (SLOW, NOTHING_YET):
                time.sleep(0.005)
                report(Progress("making", total, total, preview(payload, total, total)))
        except Cancelled:
            raise Cancelled([payload] if seed != NOTHING_YET else ()) from None
        return [bundle(payload) if seed == SEVERAL_FILES else payload]


def steps(request: Request) -> int:
    """How many steps the fake engine reports: the request's steps or tokens, at most MOST_STEPS."""
    return max(1, min(getattr(request, "steps", getattr(request, "tokens", DEFAULT_STEPS)), MOST_STEPS))


def payload(name: str, seed: int) -> Image | Text | Audio:
    """What the fake engine makes for the default request of a medium with this seed."""
    return result(medium(name).default_task.request(seed=seed))


def result(request: Request) -> Image | Text | Audio:
    """What the fake engine makes for a request."""
    seed = request.seed
    if request.medium == "story":
        return Text(story_text(seed, getattr(request, "tokens", 16) * 3 // 4))
    if request.medium == "music":
        cycles = (220 + seed % 400) * np.arange(round(RATE * getattr(request, "seconds", 1.0))) / RATE
        return Audio((0.5 * np.sin(2 * np.pi * cycles)).astype(np.float32)[None], RATE)
    width, height = size(request)
    pixels = np.full((height, width, 4 if request.medium == "avatar" else 3), 255, np.uint8)
    top, left = height // 6, width // 6
    pixels[top : height - top, left : width - left, :3] = (seed % 251, seed % 241, seed % 239)
    return Image(pixels)


def size(request: Request) -> tuple[int, int]:
    """The width and height in pixels that a request for a picture asks for."""
    named = getattr(request, "size", "native")
    side = named if isinstance(named, int) else {"large": 512}.get(named, 64)
    return getattr(request, "width", side), getattr(request, "height", side)


def story_text(seed: int, words: int) -> str:
    """A Markdown text of so many words, twelve at least."""
    text = f"# Tale {seed}\n\nOnce upon a time there were {seed} foxes. 从前有一只狐狸。\n"
    filler = ("One", "of", "them", "went", "into", "the", "wood", "and", "came", "home", "late.")
    further = [filler[at % len(filler)] for at in range(words - len(text.split()))]
    return f"{text}\n{' '.join(further)}\n" if further else text


def bundle(main: Image | Text | Audio) -> Bundle:
    """The payload with two further files."""
    return Bundle(main, {"svg": Svg(SVG), "captions": Text("A fox. 狐狸。\n")})


def preview(payload: Image | Text | Audio, step: int, total: int) -> Image | TextDelta | AudioDelta:
    """The preview after a step: the new part of a text or sound, or the picture at half its brightness."""
    if isinstance(payload, Text):
        start, end = (len(payload.text) * at // total for at in (step - 1, step))
        return TextDelta(start, payload.text[start:end])
    if isinstance(payload, Audio):
        start, end = (payload.samples.shape[1] * at // total for at in (step - 1, step))
        return AudioDelta(start, payload.samples[:, start:end], payload.rate)
    dark = payload.pixels.copy()
    dark[..., :3] //= 2
    return Image(dark)


def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for a condition that another thread makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition stayed false"
        time.sleep(0.002)


def ended(job: Job, seconds: float = 20.0) -> BaseException | None:
    """Wait for the job to end, and return its error, or None."""
    return job.future.exception(seconds)
