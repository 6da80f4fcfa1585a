"""The app's own log: one rotating file that only its owner can read, without secrets, and never in the way."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Protocol

from app import paths
from app.redact import redactor

OWN = ("app", "screens", "widgets")
"""Loggers that follow the chosen level; those of libraries speak only from WARNING on."""

FILE_NAME = "quarterdeck.log"

_LINE = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"


class LogSettings(Protocol):
    """What the log needs of the settings."""

    @property
    def level(self) -> str: ...
    @property
    def max_mb(self) -> int: ...
    @property
    def files(self) -> int: ...


class Defaults:
    """The log before the settings are known."""

    level = "INFO"
    max_mb = 5
    files = 3


def setup(settings: LogSettings | None = None, *, secrets: Iterable[str] = (), console: bool = False) -> Path:
    """Send all records to the log file, and to standard error too with `console`; may be called again with better
    settings. Answers with the file's path. A file that cannot be written is no reason to fail: see `trouble`.
    """
    chosen = settings or Defaults()
    path = log_file()
    formatter = Redacting(secrets)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if getattr(handler, "quarterdeck", False)]:
        root.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [_File(path, chosen.max_mb * 1_000_000, chosen.files)]
    if console:
        handlers.append(_Console(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(max(logging.WARNING, logging.getLevelName(chosen.level)))
    for name in OWN:
        logging.getLogger(name).setLevel(chosen.level)
    logging.captureWarnings(True)
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable
    return path


def log_file() -> Path:
    """Where the log is, or would be."""
    return paths.state_dir() / "log" / FILE_NAME


def trouble() -> str:
    """Why the log is not being written; empty when it is."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _File):
            return handler.trouble
    return ""


class Redacting(logging.Formatter):
    """One record as text: UTC time, no secrets (not in tracebacks either), nothing a terminal would obey."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(_LINE)
        self._redact = redactor(secrets)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name is logging's
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        text = self._redact(super().format(record))
        return "\n    ".join(line if line.isprintable() else _visible(line) for line in text.split("\n"))


class _File(RotatingFileHandler):
    """Opens its file with the first record, for the owner alone, again when another process has rotated it."""

    quarterdeck = True

    def __init__(self, path: Path, max_bytes: int, files: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=files, encoding="utf-8", delay=True, errors="replace")
        self.trouble = ""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        number = os.open(self.baseFilename, flags, 0o600)
        with contextlib.suppress(OSError):
            os.fchmod(number, 0o600)
        return TextIOWrapper(os.fdopen(number, "ab", 0), encoding="utf-8", errors="replace", write_through=True)

    def emit(self, record: logging.LogRecord) -> None:
        self._follow()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Remember instead of printing: standard error may be the screen of the app."""
        error = sys.exc_info()[1]
        self.trouble = f"{self.baseFilename}: {getattr(error, 'strerror', None) or error}"

    def _follow(self) -> None:
        if self.stream is None:
            return
        try:
            mine, there = os.fstat(self.stream.fileno()), Path(self.baseFilename).stat()
            moved = (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)
        except (OSError, ValueError):
            moved = True
        if moved:
            with contextlib.suppress(OSError):
                self.stream.close()
            self.stream = None


class _Console(logging.StreamHandler):  # type: ignore[type-arg]  # StreamHandler is not generic at run time
    quarterdeck = True


def _visible(line: str) -> str:
    return "".join(
        character
        if character == "\t" or character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in line
    )


def _thread_died(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        name = args.thread.name if args.thread else "unknown"
        information = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("app.thread").error("thread %s died", name, exc_info=information)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    information = (args.exc_type, args.exc_value, args.exc_traceback) if args.exc_value is not None else None
    logging.getLogger("app.unraisable").error("%s %r", args.err_msg or "ignored in", args.object, exc_info=information)
