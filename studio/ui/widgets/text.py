"""Texts of the window: translation, plurals, times, sizes, requests, jobs and errors in words."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from studio.backends import MEDIA, PAGELESS, medium
from studio.backends.medium import StageText
from studio.errors import Message, StudioError
from studio.jobs.io.host import IoRequest
from studio.jobs.job import Job, JobGroup
from studio.library import titles
from studio.schema.fields import Choice, Field, Flag, FreeText, Range
from studio.schema.request import Request

STAGES = (StageText("making room", "freeing memory"),)
"""How the window says the stages that every task may have."""

INSTEAD = {
    "models": "Choose another model, or add one.",
    "diagnostics": "Try again; if it happens every time, the diagnostics have what is needed to find out why.",
}
"""What the window advises where a hint names a command of the command line."""


def tr(text: str) -> str:
    """The text in the window's language. English source texts are the keys."""
    return QCoreApplication.translate("studio", text)


def count(n: int, one: str, many: str) -> str:
    """`one` or `many` with %n filled in. English needs no translation file; other languages bring their own forms."""
    said = QCoreApplication.translate("studio", many, None, n)
    if said == many.replace("%n", str(n)):
        said = (one if n == 1 else many).replace("%n", QLocale().toString(n))
    return said


def duration(seconds: float) -> str:
    """A length of time to read at a glance: 8 s, 2 min, 8 h, 1 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 90:
        return tr("{n} s").format(n=whole)
    minutes = round(whole / 60)
    if minutes < 60:
        return tr("{n} min").format(n=minutes)
    if minutes % 60 == 0:
        return tr("{h} h").format(h=minutes // 60)
    return tr("{h} h {m} min").format(h=minutes // 60, m=minutes % 60)


def sentence(words: str) -> str:
    """Words that begin a line."""
    return words[:1].upper() + words[1:]


def clock(seconds: float) -> str:
    """A position in a sound: 0:07, 12:30."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def tenths(seconds: float) -> str:
    """A position to a tenth of a second: 0:07.3."""
    return f"{clock(seconds)}.{int(seconds * 10) % 10}"


def moment(when: float) -> str:
    """A point in time, as short as possible: the time if it is today, else the date."""
    then, now = QDateTime.fromSecsSinceEpoch(int(when)), QDateTime.currentDateTime()
    locale, short = QLocale(), QLocale.FormatType.ShortFormat
    if then.date() == now.date():
        return tr("Today {time}").format(time=locale.toString(then.time(), short))
    return locale.toString(then.date(), short)


def size(number: int) -> str:
    """How much room something takes, as systems say it today: 8.7 MB."""
    digits = 1 if number >= 1_000_000 else 0
    return QLocale().formattedDataSize(number, digits, QLocale.DataSizeFormat.DataSizeSIFormat)


def rough_size(number: int) -> str:
    """A size that is an estimate, to two digits: about 490 MB, about 2.7 GB."""
    rounded = int(float(f"{number:.2g}"))
    digits = str(rounded).rstrip("0")
    whole = len(str(rounded)) % 3 != 1 or len(digits) == 1
    words = QLocale().formattedDataSize(rounded, int(not whole), QLocale.DataSizeFormat.DataSizeSIFormat)
    return tr("about {size}").format(size=words)


class _Filled(string.Formatter):
    """`str.format` in the window's language: messages among the parameters are translated, numbers written its way."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return worded(value)
        if QLocale().language() == QLocale.Language.C:
            return super().format_field(value, format_spec)
        if isinstance(value, int) and format_spec == ",":
            return QLocale().toString(value)
        match = re.fullmatch(r",?\.(\d)f", format_spec)
        if match and isinstance(value, int | float):
            return QLocale().toString(float(value), "f", int(match[1]))
        return super().format_field(value, format_spec)


def worded(message: Message | str) -> str:
    """A message of the core in the window's language; a text that is no message as it is."""
    if isinstance(message, str):
        return message
    if not message:
        return ""
    if message.one:
        n = int(message.params["n"])  # type: ignore[arg-type]
        translated = QCoreApplication.translate("studio", message.template, None, n)
        if translated == message.template and n == 1:
            translated = message.one
    else:
        translated = tr(message.template)
    try:
        return _Filled().vformat(translated, (), message.params)
    except (LookupError, ValueError, AttributeError, TypeError):  # a translation with placeholders of its own
        return str(message)


def stage_words(job: Job) -> str:
    """What a running job does right now, such as "loading", without how far it is."""
    stage = job.progress.stage
    text = _stage_text(job)
    return tr(text.words) if text else worded(stage) if isinstance(stage, Message) else tr(stage)


def _stage_text(job: Job) -> StageText | None:
    """How the job's task says its stage; None where the stage is shown as it is reported."""
    stage = job.progress.stage
    name = stage.template if isinstance(stage, Message) else stage
    tasks = (task for each in (*MEDIA, *PAGELESS) for task in each.tasks)
    task = next((one for one in tasks if one.request is type(job.request)), None)
    return next((text for text in (*(task.stages if task else ()), *STAGES) if text.stage == name), None)


