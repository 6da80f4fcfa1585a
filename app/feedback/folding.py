"""Rows on their way from the process that makes them ready into the database.

What is the same in all of them is said once; the rest lies flat, in chunks of as many rows as one statement takes. So
little is packed, unpacked, and handed to SQLite one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import chain
from typing import Any

from app.feedback.rows import COLUMNS, Prepared

CHUNK = 250
"""Rows of one statement: with all their columns fewer values than SQLite takes at once."""
_CAPTURED_AT, _MODEL_KEY, _MODEL, _VERSION = map(COLUMNS.index, ("captured_at", "model_key", "model", "model_version"))
_OWN = frozenset(
    map(
        COLUMNS.index,
        ("id", "unique_key", "body_hash", "cluster", "dedupe_hash", "input_hash", "head", "input", "output"),
    )
)
"""Columns that nearly always differ."""

First = tuple[str, str | None, str | None]
"""When the first row of a model was captured; its name and version."""


@dataclass(frozen=True, slots=True)
class Folded:
    """`count` rows: `same` is what all of them have, by the place of the column in COLUMNS; `chunks` are the values of
    the other columns, row by row."""

    count: int
    same: dict[int, Any]
    chunks: list[tuple[Any, ...]]
    tags: list[tuple[int, str]]
    """Number of the row, and tag."""
    own: tuple[int, ...]
    """The rows whose id the sender gave."""
    models: dict[int, First]
    """By the key of the model."""

    def packed(self) -> tuple[Any, ...]:
        """The same as marshal takes it; `Folded(*packed)` again."""
        return tuple(getattr(self, each.name) for each in fields(self))

    def column(self, name: str) -> list[Any]:
        """The values of a column, one for each row."""
        at, others = COLUMNS.index(name), self.others()
        if at in self.same:
            return [self.same[at]] * self.count
        place = others.index(at)
        return [value for each in self.chunks for value in each[place :: len(others)]]

    def others(self) -> tuple[int, ...]:
        """The columns whose values are in the chunks."""
        return tuple(at for at in range(len(COLUMNS)) if at not in self.same)

    def rows(self) -> list[Prepared]:
        """The rows one by one."""
        tags: dict[int, list[str]] = {}
        for number, tag in self.tags:
            tags.setdefault(number, []).append(tag)
        own = frozenset(self.own)
        values = zip(*map(self.column, COLUMNS), strict=True)
        return [Prepared(row, tuple(tags.get(number, ())), number in own) for number, row in enumerate(values)]


def fold(rows: Sequence[Prepared], ids: Iterator[str]) -> Folded:
    """Fold rows; `rows` of what comes of it are the same ones. Those with an empty id get the next one of `ids`."""
    columns: list[Sequence[Any]] = list(zip(*(row.values for row in rows), strict=True))
    columns[:1] = [[own or next(ids) for own in column] for column in columns[:1]]
    # One row alone is not worth a statement of its own.
    same = {at: column[0] for at, column in enumerate(columns) if len(rows) > 1 and _is_same(at, column)}
    others = [column for at, column in enumerate(columns) if at not in same]
    return Folded(
        len(rows),
        same,
        flat(list(zip(*others, strict=True))),
        [(number, tag) for number, row in enumerate(rows) if row.tags for tag in row.tags],
        tuple([number for number, row in enumerate(rows) if row.own_id]),
        models([row.values for row in rows]),
    )


def _is_same(at: int, column: Sequence[Any]) -> bool:
    return at not in _OWN and column[0] == column[-1] and column.count(column[0]) == len(column)


def flat(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The values of rows one behind the other, in chunks."""
    return [tuple(chain.from_iterable(rows[at : at + CHUNK])) for at in range(0, len(rows), CHUNK)]


def models(rows: Iterable[tuple[Any, ...]]) -> dict[int, First]:
    """Of the values of rows, when the first one of each model was captured."""
    first: dict[int, First] = {}
    for values in rows:
        key, captured = values[_MODEL_KEY], values[_CAPTURED_AT]
        if key and (key not in first or captured < first[key][0]):
            first[key] = (captured, values[_MODEL], values[_VERSION])
    return first


@lru_cache(64)
def statement(table: str, same: tuple[str, ...], others: tuple[str, ...], rows: int) -> str:
    """An INSERT of so many rows for SQLite; its parameters are the values of `same`, then those of each row.

    One that meets a row that is there already fails and leaves those before it to whoever rolls back: SQLite would
    otherwise keep a copy of every page that the statement changes.
    """
    names = ", ".join(f'"{name}"' for name in (*same, *others))
    row = ", ".join((*(f"?{number}" for number in range(1, len(same) + 1)), *("?" * len(others))))
    return f'INSERT OR FAIL INTO "{table}" ({names}) VALUES {", ".join([f"({row})"] * rows)}'
