"""`qd`: the way in. Opens the app, or runs one command; loads no more than that takes."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Run `qd` with these arguments (those of the process by default) and answer with its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        from app import __version__

        print(f"quarterdeck {__version__}")
        return 0
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _quiet_pipe()
    except Exception as error:
        from app.errors import UserError

        if isinstance(error, UserError):
            return _report(error)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _abandon_output()
            return _report(
                UserError(os.strerror(error.errno), where=error.filename or "", fix="make room and try again")
            )
        return _bug()


def _run(arguments: list[str]) -> int:
    from app.commands.table import COMPLETION_VARIABLES, PROGRAMS

    completing = any(name in os.environ for name in COMPLETION_VARIABLES)
    options = None if completing else _app_options(arguments)
    if options is not None:
        return open_app(*options)
    from app.commands.root import Front, invoke

    name = os.path.basename(sys.argv[0]) if sys.argv else ""  # noqa: PTH119 - pathlib is not loaded yet
    return invoke(arguments, name if name in PROGRAMS else PROGRAMS[0], Front(open_app, wrong_names))


def open_app(config: Path | None, start: str) -> int:
    """Open the app and stay until it is left."""
    _needs_terminal()
    import gc

    gc.disable()  # until the first frame: what is imported stays, so collecting finds nothing
    from app.tui import run

    return run(config=config, start=start)


def wrong_names(theme: str, keys: Mapping[str, str]) -> list[tuple[tuple[str, str], str]]:
    """What of a theme's name and of `[keys]` the app would not know: table and key, and what is wrong."""
    from app import known_names

    return known_names.wrong_names(theme, keys)


def _app_options(arguments: list[str]) -> tuple[Path | None, str] | None:
    """The file and the area to open the app with; None when the arguments ask for something else."""
    values = {"--config": "", "--start": ""}
    rest = list(arguments)
    while rest:
        name, joined, value = rest.pop(0).partition("=")
        if name not in values or not (joined or rest):
            return None
        values[name] = value if joined else rest.pop(0)
    if not values["--config"]:
        return None, values["--start"]
    from pathlib import Path

    return Path(values["--config"]), values["--start"]


def _needs_terminal() -> None:
    if os.environ.get("TEXTUAL_DRIVER") or (sys.__stdin__ and sys.__stdin__.isatty()):
        return
    from app.errors import UserError

    raise UserError("the app needs a terminal to run in", fix="in scripts use a command: `qd --help` lists them")


def _report(error: UserError) -> int:
    problems = getattr(error, "problems", ())
    if problems:
        for problem in problems:
            print(f"quarterdeck: {problem}", file=sys.stderr)
    else:
        print(
            f"quarterdeck: {error.where}: {error.what}" if error.where else f"quarterdeck: {error.what}",
            file=sys.stderr,
        )
        if error.fix:
            print(error.fix, file=sys.stderr)
    return 2


def _quiet_pipe() -> int:
    """The reader has gone (`qd … | head`): nobody is left to tell. The code is that of any program in such a pipe."""
    import signal

    _abandon_output()
    return 128 + signal.SIGPIPE


def _abandon_output() -> None:
    """What is left in the buffer goes nowhere: writing it at the end of the process would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _bug() -> int:
    """Log what nobody foresaw, with its traceback; show one line."""
    import logging

    from app import log

    kind, error, _ = sys.exc_info()
    logger = logging.getLogger("app.cli")
    if not any(getattr(handler, "quarterdeck", False) for handler in logging.getLogger().handlers):
        log.setup()
    logger.critical("unexpected error", exc_info=True)
    trouble = log.trouble()
    place = f"the log could not be written ({trouble})" if trouble else f"details: {log.log_file()}"
    name = kind.__name__ if kind else "error"
    first = str(error).strip().split("\n")[0]
    from app.redact import redact

    print(f"quarterdeck: unexpected error ({name}: {redact(first)}); {place}", file=sys.stderr)
    if trouble:
        import traceback

        print(redact(traceback.format_exc()), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
