"""Growing previews: only what is new is sent, nothing is lost by throttling, and later previews stay readable."""

from __future__ import annotations

import io
import itertools
import pickle
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from studio.backends import medium
from studio.jobs import worker
from studio.jobs.engine_cache import EngineLimits
from studio.jobs.job import Job, Progress
from studio.jobs.previews import AudioDelta, Preview, PreviewEncoder, PreviewJoiner, TextDelta, TextPreview
from studio.jobs.worker import ProcessHost, ThreadHost
from studio.media.payloads import Audio, Image, Payload, Text
from studio.models.resources import Resources
from studio.schema.request import Request
from tests import fakes

STORY = medium("story").default_task.request
RATE = 100


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def text_of(preview: Preview | None) -> str:
    assert isinstance(preview, TextPreview)
    return preview.text


def test_whole_texts_are_sent_as_what_is_new(clock: Clock) -> None:
    encoder, joiner = PreviewEncoder(0.0, clock), PreviewJoiner()
    texts = ["a", "ab", "ab", "abc\nd", "ax", "axy", ""]
    sent = [encoder.encode(Text(text)) for text in texts]
    assert sent == [
        *(TextDelta(0, "a"), TextDelta(1, "b"), TextDelta(2, ""), TextDelta(2, "c\nd"), TextDelta(0, "ax")),
        *(TextDelta(2, "y"), TextDelta(0, "")),
    ]
    joined = [joiner.join(delta) for delta in sent]
    assert [text_of(preview) for preview in joined] == texts, "each stays what it was when later ones come"


def test_throttling_collects_what_is_new(clock: Clock) -> None:
    encoder, joiner = PreviewEncoder(0.04, clock), PreviewJoiner()
    shown: list[str] = []
    for at in range(100):
        clock.now += 0.011
        delta = encoder.encode(TextDelta(at, str(at % 10)))
        if delta is not None:
            shown.append(text_of(joiner.join(delta)))
    assert len(shown) == 25
    assert all(text + ("0123456789" * 10)[len(text) :] == "0123456789" * 10 for text in shown)
    clock.now += 1
    assert encoder.encode(None) is not None, "what was held back comes with the next report"
    assert encoder.encode(None) is None


def test_a_delta_that_goes_back_replaces_the_end(clock: Clock) -> None:
    encoder, joiner = PreviewEncoder(0.04, clock), PreviewJoiner()
    first = joiner.join(encoder.encode(TextDelta(0, "one two")))
    for delta in (TextDelta(7, " three"), TextDelta(4, "ten"), TextDelta(7, "!")):
        assert encoder.encode(delta) is None
    clock.now += 1
    second = joiner.join(encoder.encode(None))
    assert (text_of(first), text_of(second)) == ("one two", "one ten!")
    clock.now += 1
    assert encoder.encode(TextDelta(8, "?")) == TextDelta(8, "?")


def test_held_back_deltas_may_go_back_into_what_is_held_back(clock: Clock) -> None:
    encoder = PreviewEncoder(0.04, clock)
    encoder.encode(TextDelta(0, ""))
    for delta in (TextDelta(0, "abcdef"), TextDelta(3, "x"), TextDelta(4, "y")):
        encoder.encode(delta)
    clock.now += 1
    assert encoder.encode(None) == TextDelta(0, "abcxy")


def test_sounds_are_sent_as_what_is_new_and_share_memory(clock: Clock) -> None:
    encoder, joiner = PreviewEncoder(0.0, clock), PreviewJoiner()
    whole = np.random.default_rng(1).standard_normal((2, 50 * RATE)).astype(np.float32)
    heard: list[Audio] = []
    for seconds in range(1, 51):
        delta = encoder.encode(Audio(whole[:, : seconds * RATE].copy(), RATE))
        assert isinstance(delta, AudioDelta)
        assert (delta.at, delta.samples.shape[1]) == ((seconds - 1) * RATE, RATE)
        preview = joiner.join(delta)
        assert isinstance(preview, Audio)
        heard.append(preview)
    for seconds, preview in enumerate(heard, 1):
        assert np.array_equal(preview.samples, whole[:, : seconds * RATE])
    other = encoder.encode(Audio(-whole, RATE))
    assert isinstance(other, AudioDelta)
    assert other.at == 0, "another sound is sent whole"
    replaced = joiner.join(other)
    assert isinstance(replaced, Audio)
    assert np.array_equal(replaced.samples, -whole)
    assert np.array_equal(heard[-1].samples, whole)


