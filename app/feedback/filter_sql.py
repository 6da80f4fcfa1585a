"""Filters as conditions on `feedback`, the same on every database.

What lies in other tables is asked for by counting rows of one row's id: from EXISTS and IN the servers would make
joins that begin at the other table, and sort.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, Select, false, func, select

from app.feedback.filters import Bounds, Filter, Term, Word, Words
from app.feedback.tables import SCORE_UNKNOWN, UNCERTAINTY_UNKNOWN, feedback, feedback_decision, feedback_tag

_rows = feedback.c
_tags = feedback_tag.c
_log = feedback_decision.c

COLUMNS = {
    "id": _rows.id,
    "source": _rows.source,
    "event": _rows.source_event_id,
    "author": _rows.author,
    "channel": _rows.channel,
    "version": _rows.model_version,
    "prompt": _rows.prompt_version,
    "run": _rows.run_id,
    "language": _rows.language,
}
TEXTS = {
    "text": (_rows.input, _rows.output, _rows.comment),
    "input": (_rows.input,),
    "output": (_rows.output,),
    "comment": (_rows.comment,),
}
PRESENT = {
    "author": _rows.author,
    "comment": _rows.comment,
    "context": _rows.context,
    "decision": _rows.decided_at,
    "score": _rows.score,
}
LOG_INDEX = "ix_feedback_decision_feedback_id_decided_at_id"
STATE_FIELDS = frozenset({"state", "verdict"})
Condition = ColumnElement[bool]


def conditions(given: Filter, but: Term | None = None) -> tuple[Condition, ...]:
    """What rows must fulfil besides being in one of `given.states`; without the term `but`."""
    return tuple(condition(term) for term in given.terms if term.field not in STATE_FIELDS and term is not but)


def condition(term: Term) -> Condition:
    """One term, on columns of `feedback`. A row without a value does not have the value asked for."""
    holds = _holds(term)
    return func.coalesce(holds, false()).is_(false()) if term.negated else holds


def _holds(term: Term) -> Condition:
    test = term.test
    if isinstance(test, datetime):
        column = _rows.captured_at if term.field in {"before", "after"} else _rows.decided_at
        return time_condition(term.field, column, test)
    if isinstance(test, Bounds):
        return number_condition(term.field, test)
    if term.field in TEXTS:
        return _any(_contains(column, word.text) for column in TEXTS[term.field] for word in test.words)
    if term.field == "has":
        return _any(_has(word.text) for word in test.words)
    if term.field == "tag":
        return _some(_about_tags().where(tag_condition(test)))
    if term.field == "reviewer":
        return words_condition(_last_decision(_log.reviewer), test)
    if term.field == "model":
        return words_condition(_rows.model, test) | words_condition(_rows.model_version, test)
    return words_condition(COLUMNS[term.field], test)


def time_condition(field: str, column: Any, moment: datetime) -> Condition:
    """Before the moment, or then and later."""
    early: Condition = column < moment if field.endswith("before") else column >= moment
    return early


def number_condition(field: str, bounds: Bounds) -> Condition:
    """A range of the column that the order by this number uses; what is unknown lies outside."""
    if field == "score":
        column, unknown = _rows.score_order, _rows.score_order < SCORE_UNKNOWN
        bounded = bounds.high is not None
    else:
        column, unknown = _rows.uncertainty_order, _rows.uncertainty_order > UNCERTAINTY_UNKNOWN
        bounded = bounds.low is not None
    parts: list[Condition] = [] if bounded else [unknown]
    if bounds.low is not None:
        parts.append(column >= bounds.low if bounds.with_low else column > bounds.low)
    if bounds.high is not None:
        parts.append(column <= bounds.high if bounds.with_high else column < bounds.high)
    return reduce(lambda one, other: one & other, parts)


def tag_condition(test: Words) -> Condition:
    """On `feedback_tag`; tags are kept in their composed form."""
    return words_condition(_tags.tag, Words(tuple(Word(normalize("NFC", w.text), w.open) for w in test.words)))


def words_condition(column: Any, test: Words) -> Condition:
    """One of the words, or the beginning of one, byte by byte."""
    fitting = [word for word in test.words if fits(column, word)]
    exact = [word.text for word in fitting if not word.open]
    parts: list[Condition] = [column.in_(exact)] if exact else []
    parts += [(column >= word.text) & (column < _behind(word.text)) for word in fitting if word.open]
    return _any(parts)


def fits(column: Any, word: Word) -> bool:
    """Whether the column could hold the word at all; servers refuse to compare what it cannot."""
    ascii_only = column.type.__class__.__name__ in {"Word", "Ulid"}
    return len(word.text) <= column.type.length and (word.text.isascii() or not ascii_only)


def _behind(text: str) -> str:
    """The first text behind all that begin with this one."""
    last = ord(text[-1])
    return text[:-1] + chr(0xE000 if last == 0xD7FF else min(last + 1, 0x10FFFF))


def _any(parts: Any) -> Condition:
    return reduce(or_, parts, false())


def _contains(column: Any, text: str) -> Condition:
    """Case does not count. SQLite's lower() knows ASCII only, hence other letters in several forms."""
    forms = dict.fromkeys(_ascii_lower(form) for form in (text.lower(), text, text.upper(), text.title()))
    found = _any(func.instr(func.lower(column), form) > 0 for form in forms)
    return found if not column.nullable else func.coalesce(found, false())


def _ascii_lower(text: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _has(what: str) -> Condition:
    if what == "tags":
        return _some(_about_tags())
    if what in {"correction", "note"}:
        return _some(_about_decisions().where(_log[what].is_not(None)))
    if what == "model":
        return _rows.model.is_not(None) | _rows.model_version.is_not(None)
    if what == "uncertainty":
        return _rows.uncertainty_order > UNCERTAINTY_UNKNOWN
    return PRESENT[what].is_not(None)


def _about_tags() -> Select[Any]:
    return select(func.count()).select_from(feedback_tag).where(_tags.feedback_id == _rows.id)


def _about_decisions() -> Select[Any]:
    """Decisions that are not undone."""
    return _of_row(select(func.count()).select_from(feedback_decision))


def _last_decision(column: Any) -> Any:
    """What the decision that holds says; NULL where none does."""
    last = _of_row(select(column)).order_by(_log.decided_at.desc(), _log.id.desc()).limit(1)
    return last.correlate(feedback).scalar_subquery()


def _of_row(query: Select[Any]) -> Select[Any]:
    live = (_log.kind == "decide", _log.undone_by.is_(None), _log.reshow.is_(False))
    # By the reviewer, all that one ever decided would be gone through for each row.
    return (
        query.where(_log.feedback_id == _rows.id, *live)
        .with_hint(feedback_decision, f"FORCE INDEX ({LOG_INDEX})")
        .with_hint(feedback_decision, f"INDEXED BY {LOG_INDEX}", "sqlite")
    )


def _some(counted: Select[Any]) -> Condition:
    return counted.correlate(feedback).scalar_subquery() > 0
