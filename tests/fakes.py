"""An instant engine for every medium, whose seed says how it behaves."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import numpy as np

from studio.errors import NOTHING, BadInput, Message, OutOfMemory
from studio.jobs.job import Cancelled, Job, Progress, Report
from studio.jobs.previews import AudioDelta, TextDelta
from studio.media.payloads import Audio, Image, Payload, Text
from studio.models.resources import Resources
from studio.schema.request import Request

STEPS = 4
RAISES, MISUSED, DIES, SLOW, HUNGRY, STUBBORN, STARVING, SPEAKS = 9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008
"""Seeds: fails with an error nobody expected; with one in words; is killed; runs until cancelled and keeps what it has;
runs out of memory the first time; hears nothing for a minute; runs out of memory every time; says something of a face
that it found."""
REMARK = "It is another face."


class FakeEngine:
    """Draws, writes or plays something that shows its seed, in STEPS steps."""

    loaded: list[str] = []  # noqa: RUF012 - a log that tests read and clear
    closed: list[str] = []  # noqa: RUF012

    def load(self, resources: Resources, report: Report) -> None:
        self.name = resources.main.id if resources.main else "none"
        self.hungry = True
        FakeEngine.loaded.append(self.name)

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
        made = payload(request.medium, seed)
        if request.kind == "avatar.project" and isinstance(made, Image):
            found = Request.from_json({"kind": "avatar", "seed": seed, "model": request.model, "name": "Found"})
            said = Message(REMARK) if seed == SPEAKS else NOTHING
            made = Image(made.pixels, request=json.dumps(found.to_json()), remark=said)
        try:
            for step in range(1, STEPS + 1):
                report(Progress("making", step, STEPS, preview(made, step)))
            while seed == SLOW:
                time.sleep(0.005)
                report(Progress("making", STEPS, STEPS, preview(made, STEPS)))
        except Cancelled:
            raise Cancelled([made]) from None
        return [made]


def payload(medium: str, seed: int) -> Payload:
    """What the fake engine makes from a seed."""
    if medium == "story":
        return Text(f"# Tale {seed}\n\nOnce upon a time there were {seed} foxes. 从前有一只狐狸。\n")
    if medium == "music":
        time_s = np.arange(8000) / 8000
        return Audio(0.5 * np.sin(2 * np.pi * (220 + seed % 400) * time_s, dtype=np.float32)[None], 8000)
    pixels = np.full((48, 48, 4 if medium == "avatar" else 3), 255, np.uint8)
    pixels[8:40, 8:40, :3] = (seed % 251, seed % 241, seed % 239)
    return Image(pixels)


def preview(made: Payload, step: int) -> Any:
    """What is seen of it after a step: what is new of a text or a sound, a picture in half of its brightness."""
    if isinstance(made, Text):
        start, end = (len(made.text) * at // STEPS for at in (step - 1, step))
        return TextDelta(start, made.text[start:end])
    if isinstance(made, Audio):
        start, end = (made.samples.shape[1] * at // STEPS for at in (step - 1, step))
        return AudioDelta(start, made.samples[:, start:end], made.rate)
    if isinstance(made, Image):
        rough = made.pixels.copy()
        rough[..., :3] //= 2
        return Image(rough)
    return made


def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for a condition that another thread makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def ended(job: Job, seconds: float = 20.0) -> BaseException | None:
    """The job's error, once it has ended; None where it went well."""
    return job.future.exception(seconds)
