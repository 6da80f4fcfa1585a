"""Which notes a query finds, in their order, within a time that does not grow with how many match.

Full-text indexes read and sort all that match, which takes servers a quarter of a second where most notes do. So the
newest notes are looked at first: they tell how frequent each word is. What is frequent is met soon on the way from the
newest to the oldest note; what is rare is asked of the index, by its rarest words alone, and the others are compared in
the notes that these find. Where a tag is given, it is the newest notes of that tag.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, cast, func, literal_column, select, text
from sqlalchemy.dialects import mysql

from app.content.notes.store import KEYS, TAG_KEYS
from app.content.notes.words import ANYWHERE, TITLE, Query, Term
from app.content.tables import SEARCH, note, note_tag
from app.db.types import on_server

SAMPLE = 256
"""The newest notes, by which frequencies are judged."""
WALKED, MANY = 1200, 20_000
"""Notes that are gone through from the newest on, rather than asking the index: so many in any case, and of more the
part that the rarest word has in the sample, since the index would find the more."""
RARE, ASKED = 4, 3
"""Words are asked of the index together that are at most so many times as frequent as the rarest, and so many of them:
the others are compared in what these find."""
_notes, _tags = note.c, note_tag.c
_BY_TIME = "FORCE INDEX (ix_note_state_updated_at_id)"


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of notes that have all the words in their title, and of others; of each the last changed first."""

    in_title: tuple[str, ...]
    elsewhere: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """Active notes from the newest to the oldest: all, or those of a tag, of which there are at most `most`."""

    tag: str = ""
    most: int = sys.maxsize
    others: tuple[str, ...] = ()
    """Tags that the notes have besides."""

    @property
    def order(self) -> tuple[ColumnElement[Any], ...]:
        return tuple(key.column.desc() for key in (TAG_KEYS if self.tag else KEYS))

    def notes(self, conn: Connection, *columns: ColumnElement[Any]) -> Select[Any]:
        """Something of each of them, in no order yet."""
        having = [_tagged(other) for other in self.others]
        if not self.tag:
            return _by_time(select(*columns).where(_notes.state == "active", *having))
        statement = select(*columns).select_from(note_tag).join(note, _notes.id == _tags.note_id)
        statement = statement.where(_tags.tag == self.tag, _active(conn), *having)
        return statement.prefix_with("STRAIGHT_JOIN", dialect="mysql")

    def since(self, conn: Connection, rows: int) -> ColumnElement[bool] | None:
        """What holds of the first `rows` of them and of no others; None where there are not so many."""
        time, of = (
            (_tags.updated_at, _tags.tag == self.tag) if self.tag else (_notes.updated_at, _notes.state == "active")
        )
        times = select(time).where(of).order_by(*self.order).offset(rows).limit(1)
        last = conn.scalar(times if self.tag else _by_time(times))
        return None if last is None else time >= last


@dataclass(frozen=True, slots=True)
class _Sample:
    """Of the newest notes of a way: which match, and how many have each word; `whole` if there are no others."""

    in_title: list[str]
    everywhere: list[str]
    frequencies: dict[str, list[int]]
    """Of the query's words, by what their tokens begin with."""
    whole: bool


def find(conn: Connection, query: Query, limit: int) -> Found:
    """Up to `limit` ids of active notes; with a query without words all are `elsewhere`."""
    way = _way(conn, query)
    if not query.terms:
        return Found((), tuple(conn.scalars(way.notes(conn, _notes.id).order_by(*way.order).limit(limit))))
    sample = _sampled(conn, query, way)
    if sample.whole or len(sample.in_title) >= limit:
        rest = [each for each in sample.everywhere if each not in sample.in_title]
        return _cut(sample.in_title, rest, limit)
    in_title = _of_words(conn, query, way, TITLE, limit, sample.in_title, sample.frequencies[TITLE])
    if len(in_title) == limit:
        return Found(tuple(in_title), ())
    # The others may begin with all of those again.
    everywhere = _of_words(conn, query, way, ANYWHERE, limit, sample.everywhere, sample.frequencies[ANYWHERE])
    titled = frozenset(in_title)
    return _cut(in_title, [each for each in everywhere if each not in titled], limit)


def _way(conn: Connection, query: Query) -> _Way:
    """By the tag that the fewest notes have."""
    counted = []
    for tag in query.tags:
        having = select(_tags.note_id).where(_tags.tag == tag).limit(MANY).subquery()
        counted.append((conn.scalar(select(func.count()).select_from(having)) or 0, tag))
    if not counted:
        return _Way()
    count, tag = min(counted)
    return _Way(tag, count if count < MANY else sys.maxsize, tuple(other for _, other in counted if other != tag))


