"""The log: it rotates, traces native crashes, fails silently, and keeps the words of requests to itself."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.schema.request import Request
from studio.system import log
from tests.studios import fake_studio

ROOT = Path(__file__).resolve().parent.parent.parent
logger = logging.getLogger("studio.test")


def poster(prompt: str) -> Request:
    return Request.from_json({"kind": "poster", "prompt": prompt, "negative": "hats"})


def test_the_log_is_written_rotated_and_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_SIZE", 2000)
    handlers = list(logging.getLogger().handlers)
    with log.logging_to(tmp_path / "logs", "studio"):
        logger.debug("not at this level")
        for number in range(200):
            logger.info("line %s 狐狸", number)
    names = {path.name for path in (tmp_path / "logs").iterdir()}
    assert {"studio.log", "studio.log.1", "studio.log.3"} <= names
    assert "studio.log.4" not in names
    words = log.path(tmp_path / "logs").read_text(encoding="utf-8")
    assert "line 199 狐狸" in words
    assert all(path.stat().st_size < 2200 for path in (tmp_path / "logs").iterdir())
    assert logging.getLogger().handlers == handlers
    logger.info("afterwards")
    assert "afterwards" not in log.path(tmp_path / "logs").read_text(encoding="utf-8")


def test_texts_of_requests_are_redacted(tmp_path: Path) -> None:
    prompt = 'my secret\n"garden"\nin Ulm'
    studio = fake_studio(tmp_path / "home", persist_queue=False)
    try:
        studio.queue.pause(True)
        studio.submit(poster(prompt))
        with log.logging_to(tmp_path / "logs", "studio"):
            logger.info("asked for %s", prompt)
            logger.info("asked for %r", {"prompt": prompt})
            logger.info("the line in Ulm alone")
            try:
                raise KeyError(prompt)
            except KeyError:
                logger.exception("a job failed")
    finally:
        studio.close()
    words = log.path(tmp_path / "logs").read_text(encoding="utf-8")
    assert words.count(log.REDACTED) >= 4
    assert "KeyError" in words
    assert "Traceback" in words
    for secret in ("secret", "garden", "Ulm", "hats"):
        assert secret not in words, words


def test_a_short_chinese_prompt_is_redacted(tmp_path: Path) -> None:
    log.conceal(poster("小红"))
    with log.logging_to(tmp_path, "studio"):
        logger.info("asked for 小红")
    words = log.path(tmp_path).read_text(encoding="utf-8")
    assert "小红" not in words
    assert log.REDACTED in words


def test_the_texts_to_redact_are_bounded() -> None:
    for number in range(log.MAX_TEXTS + 50):
        log.conceal(poster(f"prompt number {number}"))
    assert len(log._secrets) <= log.MAX_TEXTS
    for number in range(20):
        log.conceal(Request.from_json({"kind": "story", "prompt": f"{number} " + "x" * 390_000}))
    assert sum(map(len, log._secrets)) <= log.MAX_LETTERS


def test_an_unwritable_folder_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (warning,) = log.start(tmp_path / "file" / "logs")
    assert "There will be no log" in warning
    logger.info("this goes nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="another signal there")
def test_a_native_crash_leaves_a_trace(tmp_path: Path) -> None:
    script = (
        "import sys, ctypes; from pathlib import Path; from studio.system import log\n"
        "log.start(Path(sys.argv[1]))\n"
        "def fall(): ctypes.string_at(0)\n"
        "fall()"
    )
    environment = {**os.environ, "PYTHONFAULTHANDLER": ""}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert done.returncode < 0
    trace = log.crash_path(tmp_path).read_text(encoding="utf-8")
    assert "Segmentation fault" in trace
    assert "in fall" in trace
