"""On which line each key of a TOML text stands. `tomllib` reads values but tells no positions.

The scanner walks a text that `tomllib` has already accepted, so it looks only for where things begin and end.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

KeyPath = tuple[str | int, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BLANK: Final = re.compile(r"[ \t]*")
_GAP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]+")
_STRING: Final = re.compile(
    r"""
      \"\"\" (?: [^\\] | \\. )*? \"{3,5} (?!\")
    | \'\'\' .*? \'{3,5} (?!\')
    | \" (?: [^\"\\\n] | \\. )* \"
    | \' [^\'\n]* \'
    """,
    re.DOTALL | re.VERBOSE,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table, key and list element, by its path: `("projects", 0, "args", 1)`."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.table_lists: dict[KeyPath, int] = {}
        self._counted_to = 0
        self._line = 1

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while True:
            self._skip(_GAP)
            if self.at >= len(self.text):
                return self.lines
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line = self._here()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self._dotted()
        self.at += 2 if many else 1
        path: KeyPath = ()
        for index, key in enumerate(keys):
            path += (key,)
            self.lines.setdefault(path, line)
            last = index == len(keys) - 1
            if many and last:
                self.table_lists[path] = self.table_lists.get(path, 0) + 1
            if path in self.table_lists:
                path += (self.table_lists[path] - 1,)
                self.lines.setdefault(path, line)
        # A table whose parts were seen first through `[a.b]` is better pointed at by its own header.
        self.lines[path] = line
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._here()
        path = table
        for key in self._dotted():
            path += (key,)
            self.lines.setdefault(path, line)
        self.at += 1
        self._skip(_BLANK)
        self._value(path)

    def _dotted(self) -> list[str]:
        keys = []
        while True:
            self._skip(_BLANK)
            keys.append(self._key())
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            quoted = self._take(_STRING)
            return str(tomllib.loads(f"key = {quoted}")["key"])
        return self._take(_BARE)

    def _value(self, path: KeyPath) -> None:
        character = self.text[self.at]
        if character == "[":
            self._list(path)
        elif character == "{":
            self._inline_table(path)
        elif character in "\"'":
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _list(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(_GAP)
            if self.text[self.at] == "]":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            element = (*path, index)
            self.lines[element] = self._here()
            self._value(element)
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self._skip(_GAP)
            if self.text[self.at] == "}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(path)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"unexpected TOML at character {self.at}")
        self.at = match.end()
        return match.group()

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line