def _sampled(conn: Connection, query: Query, way: _Way) -> _Sample:
    flags = {prefix: [_has(conn, term, prefix) for term in query.terms] for prefix in (TITLE, ANYWHERE)}
    shown = [case((flag, 1), else_=0) for prefix in flags for flag in flags[prefix]]
    rows = conn.execute(way.notes(conn, _notes.id, *shown).order_by(*way.order).limit(SAMPLE)).all()
    terms = len(query.terms)
    return _Sample(
        in_title=[row[0] for row in rows if all(row[1 : terms + 1])],
        everywhere=[row[0] for row in rows if all(row[terms + 1 :])],
        frequencies={
            TITLE: [sum(row[1 + place] for row in rows) for place in range(terms)],
            ANYWHERE: [sum(row[1 + terms + place] for row in rows) for place in range(terms)],
        },
        whole=len(rows) < SAMPLE,
    )


def _frequencies(conn: Connection, query: Query, prefix: str) -> list[int]:
    """How many of a sample of all notes have each word."""
    flags = [case((_has(conn, term, prefix), 1), else_=0) for term in query.terms]
    rows = conn.execute(_Way().notes(conn, *flags).order_by(*_Way().order).limit(SAMPLE // 2)).all()
    return [2 * sum(row[place] for row in rows) for place in range(len(flags))]


def _of_words(
    conn: Connection,
    query: Query,
    way: _Way,
    prefix: str,
    limit: int,
    seen: Sequence[str],
    frequencies: Sequence[int],
) -> list[str]:
    """The ids of the notes whose tokens with this prefix match, of which the newest of the way are `seen`."""
    if len(seen) >= limit:
        return list(seen[:limit])
    # About so many notes hold `limit` that match.
    rows = min(limit * SAMPLE // max(1, len(seen)), way.most)
    if way.tag and rows > WALKED:
        # What the index is asked for, it looks for in all notes.
        frequencies = _frequencies(conn, query, prefix)
    rarest = min(frequencies)
    matching = [_has(conn, term, prefix) for term in query.terms]
    if rows <= max(WALKED, MANY * rarest // SAMPLE):
        # The older ones may have less of it than the newest, so that there is an end to the way.
        bound = None if rows == way.most else way.since(conn, 2 * rows)
        walking = way.notes(conn, _notes.id).where(*matching, *([] if bound is None else [bound]))
        ids = list(conn.scalars(walking.order_by(*way.order).limit(limit)))
        if len(ids) == limit or bound is None:
            return ids
    known = sorted(zip(frequencies, range(len(matching)), strict=True))
    asked = [place for times, place in known if times <= RARE * max(1, rarest)][:ASKED]
    others = [has for place, has in enumerate(matching) if place not in asked]
    found = _indexed(conn, [query.terms[place] for place in asked], prefix)
    statement = select(_notes.id).where(found, _active(conn), *others, *map(_tagged, query.tags))
    return list(conn.scalars(statement.order_by(*_Way().order).limit(limit)))


def _indexed(conn: Connection, terms: Sequence[Term], prefix: str) -> ColumnElement[bool]:
    """What the full-text index knows of."""
    if on_server(conn.dialect):
        wanted = " ".join(f"+{prefix}{term.token}{'*' if term.begins else ''}" for term in terms)
        found = text("MATCH (note.words) AGAINST (:wanted IN BOOLEAN MODE)")
    else:
        wanted = " AND ".join(f'"{prefix}{term.token}"{" *" if term.begins else ""}' for term in terms)
        found = text(f"note.rowid IN (SELECT rowid FROM {SEARCH} WHERE {SEARCH} MATCH :wanted)")
    return and_(found.bindparams(wanted=wanted))


def _active(conn: Connection) -> ColumnElement[bool]:
    # A sign before it keeps SQLite from going through the index of states.
    return literal_column("note.state" if on_server(conn.dialect) else "+note.state") == "active"


def _by_time(statement: Select[Any]) -> Select[Any]:
    return statement.with_hint(note, _BY_TIME, "mysql")


def _tagged(tag: str) -> ColumnElement[bool]:
    """A count rather than EXISTS, which databases may turn around and begin with."""
    having = select(func.count()).where(_tags.note_id == _notes.id, _tags.tag == tag)
    return having.correlate(note).scalar_subquery() > 0


def _has(conn: Connection, term: Term, prefix: str) -> ColumnElement[bool]:
    """Whether a note has it, by its tokens, which are ASCII letters and digits alone."""
    wanted = f" {prefix}{term.token}{'' if term.begins else ' '}"
    if on_server(conn.dialect):
        # As bytes: servers look for characters several times slower.
        return func.locate(wanted, cast(func.concat(" ", _notes.words, " "), mysql.BINARY)) > 0
    return func.instr(literal_column("' ' || note.words || ' '"), wanted) > 0


def _cut(in_title: Sequence[str], elsewhere: Sequence[str], limit: int) -> Found:
    first = tuple(in_title[:limit])
    return Found(first, tuple(elsewhere[: limit - len(first)]))
