"""Orders of the list: their indexes, and the terms that bound their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select

from app.db.paging import Key
from app.feedback.filter_sql import Condition, number_condition, time_condition
from app.feedback.filters import Bounds, Filter, Term, Words
from app.feedback.tables import feedback

_rows = feedback.c
ORDERED = {
    "score": (_rows.score_order, False, "ix_feedback_state_score_order_id_known"),
    "uncertainty": (_rows.uncertainty_order, True, "ix_feedback_state_uncertainty_order_id_known"),
    "decided": (_rows.decided_at, True, "ix_feedback_state_decided_at_id"),
    "captured": (_rows.captured_at, True, "ix_feedback_state_captured_at_known"),
}
"""By order: its column, whether it falls, and the index of it within a state."""
OWN = {
    "score": ("score",),
    "uncertainty": ("uncertainty",),
    "decided": ("decided_before", "decided_after"),
    "captured": ("before", "after"),
}
"""By order, the fields that bound it."""
TURNED = {"before": "after", "after": "before"}
"""What `-` makes of these: every row was captured at some time."""


def order_of(given: Filter) -> str:
    """The name of the list's order: what the filter asks for by itself, else `captured`."""
    fields = {term.field for term in given.terms if _leads(term)}
    if fields & {"id", "event", "tag", "model", "version", "source", "before", "after"}:
        return "captured"
    for name in ("score", "uncertainty", "decided"):
        if any(field.startswith(name) for field in fields):
            return name
    return "decided" if "reviewer" in fields else "captured"


def in_order(query: Select[Any], keys: Sequence[Key], backward: bool = False) -> Select[Any]:
    """Sorted by these keys."""
    for key in keys:
        query = query.order_by(key.column.desc() if key.descending != backward else key.column.asc())
    return query


def keys_of(order: str) -> tuple[Key, ...]:
    """The keys of an order."""
    column, falls, _ = ORDERED[order]
    return (Key(column, falls), Key(_rows.id, falls))


def own_terms(given: Filter, order: str) -> list[Term]:
    """The terms that bound the key of an order."""
    return [
        term
        for term in given.terms
        if term.field in OWN[order] and not isinstance(term.test, Words) and (not term.negated or term.field in TURNED)
    ]


def bound_condition(term: Term) -> Condition:
    """A term that bounds a key, as a range of it."""
    if isinstance(term.test, Bounds):
        return number_condition(term.field, term.test)
    return moment_condition(term, _rows.captured_at if term.field in OWN["captured"] else _rows.decided_at)


def moment_condition(term: Term, column: Any) -> Condition:
    """A term about a time, as a range of this column."""
    assert isinstance(term.test, datetime)
    return time_condition(TURNED[term.field] if term.negated else term.field, column, term.test)


def _leads(term: Term) -> bool:
    """Whether an index serves the term by itself."""
    if term.negated:
        return False
    if isinstance(term.test, Words):
        return term.field in {"id", "tag", "model", "version", "source", "event", "reviewer"}
    return True
