"""Texts in the editor of `$VISUAL` or `$EDITOR`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.commands.given import utf8
from app.commands.text import one_line
from app.errors import UserError

LARGEST = 16 * 1024 * 1024
"""Bytes of a text that is read."""
body_option = click.option(
    "--body", metavar="TEXT", help="The new text instead of $EDITOR; - reads standard input.", callback=utf8
)
_NOT_IN_NAMES = re.compile(r"[^\w-]+")


@contextmanager
def edited(text: str, name: str, instead: str) -> Iterator[str]:
    """The text as it comes back from the editor; the very same where nothing but the last line end was changed.

    `name` is part of the file's name, and `instead` says how else the text can be given. What was written stays in its
    file when this, or what is done within, fails; the error names it.
    """
    given = text.replace("\r\n", "\n")
    shown = given if given.endswith("\n") or not given else f"{given}\n"
    path = _file(shown.encode("utf-8", "surrogateescape"), _NOT_IN_NAMES.sub("-", name)[:60])
    try:
        _edit(path, instead)
        back = _read(path, instead)
        if back.removesuffix("\n") == given.removesuffix("\n"):
            yield text
        else:
            yield back if given.endswith("\n") or not given else back.removesuffix("\n")
    except UserError as error:
        if not _written(path, shown):
            raise
        kept = f"what you wrote is in {path}"
        fix = f"{error.fix}; {kept}" if error.fix else kept
        raise UserError(error.what, where=error.where, fix=fix) from None
    except BaseException:
        if _written(path, shown):
            click.echo(f"quarterdeck: what you wrote is in {one_line(str(path))}", err=True)
        raise
    path.unlink(missing_ok=True)


def _file(data: bytes, name: str) -> Path:
    try:
        with tempfile.NamedTemporaryFile(prefix=f"qd-{name}-", suffix=".md", delete=False) as file:
            file.write(data)
    except OSError as error:
        fix = "make room, or set TMPDIR"
        raise UserError(f"cannot be written ({error.strerror})", where=tempfile.gettempdir(), fix=fix) from None
    return Path(file.name)


def _edit(path: Path, instead: str) -> None:
    try:
        click.edit(filename=str(path))
    except (click.ClickException, ValueError) as error:
        said = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise UserError(f"the editor did not work ({said})", fix=f"set EDITOR, or {instead}") from None


def _read(path: Path, instead: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"the editor wrote no UTF-8 at byte {error.start + 1}", fix="set it to UTF-8") from None
    except OSError as error:
        said = f"the editor left no file ({error.strerror})"
        raise UserError(said, where=str(path), fix=f"save the text in the editor, or {instead}") from None


def _written(path: Path, shown: str) -> bool:
    """Whether the file holds something new; else it is taken away."""
    try:
        if path.read_bytes() not in (b"", shown.encode("utf-8", "surrogateescape")):
            return True
        path.unlink()
    except OSError:
        pass
    return False
