"""Which notes a query finds, in their order, within a time that does not grow with how many match.

Full-text indexes read and sort all that match, which takes servers a quarter of a second where most notes do. So the
newest notes are looked at first: they tell how frequent each word is. What is frequent is met soon on the way from the
newest to the oldest note; what is rare is asked of the index, by its rarest words alone, and the others are compared in
the notes that these find. A tag that few notes have is gone through instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, func, literal_column, select, text

from app.content.notes.store import KEYS
from app.content.notes.words import ANYWHERE, TITLE, Query, Term
from app.content.tables import SEARCH, note, note_tag
from app.db.types import on_server

SAMPLE = 256
"""The newest notes, by which frequencies are judged."""
WALKED, MANY = 1200, 20_000
"""Notes that are gone through from the newest on, rather than asking the index: so many in any case, and of more the
part that the rarest word has in the sample, since the index would find the more."""
TAGGED = 3000
"""Notes of a tag that are gone through."""
RARE = 4
"""Words are asked of the index together that are at most so many times as frequent as the rarest of them."""
_notes, _tags = note.c, note_tag.c
_ORDER = tuple(key.column.desc() for key in KEYS)
_BY_TIME = "FORCE INDEX (ix_note_state_updated_at_id)"


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of notes that have all the words in their title, and of others; of each the last changed first."""

    in_title: tuple[str, ...]
    elsewhere: tuple[str, ...]


