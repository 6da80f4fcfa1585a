"""What comes next, why, and that no two reviewers get the same row."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from app.db.engine import Database
from app.feedback import claims, queue
from app.feedback.model import Order, QueueItem
from app.feedback.tables import feedback, feedback_claim, feedback_cluster
from tests.feedback.reviewing import NOW, given, put

ROOT = Path(__file__).parents[2]


def claim(
    db: Database, limit: int = 5, *, session: str = "S1", order: Order = "oldest", **more: Any
) -> list[QueueItem]:
    now = more.pop("now", NOW)
    return db.run_now(
        lambda conn: queue.next_items(
            conn, reviewer=f"r-{session}", session=session, order=order, limit=limit, now=now, **more
        ),
        True,
    )


def ids(items: list[QueueItem]) -> list[str]:
    return [item.row.id for item in items]


def whys(items: list[QueueItem]) -> list[str]:
    return [item.why for item in items]


def test_oldest_first_with_reason(database: Database) -> None:
    known = put(database, [given(n) for n in (3, 1, 2)])
    items = claim(database)
    assert ids(items) == sorted(known)
    assert whys(items) == ["waits 29 d"] * 3
    assert items[0].row.input == "question 1"
    assert items[0].claimed_until == NOW.replace(microsecond=0) + queue.LEASE


def test_worst_score_first_and_without_score_last(database: Database) -> None:
    put(database, [given(1), given(2, score=0.5), given(3, score=-1.0), given(4, score=-0.25)])
    items = claim(database, order="worst")
    assert ids(items) == ["row-00003", "row-00004", "row-00002", "row-00001"]
    assert whys(items) == ["score −1.00", "score −0.25", "score +0.50", "no score, waits 29 d"]


def test_most_uncertain_first(database: Database) -> None:
    put(database, [given(1), given(2, context={"uncertainty": 0.9}), given(3, context={"confidence": 0.6})])
    items = claim(database, order="uncertain")
    assert ids(items) == ["row-00002", "row-00003", "row-00001"]
    assert whys(items) == ["uncertainty 0.90", "uncertainty 0.40", "uncertainty unknown, waits 29 d"]


def test_newest_model_first(database: Database) -> None:
    put(
        database,
        [
            given(1),
            given(2, model="fill", model_version="v1"),
            given(9, model="fill", model_version="v1"),
            given(3, model="fill", model_version="v2"),
        ],
    )
    items = claim(database, order="newest_model")
    assert ids(items) == ["row-00003", "row-00002", "row-00009", "row-00001"]
    assert whys(items)[0] == "fill v2, waits 29 d"
    assert whys(items)[-1] == "no model known, waits 29 d"


def test_largest_cluster_first(database: Database) -> None:
    alike = [given(n, output=f"Filled {n} shares.") for n in (4, 5, 6)]
    put(database, [given(1), *alike, given(2)])
    cluster = database.run_now(lambda conn: conn.scalar(select(feedback.c.cluster).where(feedback.c.id == "row-00004")))
    row = {"cluster": cluster, "waiting": 3, "counted_at": NOW}
    database.run_now(lambda conn: conn.execute(insert(feedback_cluster), [row]), True)
    items = claim(database, order="cluster")
    assert ids(items) == ["row-00004", "row-00005", "row-00006", "row-00001", "row-00002"]
    assert whys(items)[:3] == ["one of 3 alike"] * 3


def test_what_is_claimed_comes_to_nobody_else(database: Database) -> None:
    put(database, [given(n) for n in range(6)])
    mine, other, late = claim(database, 2), claim(database, 3, session="S2"), claim(database, 3, session="S3")
    assert [*ids(mine), *ids(other), *ids(late)] == [f"row-{n:05}" for n in range(6)]
    assert claim(database, session="S4") == []


def test_a_lease_that_is_over_is_anybodys(database: Database) -> None:
    put(database, [given(1)])
    assert ids(claim(database)) == ["row-00001"]
    after = NOW + queue.LEASE + timedelta(seconds=1)
    assert ids(claim(database, session="S2", now=after)) == ["row-00001"]
    assert database.run_now(lambda conn: claims.renew(conn, "S1", now=after, until=after + queue.LEASE), True) == set()


def test_a_renewed_lease_holds(database: Database) -> None:
    put(database, [given(1)])
    claim(database)
    later = NOW + timedelta(minutes=10)
    held = database.run_now(lambda conn: claims.renew(conn, "S1", now=later, until=later + queue.LEASE), True)
    assert held == {"row-00001"}
    assert claim(database, session="S2", now=NOW + queue.LEASE + timedelta(minutes=1)) == []


def test_a_claim_that_was_let_go_is_free(database: Database) -> None:
    put(database, [given(1), given(2)])
    claim(database)
    database.run_now(lambda conn: claims.release(conn, "S1", ["row-00002"]), True)
    assert ids(claim(database, session="S2")) == ["row-00002"]


def test_decided_rows_do_not_come(database: Database) -> None:
    put(database, [given(1), given(2)])
    decided = update(feedback).where(feedback.c.id == "row-00001").values(state="accepted")
    database.run_now(lambda conn: conn.execute(decided), True)
    assert ids(claim(database)) == ["row-00002"]


def test_a_filter_that_hardly_any_row_fulfils(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "SCANNED", 7)
    put(database, [given(n, comment="rare" if n in (3, 58, 59) else None) for n in range(60)])
    found = claim(database, narrow=[feedback.c.comment == "rare"])
    assert ids(found) == ["row-00003", "row-00058", "row-00059"]
    asked = iter([False, False, True, True])
    assert claim(database, session="S2", narrow=[feedback.c.comment == "no"], stop=lambda: next(asked)) == []


@pytest.mark.parametrize("order", ["oldest", "worst", "uncertain", "cluster", "newest_model"])
def test_every_row_comes_once_in_every_order(database: Database, order: Order) -> None:
    chance = random.Random(3)
    known = put(
        database,
        [
            given(
                n,
                score=chance.choice([None, -1.0, 0.0, 0.5]),
                context={"uncertainty": chance.choice([0.1, 0.9])} if n % 3 else None,
                model=chance.choice([None, "fill"]),
                model_version=chance.choice([None, "v1", "v2"]),
            )
            for n in range(150)
        ],
    )
    seen: list[str] = []
    while batch := claim(database, 40, order=order):
        seen += ids(batch)
    assert sorted(seen) == known


def test_reviewers_at_the_same_time_share_all_rows(database: Database) -> None:
    known = put(database, [given(n) for n in range(240)])

    def review(session: str) -> list[str]:
        found: list[str] = []
        while batch := claim(database, 7, session=session):
            found += ids(batch)
        return found

    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(review, [f"S{n}" for n in range(6)]))
    counted = Counter(identity for share in shares for identity in share)
    assert set(counted.values()) == {1}
    # One who was passed over while others were claiming may end early; what is left is there for the next one.
    rest = ids(claim(database, 240, session="last"))
    assert sorted([*counted, *rest]) == known


CHILD = """
import sys
from datetime import datetime
from app.db.engine import Database
from app.feedback import queue
url, session, now = sys.argv[1:]
db = Database(url)
now = datetime.fromisoformat(now)
while True:
    items = db.run_now(lambda conn: queue.next_items(
        conn, reviewer=session, session=session, order="oldest", limit=5, now=now), True)
    if not items:
        break
    for item in items:
        print(item.row.id, flush=True)
