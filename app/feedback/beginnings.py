"""Ids as people write them: whole, or as much of the beginning as tells them apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, String, select, type_coerce

from app.errors import UserError

if TYPE_CHECKING:
    from app.db.engine import Database

LEAST = 4
"""Characters at least: fewer are a slip."""
TOLD = 4
_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")


async def whole_id(db: Database, column: ColumnElement[Any], given: str, what: str, fix: str, *, none: str = "") -> str:
    """The one id of a primary key that is `given` or begins so. Raises UserError where there is none or more than one,
    and where the database is away; `what` names the kind, `fix` says where the ids are, `none` is
    said before an id that nothing has."""
    found = await db.run(lambda conn: _found(conn, column, given)) if _ID.fullmatch(given) else []
    if not found:
        shown = given[:64] if given.isprintable() else repr(given[:64])
        raise UserError(f"{none or f'no {what} has the id'} {shown}", fix=fix)
    if len(found) > 1:
        more = ", …" if len(found) > TOLD else ""
        told = f"{', '.join(found[:TOLD])}{more}"
        raise UserError(f"{given} begins the id of more than one {what}: {told}", fix="write more of it")
    return found[0]


def _found(conn: Connection, key: ColumnElement[Any], given: str) -> list[str]:
    # What was written may be longer than any id.
    column: ColumnElement[Any] = type_coerce(key, String)
    exact = conn.scalar(select(column).where(column == given))
    if exact is not None or len(given) < LEAST:
        return [] if exact is None else [exact]
    # A range of the key; no id holds a character as high as the bound's last one.
    begins = select(column).where(column > given, column < f"{given}\x7f").order_by(column).limit(TOLD + 1)
    return list(conn.scalars(begins))