def test_held_back_sounds_are_joined(clock: Clock) -> None:
    encoder, joiner = PreviewEncoder(0.04, clock), PreviewJoiner()
    whole = np.arange(40, dtype=np.float32)[None]
    joiner.join(encoder.encode(AudioDelta(0, whole[:, :10], RATE)))
    for at in (10, 20, 30):
        encoder.encode(AudioDelta(at, whole[:, at : at + 10], RATE))
    clock.now += 1
    preview = joiner.join(encoder.encode(None))
    assert isinstance(preview, Audio)
    assert np.array_equal(preview.samples, whole)


def test_pictures_pass_and_are_dropped_when_too_fast(clock: Clock) -> None:
    encoder = PreviewEncoder(0.04, clock)
    picture = Image(np.zeros((2, 2, 3), np.uint8))
    assert encoder.encode(picture) is picture
    assert encoder.encode(picture) is None
    clock.now += 0.05
    assert encoder.encode(picture) is picture


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "deltas"])
def test_a_token_of_a_long_text_costs_no_more_on_the_pipe(clock: Clock, whole: bool) -> None:
    def bytes_of_last_token(length: int) -> int:
        encoder = PreviewEncoder(0.0, clock)
        encoder.encode(Text("a" * length) if whole else TextDelta(0, "a" * length))
        delta = encoder.encode(Text("a" * length + " fox") if whole else TextDelta(length, " fox"))
        pipe = io.BytesIO()
        worker.write_frame(pipe, ("progress", Progress("writing", 1, 2, delta)))
        return pipe.tell()

    assert bytes_of_last_token(400_000) <= bytes_of_last_token(400) + 8  # a longer number


class Writer(fakes.FakeEngine):
    """Writes its text in tokens, as deltas or whole; the seed is the number of tokens."""

    def run(self, request: Request, report: fakes.Report) -> list[Payload]:
        text = ""
        for at in range(request.seed):
            text += f"{at} "
            report(Progress("writing", at + 1, request.seed, Text(text)))
        return [Text(text)]


@pytest.fixture(params=[ThreadHost, ProcessHost])
def host(request: pytest.FixtureRequest) -> Iterator[ThreadHost | ProcessHost]:
    made = request.param(EngineLimits(platform=""))
    yield made
    made.close()


def test_what_is_heard_through_a_host_is_always_the_text_so_far(host: ThreadHost | ProcessHost) -> None:
    heard: list[tuple[int, str]] = []

    def listen(progress: Progress) -> None:
        if isinstance(progress.preview, TextPreview):
            heard.append((progress.done, progress.preview.text))

    result = host.run(Job(STORY(seed=3000)), "tests.core.test_previews:Writer", Resources(), listen)
    (made,) = result.payloads
    assert isinstance(made, Text)
    assert heard
    assert made.text == "".join(f"{at} " for at in range(3000))
    ends = list(itertools.accumulate((len(f"{at} ") for at in range(3000)), initial=0))
    assert all(text == made.text[: ends[done]] for done, text in heard)
    assert made.text.startswith(heard[-1][1])


def test_reading_while_the_text_grows(clock: Clock) -> None:
    joiner = PreviewJoiner()
    preview = joiner.join(TextDelta(0, "start "))
    assert isinstance(preview, TextPreview)
    source, seen, done = preview.source, ["start "], threading.Event()

    def read() -> None:
        at = preview.length
        while not done.is_set() or at < source.length:
            end = source.length
            seen.append(source.read(at, end))
            at = end

    reader = threading.Thread(target=read)
    reader.start()
    whole = "start "
    for n in range(5000):
        joiner.join(TextDelta(len(whole), f"{n},"))
        whole += f"{n},"
    done.set()
    reader.join(20)
    assert "".join(seen) == whole


def test_deltas_pickle() -> None:
    assert pickle.loads(pickle.dumps(TextDelta(3, "狐"))) == TextDelta(3, "狐")