"""


def test_reviewers_in_processes_of_their_own_share_all_rows(database: Database, database_url: str) -> None:
    known = put(database, [given(n) for n in range(120)])
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, database_url, f"P{n}", NOW.isoformat()],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    outputs = [child.communicate(timeout=60)[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    counted = Counter(identity for output in outputs for identity in output)
    assert set(counted.values()) == {1}
    rest = ids(claim(database, 240, session="last"))
    assert sorted([*counted, *rest]) == known


def test_the_claim_in_the_table_decides(database: Database) -> None:
    """Two that looked at the same time both want the row; whoever wrote first has it."""
    put(database, [given(1)])
    until = NOW + queue.LEASE
    row = {"feedback_id": "row-00001", "reviewer": "other", "session": "X", "claimed_until": until}
    database.run_now(lambda conn: conn.execute(insert(feedback_claim), [row]), True)
    got = database.run_now(
        lambda conn: claims.take(conn, ["row-00001"], reviewer="me", session="S1", now=NOW, until=until), True
    )
    assert got == []
    assert database.run_now(lambda conn: conn.scalar(select(feedback_claim.c.session))) == "X"


@pytest.mark.parametrize("order", list(queue.RUN_OF))
def test_orders_are_read_from_their_index(database: Database, order: str) -> None:
    run = queue.RUN_OF[order]
    put(database, [given(n) for n in range(50)])
    keys = select(*(key.column for key in run.keys))
    first = queue._ordered(keys, run, None).limit(1)
    after = tuple(database.run_now(lambda conn: conn.execute(first).one()))

    def plan(cursor: Any) -> str:
        def ask(conn: Any) -> str:
            statement = queue.select_waiting(run, cursor).limit(50)
            sql = str(statement.compile(conn, compile_kwargs={"literal_binds": True}))
            word = "EXPLAIN QUERY PLAN " if database.backend == "sqlite" else "EXPLAIN "
            rows = conn.execute(text(word + sql.replace(":", r"\:"))).all()
            return "\n".join(str(value) for row in rows for value in row)

        return database.run_now(ask)

    for cursor in (None, after):
        found = plan(cursor)
        assert run.index in found, found
        assert "TEMP B-TREE" not in found
        assert "filesort" not in found
        assert "Sort" not in found
