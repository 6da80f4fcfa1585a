"""Where an object of JSON ends that is broken within: told by its brackets, not by what stands between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ODD = 8
"""Texts that are followed by what follows none, and objects without a key within another one. With more of them a quote
is missing, so that what seems to be within texts lies between them, or a bracket, so that others are counted in."""
NEAR = 80
"""White space that may stand between a comma and what follows it."""
_SIGN = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
_OBJECT = ord("{")
_CLOSES = {"}": _OBJECT, "]": ord("[")}
_BEHIND_TEXT = re.compile(r"\s*(?:[,:}\]]|\Z)")
_BEHIND = re.compile(r"\s*(?:[,\]{]|\Z)")


@dataclass(slots=True)
class Count:
    """Counts from a place on, as far as the text reaches; `failed` says that counting leads nowhere."""

    at: int = 0
    """How far it is, from the beginning of the object."""
    failed: bool = False
    _open: bytearray = field(default_factory=bytearray)
    _odd: int = 0
    _within: bool = False

    def end(self, text: str, start: int, most: int) -> int:
        """Where the object that begins at `start` ends in the text up to `most`; 0 where it does not, or cannot be
        told."""
        for found in _SIGN.finditer(text, start + self.at, most):
            self.at = found.end() - start
            sign = found.group()
            if sign == '"':
                self._within = not self._within
                self._odd += not self._within and _BEHIND_TEXT.match(text, found.end()) is None
                self.failed = self._odd > ODD
            elif not self._within and sign in "{[":
                if self._open and self._open[-1] == _OBJECT:
                    self._odd += text[max(start, found.start() - NEAR) : found.start()].rstrip().endswith(",")
                self._open.append(ord(sign))
            elif not self._within and sign in _CLOSES:
                self.failed = self._open.pop() != _CLOSES[sign]
                if not self._open and not self.failed:
                    self.failed = _BEHIND.match(text, found.end()) is None
                    return 0 if self.failed else found.end()
            if self.failed:
                return 0
        return 0
