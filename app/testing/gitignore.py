"""The patterns of .gitignore files, with git's own meaning.

Paths are looked at one level after the other, as git does: what is in an ignored folder is never asked about. The
libraries for this look at whole paths instead and differ from git where patterns are taken back (`*`, `!*/`, `!*.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_UNESCAPED_SPACES = re.compile(r"(?<!\\) +$")


@dataclass(frozen=True, slots=True)
class _Rule:
    ignores: bool
    folders_only: bool
    whole_path: bool
    pattern: re.Pattern[str]


class Rules:
    """The lines of one file. A later line is stronger."""

    def __init__(self, lines: Iterable[str]) -> None:
        rules = [rule for rule in map(_rule, lines) if rule is not None]
        self._rules = rules[::-1]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """True: ignored; False: explicitly not; None: these lines say nothing of it. The path starts at the file."""
        name = path.rpartition("/")[2]
        for rule in self._rules:
            if rule.folders_only and not folder:
                continue
            if rule.pattern.fullmatch(path if rule.whole_path else name):
                return rule.ignores
        return None


def _rule(line: str) -> _Rule | None:
    line = line.removesuffix("\r")
    if line.startswith("#"):
        return None
    line = _UNESCAPED_SPACES.sub("", line)
    ignores = not line.startswith("!")
    if not ignores:
        line = line[1:]
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    whole_path = "/" in line
    regex = _translate(line.removeprefix("/"))
    if not regex:
        return None
    return _Rule(ignores, folders_only, whole_path, re.compile(regex, re.DOTALL))


def _translate(glob: str) -> str | None:
    """A regular expression for the whole of a name or path; None for a pattern that matches nothing."""
    parts: list[str] = []
    position = 0
    while position < len(glob):
        char = glob[position]
        if char == "*":
            end = position
            while end < len(glob) and glob[end] == "*":
                end += 1
            alone = (position == 0 or glob[position - 1] == "/") and (end == len(glob) or glob[end] == "/")
            if end - position == 1 or not alone:
                parts.append("[^/]*")
            elif end == len(glob):
                parts.append(".*")
            else:
                parts.append("(?:[^/]+/)*")
                end += 1
            position = end
        elif char == "?":
            parts.append("[^/]")
            position += 1
        elif char == "[":
            found = _class(glob, position + 1)
            if found is None:
                return None
            regex, position = found
            parts.append(regex)
        else:
            if char == "\\":
                position += 1
                if position == len(glob):
                    return None
            parts.append(re.escape(glob[position]))
            position += 1
    return "".join(parts)


def _class(glob: str, position: int) -> tuple[str, int] | None:
    """A character class from behind its `[`, and where it ends; None when it does not end."""
    negated = glob[position : position + 1] in ("!", "^")
    position += negated
    first = position
    items: list[str] = []
    while position < len(glob):
        char = glob[position]
        if char == "]" and position > first:
            body = "".join(items)
            if negated:
                return f"[^/{body}]", position + 1
            return f"(?!/)[{body}]" if body else "(?!)", position + 1
        if glob.startswith("[:", position):
            end = glob.find(":]", position)
            name = glob[position + 2 : end] if end != -1 else ""
            if name not in _CLASSES:
                return None
            items.append(_CLASSES[name])
            position = end + 2
            continue
        low, position = _literal(glob, position)
        if glob.startswith("-", position) and position + 1 < len(glob) and glob[position + 1] != "]":
            high, position = _literal(glob, position + 1)
            if low <= high:
                items.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            items.append(re.escape(low))
    return None


def _literal(glob: str, position: int) -> tuple[str, int]:
    if glob[position] == "\\" and position + 1 < len(glob):
        position += 1
    return glob[position], position + 1
