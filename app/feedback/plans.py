"""How the rows of a list are read, and the statements that read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from app.db.paging import Cursor, beyond, up_to
from app.feedback.filter_sql import Condition
from app.feedback.indexes import hinted
from app.feedback.named import Named, Range, Seen, id_of
from app.feedback.ordering import in_order
from app.feedback.pools import Pool
from app.feedback.sizes import counted, guessed
from app.feedback.tables import feedback_decision


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges to merge, and what to ask of each of their rows; or the `ids` of the few rows that it can be at all.

    The `looks` and the `members` are asked by the key alone, before a row is read, and `rest` of the row.
    """

    ranges: tuple[Range, ...]
    rest: tuple[Condition, ...]
    ids: tuple[str, ...] | None = None
    places: tuple[Cursor, ...] | None = None
    """Instead of `ids`, the places of such rows in the list, from its beginning."""
    tags: tuple[frozenset[str], ...] = ()
    """Of each of these sets, the few rows have one."""
    looks: tuple[Named | Seen, ...] = ()
    members: tuple[Pool, ...] = ()
    passed: int = 0
    """About so many entries are passed for a page, where ids were collected."""
    told: tuple[Condition, ...] = ()
    """What the index of the ranges knows, so that it need not be asked of the row."""
    at_once: bool = False
    """Whether the ranges are small, and may lie in another order than the list's: each is read whole, and sorted."""

    @property
    def by_index(self) -> bool:
        """Whether indexes are asked before a row is read."""
        return bool(self.looks or self.members or self.told or self.at_once)


def statement(each: Range, cursor: Cursor | None, backward: bool = False, bound: Cursor | None = None) -> Select[Any]:
    """The keys of a range's rows behind a cursor, up to `bound`, in order, read from its index; of the log, the row's
    id, too."""
    columns = [key.column for key in each.keys]
    query = select(*columns, *((feedback_decision.c.feedback_id,) if each.table is feedback_decision else ()))
    return in_order(between(query, each, cursor, backward, bound), each.keys, backward)


def between(
    query: Select[Any], each: Range, cursor: Cursor | None, backward: bool, bound: Cursor | None
) -> Select[Any]:
    """Of a range, what lies behind a cursor, up to `bound`."""
    # SQLite goes by the first bound of a key that it meets, however narrow the others are.
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    if bound is not None:
        query = query.where(up_to(each.keys, bound, backward=backward))
    return hinted(query.where(*each.where), each.table, each.index)


def keys_found(
    way: Plan, each: Range, cursor: Cursor | None, backward: bool, bound: Cursor | None, *, joined: bool
) -> Select[Any]:
    """The keys of a range that the plan's other indexes know, too, in order. `joined`: as the servers take it."""
    query = between(select(*(key.column for key in each.keys)), each, cursor, backward, bound)
    identity: Any = id_of(each.table)
    for pool in way.members:
        ids = pool.query(each.state)
        if joined:
            # A table that is made first and has a key; with IN, they may look for its ids one by one.
            made = ids.distinct().subquery()
            query = query.join(made, made.c[0] == id_of(each.table)).prefix_with("STRAIGHT_JOIN")
            # What is looked for by this id is looked for in rows that are among them.
            identity = made.c[0]
        else:
            query = query.where(id_of(each.table).in_(ids))
    query = query.where(*way.told, *(found.has(each.table, identity) for found in way.looks))
    return in_order(query, each.keys, backward)


def about(conn: Connection, ranges: Sequence[Range]) -> int:
    """About how many rows lie in the ranges, or MANY and more."""
    return guessed(conn, (statement(each, None) for each in ranges))


def size(conn: Connection, ranges: Iterable[Range], most: int) -> int:
    """How many rows lie in the ranges, up to `most`."""
    return counted(conn, (statement(each, None) for each in ranges), most)
