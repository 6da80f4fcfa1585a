"""Files of templates: read only where they may be, with the front matter told from the body."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound

from app.content.templates.guard import LimitError
from app.errors import UserError

LARGEST = 64 * 1024
"""Bytes of a template."""
SUFFIXES = (".md", ".html", ".css")
INSIDE = "include what lies in the folder"
_MARK = re.compile(r"---[ \t]*\n")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)


class Confined(BaseLoader):
    """Templates of some folders, the first that has one; nothing outside of them, by whatever name or link."""

    def __init__(self, roots: Sequence[Path], given: Mapping[str, str]) -> None:
        """`given` are texts that are no files, by names of their own."""
        self._roots, self._given = roots, given

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The body of a template, with an empty line for each line before it, so that lines are those of the file."""
        if template in self._given:
            return self._given[template], template, None
        for root in self._roots:
            path = within(root, template)
            if path is not None and path.is_file():
                text = read(path)
                return padded(text), str(path), None
        raise TemplateNotFound(template)


def within(root: Path, name: str) -> Path | None:
    """The file of this name in a folder; None for what leads out of it. Raises LimitError for a name that tries to."""
    if not name or "\0" in name or "\\" in name or name.startswith(("/", "~")) or ".." in name.split("/"):
        raise LimitError(f"{name[:60]!r} is outside of the templates' folder", INSIDE)
    if not name.endswith(SUFFIXES):
        return None
    folder = os.path.realpath(root)
    path = os.path.realpath(Path(folder, name))
    if os.path.commonpath((folder, path)) != folder:
        raise LimitError(f"{name[:60]!r} leads out of the templates' folder", INSIDE)
    return Path(path)


def read(path: Path) -> str:
    """The text of a template. Raises UserError for what is none."""
    try:
        # A pipe would never answer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError("this is no file", where=str(path), fix="put a text file there")
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=str(path), fix="check its permissions") from None
    if len(raw) > LARGEST:
        fix = "divide it, and include its parts"
        raise UserError(f"longer than the {LARGEST // 1024} KB of a template", where=f"{path}:1", fix=fix)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError("this is no UTF-8", where=f"{path}:{line}", fix="save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split(text: str) -> tuple[str, int]:
    """The front matter without its marks, and the offset at which the body begins.

    Raises ValueError when the front matter has no end.
    """
    opened = _MARK.match(text)
    if opened is None:
        return "", 0
    end = _END.search(text, opened.end())
    if end is None:
        raise ValueError("the front matter has no end")
    return text[opened.end() : end.start()], end.end()


def body_line(text: str) -> int:
    """The line on which the body begins, from 1."""
    return text.count("\n", 0, _body(text)) + 1


def padded(text: str) -> str:
    """The body of a template, with an empty line for each line before it."""
    return "\n" * (body_line(text) - 1) + text[_body(text) :]


def _body(text: str) -> int:
    try:
        return split(text)[1]
    except ValueError:
        return 0
