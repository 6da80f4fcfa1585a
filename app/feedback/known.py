"""What an index knows of a row besides its keys, so that it need not be asked of the row itself."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from app.feedback.filter_sql import Condition, condition
from app.feedback.filters import Term
from app.feedback.indexes import CAPTURED_INDEX, MODEL_INDEX, SOURCE_INDEX
from app.feedback.named import named
from app.feedback.ordering import ORDERED

_TIMES = frozenset({"before", "after", "decided_before", "decided_after"})
_NUMBERS = frozenset({"score", "uncertainty"})
_NAMES = frozenset({"source", "model", "version"})
FIELDS = {
    ORDERED["score"][2]: _NUMBERS | _NAMES | _TIMES,
    ORDERED["uncertainty"][2]: _NUMBERS | _NAMES | _TIMES,
    CAPTURED_INDEX: _NUMBERS | _NAMES | _TIMES,
    MODEL_INDEX: _NUMBERS | _TIMES,
    SOURCE_INDEX: _NUMBERS | _TIMES,
}
"""By index, the fields of which it tells without a look into another one."""


def known(conn: Connection, index: str, terms: Iterable[Term]) -> dict[Term, Condition]:
    """The conditions of those of the terms that columns of the index answer."""
    found: dict[Term, Condition] = {}
    for term in terms:
        if term.field not in FIELDS.get(index, frozenset()):
            continue
        if term.field not in {"model", "version"}:
            found[term] = condition(term)
        elif (meant := named(conn, term)) is not None:
            # The names themselves stand in the row alone.
            found[term] = meant.column.in_(meant.values)
    return found
