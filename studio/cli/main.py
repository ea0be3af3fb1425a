"""The command line: its verbs, error messages and exit statuses.

0 done, 2 bad input, 3 a model or machine problem, 130 cancelled.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import studio
from studio.backends import MEDIA, PAGELESS
from studio.cli import export, library, make, models, tools
from studio.cli.context import CliContext, open_studio
from studio.cli.flags import ArgumentParser
from studio.cli.jobs import Interrupted
from studio.cli.plugin import cli_plugin
from studio.cli.words import line, program, tr
from studio.errors import Message, OutOfMemory, StudioError
from studio.system import log, signals
from studio.system.paths import AppPaths
from studio.system.storage import disk_error

if TYPE_CHECKING:
    from studio.studio import Studio

BAD_INPUT, PROBLEM, CANCELLED = 2, 3, 130

logger = logging.getLogger(__name__)


def parser() -> ArgumentParser:
    """All verbs. Each sets `run`, a function of the parsed values and a CliContext that returns the exit status."""
    whole = ArgumentParser(
        prog=program(),
        description=tr(
            "Create avatars, posters, stories and music on this machine. Without a command, the window opens."
        ),
        epilog=tr(
            "`studio VERB --help` explains each command. STUDIO_HOME sets one folder for all files of the studio."
        ),
    )
    whole.add_argument("--version", action="version", version=f"AIGC Studio {studio.__version__}")
    verbs = whole.add_subparsers(title=tr("verbs"), metavar="VERB", required=True)
    make.add_make(verbs)
    make.add_train(verbs)
    models.add(verbs)
    library.add(verbs)
    for one in (*MEDIA, *PAGELESS):
        cli_plugin(one).add_verbs(verbs)
    export.add(verbs)
    tools.add(verbs)
    return whole


def main(argv: Sequence[str], opener: Callable[[AppPaths], Studio] = open_studio) -> int:
    """Run one command and return its exit status. Errors become one or two sentences on standard error."""
    _speak_utf8()
    try:
        values = parser().parse_args(argv)
        places = AppPaths.for_user()
        with log.logging_to(places.logs, "command-line"), signals.interrupt_on_signals():
            return _run(values.run, values, CliContext(places, opener))
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    except StudioError as error:
        return _complain(error)


def _run(verb: Callable[..., int], values: object, context: CliContext) -> int:
    try:
        status = verb(values, context)
        sys.stdout.flush()
        return status
    except StudioError as error:
        return _complain(error)
    except Interrupted:
        context.print_error(Message("Cancelled."))
        return CANCELLED
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        context.print_error(Message("Cancelled."))
        return CANCELLED
    except BrokenPipeError:
        # Whoever read our output has gone: say nothing more, and keep Python from trying at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        logger.exception("a command failed")
        return _complain(OutOfMemory("This machine has too little free memory.", "Close other programs and try again."))
    except (OSError, sqlite3.Error) as error:
        logger.exception("a command failed")
        return _complain(disk_error("The command could not be finished", error))
    except Exception as error:
        logger.exception("a command failed")
        context.print_error(
            Message(
                "An unexpected error occurred ({kind}). The details are in {log}.",
                kind=type(error).__name__,
                log=log.path(context.places.logs, "command-line"),
            )
        )
        return PROBLEM


def _complain(error: StudioError) -> int:
    sys.stderr.write(f"{line(error.whole)}\n")
    return error.status


def _speak_utf8() -> None:
    """Titles may be Chinese where the terminal's encoding is not: replace what it cannot show instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
