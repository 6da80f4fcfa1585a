"""A server that ends a transaction because of a deadlock also takes its savepoints: the whole unit is done again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError

from app.db.copying import target
from app.db.copying.rows import Line, line, shape_of
from app.db.engine import Database
from app.db.faults import classify
from app.db.tables import applied_operation
from app.db.types import utc_now
from tests.servers import SERVERS

SHAPE = shape_of(applied_operation)
HEAVY = 300
"""Rows that the other transaction has written: the server ends the one that has done less."""

pytestmark = [pytest.mark.server, pytest.mark.parametrize("database", SERVERS, indirect=True)]


def rows(*names: str) -> list[Line]:
    return [line(SHAPE, (name, "2026-11-01 00:00:00.000000")) for name in names]


def names(conn: Connection) -> set[str]:
    return set(conn.scalars(select(applied_operation.c.id)))


class Opponent:
    """A transaction that holds the row `theirs` and, once it is waited for, asks for the row `ours`; then it ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holds, self._asks = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._work)

    def begin(self) -> None:
        self.thread.start()
        assert self._holds.wait(30)

    def meet(self, conn: Connection) -> None:
        """Called by the unit once it holds `ours` and is about to ask for `theirs`."""
        self._asks.set()

    def _work(self) -> None:
        with self._database.engine().connect() as conn, conn.begin() as whole:
            made = [{"id": f"heavy{number}", "applied_at": utc_now()} for number in range(HEAVY)]
            conn.execute(insert(applied_operation), [*made, {"id": "theirs", "applied_at": utc_now()}])
            self._holds.set()
            assert self._asks.wait(30)
            conn.execute(insert(applied_operation), [{"id": "ours", "applied_at": utc_now()}])
            whole.rollback()


def attempts(database: Database, second: Callable[[Connection], None]) -> int:
    """How often a unit was begun that writes `before` and `ours` and then does what meets the opponent."""
    opponent, begun = Opponent(database), 0

    def unit(conn: Connection) -> None:
        nonlocal begun
        begun += 1
        target.write(conn, SHAPE, rows("before", "ours"), target.Limits.of(conn))
        opponent.meet(conn)
        second(conn)

    database.upgrade()
    opponent.begin()
    database.run_now(unit, True)
    opponent.thread.join(30)
    return begun


def test_a_unit_that_lost_a_deadlock_in_a_savepoint_is_repeated_as_a_whole(database: Database) -> None:
    def second(conn: Connection) -> None:
        target.write(conn, SHAPE, rows("theirs", "after"), target.Limits.of(conn))

    assert attempts(database, second) == 2
    assert database.run_now(names) == {"before", "ours", "theirs", "after"}


def test_it_is_never_taken_for_a_row_that_is_refused(database: Database) -> None:
    faults: list[str] = []

    def second(conn: Connection) -> None:
        try:
            with conn.begin_nested():
                conn.execute(insert(applied_operation), [{"id": "theirs", "applied_at": utc_now()}])
        except DBAPIError as error:
            faults.append(classify(error))
            if classify(error) != "other":
                raise

    assert attempts(database, second) == 2
    assert faults == ["busy"]
    assert database.run_now(names) == {"before", "ours", "theirs"}


def test_a_procedure_that_does_not_exist_is_no_deadlock(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        database.run_now(lambda conn: conn.execute(text("CALL nothing_of_this_name()")))
    assert classify(caught.value) == "other"
