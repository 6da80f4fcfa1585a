"""Tables of the Tests area.

A result row is written for each test of each run and there may be millions, so it is narrow: the test's name and
file stand once in `test_case`, keyed by a hash, since node ids have no bound. `test_case` also holds the latest
outcome of each test, so that a start reads one range and not the history. There are no foreign keys: run and results
are written in one transaction, and checking each row against the run it came with costs without telling anything.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Index, Integer, SmallInteger, String, Table

from app.db.tables import SERVER_OPTIONS, metadata
from app.db.types import Digest, Identifier, Json, LongText, Ulid, UtcDateTime, Word
from app.testing.model import COUNTED, OUTCOMES

NAME_LENGTH = 128
MESSAGE_LENGTH = 500

project = Table(
    "project",
    metadata,
    Column("name", Identifier(NAME_LENGTH), primary_key=True),
    Column("path", LongText, nullable=False),
    Column("first_run_at", UtcDateTime, nullable=False),
    Column("last_run_at", UtcDateTime, nullable=False),
    **SERVER_OPTIONS,
)

test_case = Table(
    "test_case",
    metadata,
    Column("id", Digest, primary_key=True),
    Column("project", Identifier(NAME_LENGTH), nullable=False),
    Column("nodeid", LongText, nullable=False),
    Column("file", LongText, nullable=False),
    Column("last_run_id", Ulid, nullable=False),
    Column("last_outcome", Word(8), nullable=False),
    Column("last_duration_s", Double, nullable=False),
    Index("ix_test_case_project_last_run_id", "project", "last_run_id"),
    **SERVER_OPTIONS,
)

test_run = Table(
    "test_run",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("project", Identifier(NAME_LENGTH), nullable=False),
    Column("triggered_by", Word(16), nullable=False),
    Column("level", Word(8), nullable=False),
    Column("level_reason", String(MESSAGE_LENGTH), nullable=False),
    Column("git_commit", Word(64)),
    Column("dirty_hash", Word(64)),
    Column("started_at", UtcDateTime, nullable=False),
    Column("first_result_s", Double),
    Column("duration_s", Double, nullable=False),
    Column("exit_code", SmallInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in COUNTED),
    Column("affected_done_s", Double),
    Column("affected_bad", Integer, nullable=False),
    Column("superseded", Boolean, nullable=False),
    Column("note", LongText, nullable=False),
    Column("args", Json, nullable=False),
    Column("changed", Json, nullable=False),
    Index("ix_test_run_project_started_at_id", "project", "started_at", "id"),
    **SERVER_OPTIONS,
)

test_result = Table(
    "test_result",
    metadata,
    Column("run_id", Ulid, primary_key=True),
    Column("case_id", Digest, primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("outcome", Word(8), nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("error_class", Identifier(64)),
    Column("message", String(MESSAGE_LENGTH)),
    CheckConstraint("outcome in ({})".format(", ".join(f"'{word}'" for word in OUTCOMES)), name="outcome"),
    Index("ix_test_result_case_id_started_at_run_id", "case_id", "started_at", "run_id"),
    sqlite_with_rowid=False,
    **SERVER_OPTIONS,
)


def case_id(project_name: str, nodeid: str) -> bytes:
    """Key of a test: the hash of its project and node id."""
    return hashlib.blake2b(f"{project_name}\0{nodeid}".encode(errors="backslashreplace"), digest_size=16).digest()
