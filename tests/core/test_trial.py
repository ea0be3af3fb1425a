"""Trials of models in child processes: what they say arrives, and they end in time, in memory or when cancelled."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.jobs.job import Cancelled
from studio.models import trial

RUN = trial.run  # tests get another one


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of trials that are found by the names of their files in this test's folder."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def program(tmp_path: Path, *lines: str, before: str = "") -> str:
    """The name of a program whose trial does these lines with `folder`."""
    body = "\n".join(f"    {line}" for line in lines)
    head = "import time\nfrom studio.errors import Message, StudioError\nfrom studio.models import trial"
    text = f"{head}\n{before}\ndef try_out(folder):\n{body}\ntrial.answer(try_out)\n"
    (tmp_path / "program_of_trial.py").write_text(text, encoding="utf-8")
    return "program_of_trial"


def test_a_refusal_arrives_in_its_own_words_and_names_the_folder_of_the_user(tmp_path: Path) -> None:
    inner = "Message('it lies in {place}', place=str(folder))"
    name = program(
        tmp_path, f"raise StudioError('{{folder}} is odd: {{why}}.', 'Mend it.', folder=folder, why={inner})"
    )
    with pytest.raises(StudioError) as refused:
        RUN(name, tmp_path / "staging", tmp_path / "own")
    own = tmp_path / "own"
    assert (refused.value.message, refused.value.hint) == (f"{own} is odd: it lies in {own}.", "Mend it.")


def test_a_trial_that_ends_well_refuses_nothing(tmp_path: Path) -> None:
    RUN(program(tmp_path, "print('a library talks')"), tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("time.sleep(60)", "trial.SECONDS = 0.5"),
        pytest.param(
            "bytearray(1 << 28)",
            "trial.MEMORY = 1 << 26",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only"),
        ),
    ],
)
def test_what_takes_too_long_or_too_much_is_refused(tmp_path: Path, line: str, limit: str) -> None:
    with pytest.raises(StudioError, match="cannot be opened: it takes more than"):
        RUN(program(tmp_path, line, before=limit), tmp_path, tmp_path)


def test_a_trial_that_does_not_start_refuses_nothing(tmp_path: Path) -> None:
    RUN(program(tmp_path, "pass", before="raise ImportError('no torch')"), tmp_path, tmp_path)


def test_a_cancel_ends_a_trial(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled

    began = time.monotonic()
    with pytest.raises(Cancelled):
        RUN(program(tmp_path, "time.sleep(60)"), tmp_path, tmp_path, stop)
    assert time.monotonic() - began < 30
