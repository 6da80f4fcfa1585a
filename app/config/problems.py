"""What is wrong with a configuration: all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import UserError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `key` is dotted, or empty when the whole file is meant; `text` ends with how to mend it."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.text) if part)


class SettingsError(UserError):
    """The configuration cannot be used. `problems` has at least one entry, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        if len(self.problems) == 1:
            super().__init__(f"{first.key}: {first.text}" if first.key else first.text, where=first.where)
        else:
            super().__init__(f"{len(self.problems)} problems in the configuration", where=first.where)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
