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

from sqlalchemy import Connection, Row, select

from app.content.model import NoteHead
from app.content.notes.finding import find
from app.content.notes.store import with_tags
from app.content.notes.words import Query, Term, folded
from app.content.tables import note

MOST = 200
"""Notes that a search finds at most."""
SNIPPET = 160
IN_TITLE, IN_BODY = 2.0, 1.0
"""Scores."""
_notes = note.c
_SPACE = re.compile(r"\s+")


def search(conn: Connection, query: Query, limit: int) -> tuple[NoteHead, ...]:
    """Up to `limit` notes; with an empty query the last changed."""
    if query.nothing:
        return ()
    found = find(conn, query, min(limit, MOST))
    rows = _rows(conn, [*found.in_title, *found.elsewhere])
    titled = frozenset(found.in_title)
    heads = with_tags(conn, rows)
    return tuple(
        replace(head, snippet=snippet(row.body, query.terms), score=IN_TITLE if head.id in titled else IN_BODY)
        for head, row in zip(heads, rows, strict=True)
    )


def _rows(conn: Connection, order: Sequence[str]) -> list[Row[Any]]:
    """What is shown of the notes with these ids, in their order: sorting carries no texts."""
    if not order:
        return []
    shown = select(_notes.id, _notes.slug, _notes.title, _notes.updated_at, _notes.body).where(_notes.id.in_(order))
    found: Sequence[Row[Any]] = list(conn.execute(shown))
    by_id = {row.id: row for row in found}
    return [by_id[each] for each in order if each in by_id]


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
