"""What `qd db` asks: how the database and the journal are, and to bring the tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.db import faults, migrate, urls
from app.db.copying.state import Unfinished, find
from app.db.faults import UnavailableError
from app.db.journal import Counts, Refused, read_counts
from app.errors import UserError

if TYPE_CHECKING:
    from app.db.engine import Database

State = Literal["current", "behind", "empty", "newer", "down"]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the database and of what waits for it. `problem` says what is wrong, empty when nothing is."""

    backend: str
    url: str
    state: State
    problem: str
    server_version: str | None
    revision: str | None
    head: str
    journal: str
    counts: Counts
    refused: tuple[Refused, ...]
    journal_problem: str = ""
    unfinished: Unfinished | None = None
    """A copy or a restore into this database that did not come to its end."""

    @property
    def ok(self) -> bool:
        """Nothing here needs the user."""
        return not (self.state in {"down", "newer"} or self.refused or self.journal_problem or self.unfinished)


def status(db: Database, journal: Path, kinds: Collection[str], *, refused: int = 20) -> Status:
    """Look, and change nothing: no tables are made and no waiting write is applied."""
    state, problem, version, revision = _database(db)
    counts, put_aside, journal_problem = Counts(), list[Refused](), ""
    try:
        counts, put_aside = read_counts(journal, kinds, refused)
    except UserError as error:
        journal_problem = str(error)
    return Status(
        backend=db.backend,
        url=db.masked_url,
        state=state,
        problem=problem,
        server_version=version,
        revision=revision,
        head=migrate.head(),
        journal=str(journal),
        counts=counts,
        refused=tuple(put_aside),
        journal_problem=journal_problem,
        unfinished=db.look(find) if state in {"current", "behind", "newer"} else None,
    )


def upgrade(db: Database) -> tuple[str | None, str]:
    """Bring the tables to the head, making the database itself where it is missing; answers with both revisions.

    Only this makes a database: anywhere else a mistyped name would lead to an empty one in silence.
    """
    try:
        before = db.look(migrate.current)
    except UnavailableError as error:
        if faults.code(error.__cause__ or error) != faults.UNKNOWN_DATABASE:
            raise
        db.create()
        before = None
    db.run_now(lambda conn: None)
    return before, migrate.head()


def _database(db: Database) -> tuple[State, str, str | None, str | None]:
    if db.url.drivername == "sqlite" and not urls.is_memory(db.url) and not Path(db.url.database or "").exists():
        return "empty", "", sqlite3.sqlite_version, None
    try:
        version, revision = db.look(lambda conn: (db.check_version(conn), migrate.current(conn)))
    except UnavailableError as error:
        return "down", str(error), None, None
    try:
        migrate.refuse_newer(revision, db.url)
    except UnavailableError as error:
        return "newer", str(error), version, revision
    if revision is None:
        return "empty", "", version, None
    return ("current" if revision == migrate.head() else "behind"), "", version, revision
