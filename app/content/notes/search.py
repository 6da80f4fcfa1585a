"""The search of notes: one contract, the same answers on SQLite, MariaDB and MySQL.

All words must occur, the last one may be unfinished, all tags must be there. Notes that have all the words in their
title come first, then the others; of each the last changed first. The database finds the tokens of `words` and the
order; snippets are cut here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, TextClause, func, select, text

from app.content.model import NoteHead
from app.content.notes.store import KEYS, with_tags
from app.content.notes.words import ANYWHERE, TITLE, Query, Term, folded
from app.content.tables import SEARCH, note, note_tag
from app.db.types import on_server

MOST = 200
"""Notes that a search finds at most."""
SNIPPET = 160
IN_TITLE, IN_BODY = 2.0, 1.0
"""Scores."""
FEW = 2000
"""Notes that SQLite sorts rather than going through all by their time."""
NEWEST = 1000
"""Notes that are looked through one by one on servers, before their index is asked."""
_notes, _tags = note.c, note_tag.c
_ACTIVE = _notes.state == "active"
_SPACE = re.compile(r"\s+")


def search(conn: Connection, query: Query, limit: int) -> tuple[NoteHead, ...]:
    """Up to `limit` notes; with an empty query the last changed."""
    limit = min(limit, MOST)
    if query.nothing:
        return ()
    if not query.terms:
        rows = _rows(conn, list(conn.scalars(_ordered(_narrowed(query, _ACTIVE), limit))))
        return _heads(conn, rows, query, IN_BODY)
    in_title = _rows(conn, _found(conn, query, TITLE, limit))
    heads = _heads(conn, in_title, query, IN_TITLE)
    if len(heads) == limit:
        return heads
    # The others may begin with all of those again.
    elsewhere = _rows(conn, _found(conn, query, ANYWHERE, limit))
    first = {head.id for head in heads}
    others = [row for row in elsewhere if row.id not in first]
    return heads + _heads(conn, others[: limit - len(heads)], query, IN_BODY)


def _narrowed(query: Query, active: ColumnElement[bool] | TextClause) -> Select[Any]:
    statement = select(_notes.id).where(active)
    for tag in query.tags:
        statement = statement.where(_notes.id.in_(select(_tags.note_id).where(_tags.tag == tag)))
    return statement


def _found(conn: Connection, query: Query, prefix: str, limit: int) -> list[str]:
    """The ids of the notes whose tokens with this prefix match, the last changed first.

    Servers read and sort all that match, which takes them a second where most notes do. Then the newest ones hold
    enough of them, and these are looked through first; what is found there is what comes first of all.
    """
    if on_server(conn.dialect):
        newest = _ordered(select(_notes.id, _notes.words, _notes.updated_at).where(_ACTIVE), NEWEST).subquery()
        spaced = func.concat(" ", newest.c.words, " ")
        statement = select(newest.c.id)
        for term in query.terms:
            statement = statement.where(spaced.like(f"% {prefix}{term.token}{'%' if term.begins else ' %'}"))
        for tag in query.tags:
            statement = statement.where(newest.c.id.in_(select(_tags.note_id).where(_tags.tag == tag)))
        order = (newest.c.updated_at.desc(), newest.c.id.desc())
        ids = list(conn.scalars(statement.order_by(*order).limit(limit)))
        if len(ids) == limit:
            return ids
    return list(conn.scalars(_ordered(_matching(conn, query, prefix), limit)))


def _matching(conn: Connection, query: Query, prefix: str) -> Select[Any]:
    if on_server(conn.dialect):
        wanted = " ".join(f"+{prefix}{term.token}{'*' if term.begins else ''}" for term in query.terms)
        found = text("MATCH (note.words) AGAINST (:wanted IN BOOLEAN MODE)").bindparams(wanted=wanted)
    else:
        wanted = " AND ".join(f'"{prefix}{term.token}"{" *" if term.begins else ""}' for term in query.terms)
        matching = f"SELECT rowid FROM {SEARCH} WHERE {SEARCH} MATCH :wanted"
        found = text(f"note.rowid IN ({matching})").bindparams(wanted=wanted)
        few = len(conn.execute(text(f"{matching} LIMIT {FEW + 1}"), {"wanted": wanted}).all()) <= FEW
        # Few are sorted; of many the newest are met soon on the way through the index of states and times.
        return _narrowed(query, text("+note.state = 'active'") if few else _ACTIVE).where(found)
    return _narrowed(query, _ACTIVE).where(found)


def _ordered(statement: Select[Any], limit: int) -> Select[Any]:
    return statement.order_by(*(key.column.desc() for key in KEYS)).limit(limit)


def _rows(conn: Connection, order: Sequence[str]) -> list[Row[Any]]:
    """What is shown of the notes with these ids, in their order: sorting carries no texts."""
    if not order:
        return []
    shown = select(_notes.id, _notes.slug, _notes.title, _notes.updated_at, _notes.body).where(_notes.id.in_(order))
    found: Sequence[Row[Any]] = list(conn.execute(shown))
    by_id = {row.id: row for row in found}
    return [by_id[each] for each in order if each in by_id]


def _heads(conn: Connection, rows: Sequence[Row[Any]], query: Query, score: float) -> tuple[NoteHead, ...]:
    return tuple(
        replace(head, snippet=snippet(row.body, query.terms), score=score)
        for head, row in zip(with_tags(conn, rows), rows, strict=True)
    )


def snippet(body: str, terms: Sequence[Term]) -> str:
    """The part of a body around the first of the words in it, on one line; its beginning where none stands there."""
    place = min((at for term in terms if (at := _find(body, term.text)) >= 0), default=0)
    begin = max(0, place - SNIPPET // 3)
    if begin:
        space = body.find(" ", begin, place)
        begin = space + 1 if space >= 0 else begin
    shown = _SPACE.sub(" ", body[begin : begin + SNIPPET]).strip()
    return f"{'…' if begin else ''}{shown}{'…' if begin + SNIPPET < len(body) else ''}"


def _find(body: str, word: str) -> int:
    """Where a folded word begins in a text, or -1. Folding may change lengths, so that the places are counted again."""
    at = body.lower().find(word) if body.isascii() else folded(body).find(word)
    if at < 0 or body.isascii():
        return at
    length = 0
    for place, char in enumerate(body):
        if length >= at and unicodedata.category(char) != "Mn":
            return place
        length += len(folded(char))
    return -1
