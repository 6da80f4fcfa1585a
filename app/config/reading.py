"""Reads a TOML file, or says on which line it cannot be read and why."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.config.lookup import Located, shown
from app.config.positions import KeyPath, key_lines
from app.config.problems import Problem, SettingsError

LARGEST = 1_000_000
"""Bytes. No configuration is that long; a log or a video named by mistake is."""

_PLACE = re.compile(r" ?\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_DECLARED = re.compile(r"\((.*)\) twice$")
_HINTS = (
    ("Cannot overwrite a value", "this key has a value above already; keep one of them"),
    ("Cannot declare", "this table stands above already; join the two"),
    ("Cannot mutate immutable namespace", "this table is closed, as it was written with { }; put the key inside"),
    ("Unescaped '\\' in a string", "a backslash needs single quotes around the text: 'C:\\dir'"),
    ("Invalid value", 'text stands in quotes: "text"; true and false are in lower case'),
    ("Illegal character '\\n'", "the closing quote is missing"),
    ("Unterminated string", "the closing quote is missing"),
    ("Unclosed array", "the closing ] is missing"),
    ("Expected '=' after a key", 'write key = "value"'),
    ("Expected ']' at the end of a table", "write [table] on a line of its own"),
    ("Expected newline or end of document", "one value a line; text with quotes inside stands in single quotes"),
)


@dataclass(frozen=True)
class Document:
    """A file's values, and the line that each stands on."""

    path: Path | None = None
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """`config.toml:14` for a key, or for the nearest thing around it that the file has."""
        if self.path is None:
            return ""
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return f"{shown(self.path)}:{line}"
        return shown(self.path)


def read(located: Located) -> Document:
    """The file's values; nothing at all when the user has not written one in the usual place."""
    try:
        raw = _bytes(located.path)
    except FileNotFoundError:
        if not located.named:
            return Document()
        name = shown(located.path)
        text = f"there is no such file, but {located.named} names it; `qd init --config {name}` writes one"
        raise SettingsError([Problem(shown(located.path), "", text)]) from None
    except IsADirectoryError:
        text = f"this is a folder; name the file in it, for instance {shown(located.path / 'config.toml')}"
        raise SettingsError([Problem(shown(located.path), "", text)]) from None
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}"
        raise SettingsError([Problem(shown(located.path), "", text)]) from None
    return parse(_decode(raw, located.path), located.path)


def parse(text: str, path: Path) -> Document:
    """The values of a TOML text, which came from `path`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax(error, text, path)]) from None
    except RecursionError:
        raise SettingsError([Problem(shown(path), "", "brackets are nested too deeply to be read")]) from None
    return Document(path, data, key_lines(text))


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        text = f"longer than {LARGEST // 1_000_000} MB, which no configuration is; name another file"
        raise SettingsError([Problem(shown(path), "", text)])
    return raw


def _decode(raw: bytes, path: Path) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SettingsError([Problem(f"{shown(path)}:1", "", "the file is UTF-16; save it as UTF-8")])
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text = f"the file is not UTF-8 (byte 0x{raw[error.start]:02x}); save it as UTF-8"
        raise SettingsError([Problem(f"{shown(path)}:{line}", "", text)]) from None


def _syntax(error: tomllib.TOMLDecodeError, text: str, path: Path) -> Problem:
    message = str(error)
    match = _PLACE.search(message)
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if match:
        message = message[: match.start()]
        if match["line"]:
            line, column = int(match["line"]), int(match["column"])
        else:
            while line > 1 and not lines[line - 1].strip():
                line -= 1
            column = len(lines[line - 1]) + 1
    if match and not match["line"] and message == "Invalid value":
        message = "the file ends where a value or a closing bracket should be"
    hint = next((hint for start, hint in _HINTS if message.startswith(start)), "")
    message = _DECLARED.sub(
        lambda match: f"the table [{match[1].replace(chr(39), '').replace(', ', '.').rstrip(',')}] twice", message
    )
    what = f"not valid TOML: {message[:1].lower()}{message[1:]}" + (f"; {hint}" if hint else "")
    return Problem(f"{shown(path)}:{line}:{column}", "", f"{what}\n{_excerpt(lines[line - 1], line, column)}")


def _excerpt(source: str, line: int, column: int) -> str:
    start = max(0, column - 60)
    part = "".join(character if character.isprintable() else " " for character in source[start : start + 100])
    gutter = f"  {line} │ "
    return f"{gutter}{part}\n{' ' * (len(gutter) - 2)}│ {' ' * (column - 1 - start)}^"
