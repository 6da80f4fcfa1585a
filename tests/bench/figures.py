"""Arithmetic of the benchmarks, and how a section says what it found.

Two subjects are compared by the median of the ratios of their pairs: both halves of a pair were measured one after the
other on the same machine in the same minute, so that a busy machine slows both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

Relation = Literal["at most", "at least"]


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Median of the ratios of pairs that belong together by their position."""
    if not over or len(over) != len(under):
        raise ValueError(f"{len(over)} and {len(under)} values make no pairs")
    return median(a / b for a, b in zip(over, under, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure that has a target."""

    what: str
    value: float
    relation: Relation
    target: float
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the value keeps the target."""
        return self.value <= self.target if self.relation == "at most" else self.value >= self.target

    def __str__(self) -> str:
        state = "met" if self.met else "MISSED"
        return f"{state}: {self.what} {self.shown(self.value)} ({self.relation} {self.shown(self.target)})"

    def shown(self, value: float) -> str:
        """A value with the unit of this figure."""
        return f"{value:.{self.digits}f}{self.unit}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading each."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table as Markdown; figures, that is all but the first column, are aligned to the right."""
        lines = [self.header, ("---", *("---:" for _ in self.header[1:])), *self.rows]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


@dataclass(slots=True)
class Report:
    """What one section found."""

    section: str
    title: str
    text: list[str] = field(default_factory=list)
    """How it was measured, a paragraph each."""
    commands: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader has to know to judge the figures of this very run."""

    def markdown(self) -> str:
        """The section as it stands in the document."""
        parts = [f"## {self.title}", *self.text]
        if self.commands:
            parts.append("```\n" + "\n".join(self.commands) + "\n```")
        parts += [table.markdown() for table in self.tables]
        if self.judged:
            parts.append(
                Table(
                    ("target", "must be", "measured", ""),
                    tuple(
                        (
                            one.what,
                            f"{one.relation} {one.shown(one.target)}",
                            one.shown(one.value),
                            "✓" if one.met else "✗",
                        )
                        for one in self.judged
                    ),
                ).markdown()
            )
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Everything, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Report:
        """A report that was kept."""
        tables = [Table(tuple(table["header"]), tuple(map(tuple, table["rows"]))) for table in data["tables"]]
        return cls(**{**data, "tables": tables, "judged": [Judged(**one) for one in data["judged"]]})


def seconds(values: Sequence[float]) -> str:
    """The median of durations, in the unit that reads best."""
    value = median(values)
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.2f}×"
