"""Entry point: opens the window, or runs the command line."""

from __future__ import annotations

import gc
import os
import sys

from studio.errors import Message


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments:
        from studio.cli import main as cli

        return cli.main(arguments)
    if has_display():
        gc.disable()  # nothing that is loaded is garbage; the window collects by itself once it is shown
        try:
            return _window()
        finally:
            gc.enable()
    from studio.cli import main as cli

    _complain(Message("There is no display to open the window on, so this makes the demo in ./demo instead."))
    return cli.main(["demo"])


def has_display() -> bool:
    """Whether a window could be opened here."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _window() -> int:
    from studio.errors import StudioError
    from studio.studio import Studio
    from studio.system import log
    from studio.system.paths import AppPaths

    try:
        from studio.ui import app

        app.check_libraries()
    except ModuleNotFoundError:
        raise
    except ImportError as error:  # a library of the system that Qt needs
        loader_text = str(error)  # it names the library; an exception itself would be shown without its text
        _complain(
            Message(
                "The window cannot be opened: {error}. `studio doctor` says what is missing here.", error=loader_text
            )
        )
        return 3

    places = AppPaths.for_user()
    log.start(places.logs)
    try:
        opened = Studio(places)
    except StudioError as error:
        _complain(error.whole)
        return error.status
    return app.run(opened, sys.argv)


def _complain(said: Message) -> None:
    from studio.cli.words import line

    sys.stderr.write(f"{line(said)}\n")


if __name__ == "__main__":
    sys.exit(main())