def find(conn: Connection, query: Query, limit: int) -> Found:
    """Up to `limit` ids of active notes; with a query without words all are `elsewhere`."""
    few = _least_tag(conn, query)
    if few is not None and few[1] <= SAMPLE:
        return _of_tag(conn, query, few[0], limit)
    if not query.terms:
        if few is not None:
            return _of_tag(conn, query, few[0], limit)
        return Found((), tuple(conn.scalars(_walking(select(_notes.id), query).order_by(*_ORDER).limit(limit))))
    sample = _sampled(conn, query)
    rows = _rows_to_walk(sample.everywhere, limit)
    if sample.whole or len(sample.in_title) >= limit:
        rest = [each for each in sample.everywhere if each not in sample.in_title]
        return _cut(sample.in_title, rest, limit)
    if few is not None and few[1] < rows and sample.rarest > RARE:
        return _of_tag(conn, query, few[0], limit)
    in_title = _of_words(conn, query, TITLE, limit, sample, sample.in_title)
    if len(in_title) == limit:
        return Found(tuple(in_title), ())
    # The others may begin with all of those again.
    everywhere = _of_words(conn, query, ANYWHERE, limit, sample, sample.everywhere)
    titled = frozenset(in_title)
    return _cut(in_title, [each for each in everywhere if each not in titled], limit)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Of the newest notes: which match, and how many have each word; `whole` if there are no others."""

    in_title: list[str]
    everywhere: list[str]
    frequencies: list[int]
    whole: bool

    @property
    def rarest(self) -> int:
        return min(self.frequencies)


def _sampled(conn: Connection, query: Query) -> _Sample:
    having = [_has(conn, term, ANYWHERE) for term in query.terms]
    titled = and_(*(_has(conn, term, TITLE) for term in query.terms))
    flags = [case((has, 1), else_=0) for has in having]
    matches = and_(*having, *(_tagged(tag) for tag in query.tags))
    all_of = case((matches, case((titled, 2), else_=1)), else_=0)
    statement = select(_notes.id, all_of, *flags).where(_notes.state == "active")
    rows = conn.execute(_by_time(statement).order_by(*_ORDER).limit(SAMPLE)).all()
    return _Sample(
        in_title=[row[0] for row in rows if row[1] == 2],
        everywhere=[row[0] for row in rows if row[1]],
        frequencies=[sum(row[2 + place] for row in rows) for place in range(len(flags))],
        whole=len(rows) < SAMPLE,
    )


def _of_words(
    conn: Connection, query: Query, prefix: str, limit: int, sample: _Sample, seen: Sequence[str]
) -> list[str]:
    """The ids of the notes whose tokens with this prefix match, of which the sample has `seen`."""
    if len(seen) >= limit:
        return list(seen[:limit])
    rows = _rows_to_walk(seen, limit)
    matching = and_(*(_has(conn, term, prefix) for term in query.terms))
    # Words are less frequent in titles than the sample says, and what it has nothing of is far away.
    known = bool(seen) and prefix == ANYWHERE
    if rows <= max(WALKED, MANY * sample.rarest // SAMPLE if known else 0):
        # The older ones may have less of it than the newest, so that there is an end to the way.
        bound = _by_time(select(_notes.updated_at).where(_notes.state == "active")).order_by(*_ORDER).offset(2 * rows)
        last = conn.scalar(bound.limit(1))
        walking = _walking(select(_notes.id), query).where(matching)
        if last is not None:
            walking = walking.where(_notes.updated_at >= last)
        ids = list(conn.scalars(walking.order_by(*_ORDER).limit(limit)))
        if len(ids) == limit or last is None:
            return ids
    frequent = RARE * max(1, sample.rarest)
    asked = [term for term, times in zip(query.terms, sample.frequencies, strict=True) if times <= frequent]
    others = [_has(conn, term, prefix) for term in query.terms if term not in asked]
    active = literal_column("note.state" if on_server(conn.dialect) else "+note.state") == "active"
    statement = select(_notes.id).where(_indexed(conn, asked, prefix), active, *others, *map(_tagged, query.tags))
    return list(conn.scalars(statement.order_by(*_ORDER).limit(limit)))


def _indexed(conn: Connection, terms: Sequence[Term], prefix: str) -> ColumnElement[bool]:
    """What the full-text index knows of."""
    if on_server(conn.dialect):
        wanted = " ".join(f"+{prefix}{term.token}{'*' if term.begins else ''}" for term in terms)
        found = text("MATCH (note.words) AGAINST (:wanted IN BOOLEAN MODE)")
    else:
        wanted = " AND ".join(f'"{prefix}{term.token}"{" *" if term.begins else ""}' for term in terms)
        found = text(f"note.rowid IN (SELECT rowid FROM {SEARCH} WHERE {SEARCH} MATCH :wanted)")
    return and_(found.bindparams(wanted=wanted))


def _least_tag(conn: Connection, query: Query) -> tuple[str, int] | None:
    """The tag that the fewest notes have, and how many, if these can be gone through."""
    counted = []
    for tag in query.tags:
        having = select(_tags.note_id).where(_tags.tag == tag).limit(TAGGED + 1).subquery()
        counted.append((conn.scalar(select(func.count()).select_from(having)) or 0, tag))
    times, tag = min(counted, default=(TAGGED + 1, ""))
    return (tag, times) if times <= TAGGED else None


def _of_tag(conn: Connection, query: Query, tag: str, limit: int) -> Found:
    """All of it, from the notes of one tag."""
    titles = [_has(conn, term, TITLE) for term in query.terms] or [false()]
    titled = case((and_(*titles), 1), else_=0)
    # A sign before it keeps SQLite from going through the index of states.
    active = literal_column("note.state" if on_server(conn.dialect) else "+note.state") == "active"
    statement = (
        select(_notes.id, titled)
        .select_from(note_tag)
        .join(note, _notes.id == _tags.note_id)
        .where(_tags.tag == tag, active, *(_has(conn, term, ANYWHERE) for term in query.terms))
        .where(*(_tagged(other) for other in query.tags if other != tag))
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
    )
    rows = conn.execute(statement.order_by(titled.desc(), *_ORDER).limit(limit)).all()
    return Found(tuple(row[0] for row in rows if row[1]), tuple(row[0] for row in rows if not row[1]))


def _walking(statement: Select[Any], query: Query) -> Select[Any]:
    return _by_time(statement.where(_notes.state == "active", *map(_tagged, query.tags)))


def _by_time(statement: Select[Any]) -> Select[Any]:
    return statement.with_hint(note, _BY_TIME, "mysql")


def _tagged(tag: str) -> ColumnElement[bool]:
    """A count rather than EXISTS, which databases may turn around and begin with."""
    having = select(func.count()).where(_tags.note_id == _notes.id, _tags.tag == tag)
    return having.correlate(note).scalar_subquery() > 0


def _has(conn: Connection, term: Term, prefix: str) -> ColumnElement[bool]:
    """Whether a note has it, by its tokens; they are letters and digits alone, which mean themselves to LIKE."""
    wanted = f" {prefix}{term.token}{'' if term.begins else ' '}"
    if on_server(conn.dialect):
        return func.concat(" ", _notes.words, " ").like(f"%{wanted}%")
    return func.instr(literal_column("' ' || note.words || ' '"), wanted) > 0


def _rows_to_walk(seen: Sequence[str], limit: int) -> int:
    """About how many notes hold `limit` that match, where the sample holds `seen`, one at least."""
    return limit * SAMPLE // max(1, len(seen))


def _cut(in_title: Sequence[str], elsewhere: Sequence[str], limit: int) -> Found:
    first = tuple(in_title[:limit])
    return Found(first, tuple(elsewhere[: limit - len(first)]))
