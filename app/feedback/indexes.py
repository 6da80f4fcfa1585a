"""Indexes of the area: how statements are held to them, and which of the names in them a filter means."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from sqlalchemy import Connection, Select, false, func, select

from app.feedback.filter_sql import Condition, fits, words_condition
from app.feedback.filters import Word, Words
from app.feedback.model import STATES
from app.feedback.tables import feedback, feedback_decision, feedback_model, feedback_tag

MODELS = 64
"""Models that are read each from its own range; with more, all rows are looked at."""
NAMES = 64
"""Sources, tags or reviewers that are read each from its own ranges; with more, all rows are looked at."""

NO_MODEL = 0
"""`model_key` of rows of which no model is known."""

CAPTURED_INDEX = "ix_feedback_state_captured_at_known"
TAG_INDEX = "ix_feedback_tag_tag_state_captured_at_feedback_id"
MODEL_INDEX = "ix_feedback_state_model_key_captured_at_known"
SOURCE_INDEX = "ix_feedback_state_source_captured_at_known"
REVIEWER_INDEX = "ix_feedback_decision_reviewer_kind_undone_by_feedback"
LIVE: tuple[Condition, ...] = (feedback_decision.c.kind == "decide", feedback_decision.c.undone_by.is_(None))
"""Decisions that are not undone."""

_rows = feedback.c
_tags = feedback_tag.c
_log = feedback_decision.c
_ANY = Words((Word("", open=True),))


def hinted(query: Select[Any], table: Any, index: str) -> Select[Any]:
    """Read from this index; empty: from whatever the database takes."""
    # The servers guess at once that sorting all is quicker, whenever they guess the sizes wrong; SQLite takes an index
    # of the times alone where they are bounded on both sides.
    if not index:
        return query
    return query.with_hint(table, f"FORCE INDEX ({index})").with_hint(table, f"INDEXED BY {index}", "sqlite")


def by_id(query: Select[Any]) -> Select[Any]:
    """Read the rows of some ids from the key alone: SQLite would rather go through all rows of the states asked for."""
    key = "INDEXED BY sqlite_autoindex_feedback_1"
    return query.with_hint(feedback, "FORCE INDEX (PRIMARY)").with_hint(feedback, key, "sqlite")


def sources(conn: Connection, meant: Words | None = None) -> list[str] | None:
    """The sources meant, one look into the index for each; None where they are many."""
    words = _ANY if meant is None else meant
    if not any(word.open for word in words.words):
        return [word.text for word in words.words if fits(_rows.source, word)]
    found: set[str] = set()
    for state in STATES:
        where = (_rows.state == state, *(() if meant is None else (words_condition(_rows.source, words),)))
        found |= set(distinct(conn, _rows.source, feedback, SOURCE_INDEX, where))
    return sorted(found) if len(found) <= NAMES else None


def tags(conn: Connection, meant: Words) -> list[str] | None:
    """The same of tags."""
    words = Words(tuple(Word(normalize("NFC", word.text), word.open) for word in meant.words))
    return _names(conn, words, _tags.tag, feedback_tag, TAG_INDEX)


def reviewers(conn: Connection, meant: Words) -> list[str] | None:
    """The same of those who decided something."""
    return _names(conn, meant, _log.reviewer, feedback_decision, REVIEWER_INDEX)


def models(conn: Connection, field: str, test: Words, *, others: bool = False) -> list[int] | None:
    """The keys of the models meant, or of all others and of rows without a model; None where they are many."""
    meant = model_condition(field, test)
    query = select(feedback_model.c.model_key).where(func.coalesce(meant, false()).is_(false()) if others else meant)
    found = list(conn.scalars(query.limit(MODELS + 1)))
    if others and NO_MODEL not in found:
        found.append(NO_MODEL)
    return found if len(found) <= MODELS else None


def model_condition(field: str, test: Words) -> Condition:
    """What `model:` or `version:` asks of columns of `feedback_model`."""
    columns = feedback_model.c
    meant = words_condition(columns.version, test)
    return meant | words_condition(columns.model, test) if field == "model" else meant


def _names(conn: Connection, meant: Words, column: Any, table: Any, index: str) -> list[str] | None:
    exact = [word.text for word in meant.words if not word.open and fits(column, word)]
    begun = Words(tuple(word for word in meant.words if word.open))
    if not begun.words:
        return exact
    found = {*exact, *distinct(conn, column, table, index, (words_condition(column, begun),))}
    return sorted(found) if len(found) <= NAMES else None


def distinct(
    conn: Connection, column: Any, table: Any, index: str, where: tuple[Condition, ...], most: int = NAMES
) -> list[Any]:
    """What stands in a column of an index, however many rows it stands in; `most` of it and one more."""
    found: list[Any] = []
    first = hinted(select(column).order_by(column).limit(1), table, index)
    while len(found) <= most:
        # SQLite goes by the first bound of a column that it meets.
        name = conn.scalar((first.where(column > found[-1]) if found else first).where(*where))
        if name is None:
            break
        found.append(name)
    return found