def failure(error: BaseException) -> tuple[str, str]:
    """What happened and what to do about it."""
    if isinstance(error, StudioError):
        command = "`" in error.advice.template and error.mend in INSTEAD
        return worded(error.said), tr(INSTEAD[error.mend]) if command else worded(error.advice)
    return tr("An unexpected error occurred."), f"{type(error).__name__}: {error}"


def value_text(note: Field, given: Any) -> str:
    """A value of a request as its form shows it."""
    if isinstance(note, Choice):
        options = dict(note.options)
        return tr(options[given]) if given in options else str(given)
    if isinstance(note, Flag):
        return tr("yes") if given else tr("no")
    if isinstance(note, Range) and note.low_word and given == note.low:
        return tr(note.low_word)
    if isinstance(note, Range) and note.shown is not None:
        factor, unit = note.shown
        return f"{round(given * factor)} {tr(unit)}"
    if isinstance(note, Range):
        return f"{given:g}{' ' + tr(note.unit) if note.unit else ''}"
    if isinstance(note, FreeText):
        return re.sub(r"^#+ ", "", str(given), flags=re.MULTILINE)  # a title is one without its mark
    return str(given)


def request_lines(request: Mapping[str, Any], without: Collection[str] = ()) -> list[tuple[str, str]]:
    """A request's JSON in words: (label, value), what is empty and the fields `without` left out. Unknown kinds are
    told by their keys.
    """
    cls = Request.kinds.get(str(request.get("kind")))
    if cls is None:
        return [
            (key, str(given).strip()) for key, given in request.items() if key != "kind" and given not in ("", None)
        ]
    return [
        (tr(note.label), value_text(note, request[name]).strip())
        for name, note in cls.fields()
        if not note.hidden and name not in without and request.get(name) not in ("", None)
    ]


def gist(request: Mapping[str, Any]) -> str:
    """A request in a few words: its prompt, or else its choices and its seed."""
    return titles.describe(request, tr)


def short_gist(request: Mapping[str, Any]) -> str:
    """The same in fewer words, for where there is little room: the seed only where nothing else was asked for."""
    return titles.short_description(request, tr)


def live_jobs(row: Job | JobGroup, *states: str) -> int:
    """How many jobs of a row of the queue are in these states, or else run or wait."""
    jobs = row.jobs if isinstance(row, JobGroup) else [row]
    return sum(job.state in (states or ("queued", "running")) for job in jobs)


def cancel_words(number: int) -> str:
    """What a button says that cancels so many jobs."""
    return tr("Cancel") if number < 2 else count(number, "Cancel %n", "Cancel %n")


def job_title(job: Job | JobGroup) -> str:
    request = job.request
    return tr(request.title if isinstance(request, IoRequest) else medium(request.medium).title)


def request_name(request: Request) -> str:
    """What it is about: its prompt, name or choices, or the names of the files; empty where it has none."""
    return request.subject if isinstance(request, IoRequest) else titles.describe_settings(request.to_json(), tr)


def job_stage(job: Job | JobGroup) -> str:
    """What it does right now: `painting, step 3 of 12`; of a group also which job: `2 of 4, painting, step 3 of 12`."""
    if isinstance(job, JobGroup):
        return _group_stage(job)
    progress = job.progress
    words = {
        "queued": tr("waiting"),
        "done": tr("done"),
        "failed": tr("failed"),
        "cancelled": tr("cancelled"),
    }
    if job.state != "running":
        return words[job.state]
    if job.cancelling:
        return tr("stopping")
    if job.suspended:
        return tr("paused")
    name, text = stage_words(job), _stage_text(job)
    if progress.total < 2:  # of one step there is nothing to count
        return name
    if progress.unit == "s":
        done, total = duration(progress.done), duration(progress.total)
        return tr("{stage}, {done} of {total}").format(stage=name, done=done, total=total)
    if text:
        percent = round(100 * min(progress.done, progress.total) / progress.total)
        return tr(text.counted or text.words).format(done=progress.done, total=progress.total, percent=percent)
    shown = size if progress.unit == "B" else str
    words = tr("{stage} {done} of {total}")
    return words.format(stage=name, done=shown(progress.done), total=shown(progress.total))


def _group_stage(group: JobGroup) -> str:
    many = len(group.jobs)
    running = group.running
    if running is not None:
        words = tr("{done} of {total}, {stage}")
        return words.format(done=group.jobs.index(running) + 1, total=many, stage=job_stage(running))
    if not group.has_ended:
        return tr("{number} waiting").format(number=many - group.finished)
    done = sum(job.state == "done" for job in group.jobs)
    if done == many:
        return tr("{number} done").format(number=many)
    failed = sum(job.state == "failed" for job in group.jobs)
    if failed:
        return tr("{done} of {total} done, {failed} failed").format(done=done, total=many, failed=failed)
    return tr("{done} of {total} done, then cancelled").format(done=done, total=many)
