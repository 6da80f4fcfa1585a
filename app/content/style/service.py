"""The style engine's public face: texts and files, checked against the style guide and put right."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from app import standard_input
from app.content.style import rules, source, vale
from app.content.style.fixing import fix
from app.content.style.linter import Linter
from app.content.style.model import Finding, Fixed, Options, Report, Rule
from app.errors import UserError
from app.files import replace_bytes

STDIN = "-"
LARGEST = 64 * 1024 * 1024
"""Bytes of a file; what is longer was named by mistake."""
BROKEN = "encoding"
"""The rule that a text breaks whose bytes are not all UTF-8."""


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found in one file."""

    file: str
    findings: tuple[Finding, ...]
    trouble: str = ""
    """Why Vale has not checked it; empty where it has, or is not asked."""

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class FixedFile:
    """What was put right in one file, and what was not."""

    file: str
    before: bytes
    after: bytes
    fixed: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many errors are left."""
        return sum(finding.severity == "error" for finding in self.left)

    @property
    def diff(self) -> str:
        """The change as a unified diff; empty where there is none."""
        before, after = (_lines(raw.decode("utf-8", "surrogateescape")) for raw in (self.before, self.after))
        name = self.file.removeprefix("/")
        return "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))


class StyleService:
    """Checks and mends texts and files by one style; for one thread at a time."""

    def __init__(self, options: Options, template: str = "", target: str = "") -> None:
        self._style = rules.style(options, template, target)
        self._linter = Linter(self._style)
        self._vale = vale.installed() if options.vale else ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self._style.rules

    def check(self, text: str) -> Report:
        """What is against the style in a text whose lines end with `\\n`.

        What is like in the text before is not looked at again: after a change in one paragraph this takes milliseconds.
        """
        return self._linter.lint(text)

    def mend(self, text: str) -> Fixed:
        """Such a text with all safe fixes."""
        return fix(self._linter, text)

    def lint(self, file: str) -> Linted:
        """What is against the style in a file, `-` being standard input. Raises `UserError` where it cannot be read."""
        text = source.decoded(read(file))
        findings = (*_broken(text), *self.check(text.text).findings)
        trouble = ""
        if self._vale:
            try:
                findings += vale.check(self._vale, file, source.shown(text.text))
            except UserError as error:
                trouble = str(error)
        order = sorted(findings, key=lambda finding: (finding.line, finding.column))
        return Linted(file, tuple(order), trouble)

    def fix(self, file: str, *, write: bool = True) -> FixedFile:
        """Put right what is safe. With `write` the file is replaced in one step, unless nothing is to change."""
        raw = read(file)
        text = source.decoded(raw)
        done = self.mend(text.text)
        after = text.encoded(done.text) if done.fixed else raw
        if write and after != raw and file != STDIN:
            _replace(file, raw, after)
        left = (*_broken(replace(text, text=done.text)), *done.left)
        return FixedFile(file, raw, after, done.fixed, left)


def read(file: str) -> bytes:
    """The bytes of a file, or of standard input."""
    raw = standard_input.read(LARGEST) if file == STDIN else _bytes(Path(file))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError("the file is UTF-16", where=f"{file}:1", fix="save it as UTF-8")
    return raw


def _bytes(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK, so that a pipe (`<(…)`) is waited for; what a device gives has no end.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError("this is a folder", where=str(path), fix=f"name files, such as {path / '*.md'}")
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise UserError("this is no file", where=str(path), fix="name another one, or - for standard input")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            what = f"longer than {LARGEST // 1024 // 1024} MB, which no text is"
            raise UserError(what, where=str(path), fix="name another file")
        return data
    except FileNotFoundError:
        raise UserError("there is no such file", where=str(path), fix="check the name") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot be read ({why})", where=str(path), fix="check the name and the permissions") from None


def _replace(file: str, before: bytes, after: bytes) -> None:
    # A link stays one: what it leads to is replaced.
    path = Path(os.path.realpath(file))
    if Path(file).is_fifo():
        raise UserError("a pipe cannot be written into", where=file, fix="give its text to -, or show it with --diff")
    if _bytes(path) != before:
        raise UserError("the file has changed meanwhile; nothing is written", where=file, fix="try again")
    try:
        replace_bytes(path, after)
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=file, fix="the file is as it was") from None


def _broken(text: source.Source) -> tuple[Finding, ...]:
    at = text.broken
    if at < 0:
        return ()
    before = text.text[:at]
    line, column = before.count("\n") + 1, at - before.rfind("\n")
    message = "not UTF-8 from here on; the bytes stay as they are"
    return (Finding(BROKEN, "error", line, column, line, column + 1, "\ufffd", message),)


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        return lines[:-1]
    lines[-1] += "\\ No newline at end of file\n"
    return lines
