"""What comes next, why, and that no two reviewers get the same row."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update

from app.db.engine import Database
from app.feedback import agreement, claims, filter_sql, pools, queue, similar, stride
from app.feedback.filters import parse
from app.feedback.model import ORDERS, Order, QueueItem
from app.feedback.reading import rows_of
from app.feedback.service import waiting
from app.feedback.tables import feedback, feedback_claim, feedback_cluster
from tests.feedback.reviewing import NOW, explained, given, put

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


def renewed(db: Database, now: datetime) -> frozenset[str]:
    return db.run_now(
        lambda conn: claims.renew(conn, "S1", ["row-00001"], now=now, until=now + queue.LEASE), write=True
    )


def test_a_lease_that_is_over_is_anybodys(database: Database) -> None:
    put(database, [given(1)])
    assert ids(claim(database)) == ["row-00001"]
    after = NOW + queue.LEASE + timedelta(seconds=1)
    assert ids(claim(database, session="S2", now=after)) == ["row-00001"]
    assert (
        database.run_now(
            lambda conn: claims.renew(conn, "S1", ["row-00001"], now=after, until=after + queue.LEASE), True
        )
        == set()
    )


def test_a_renewed_lease_holds(database: Database) -> None:
    put(database, [given(1)])
    claim(database)
    later = NOW + timedelta(minutes=10)
    held = database.run_now(
        lambda conn: claims.renew(conn, "S1", ["row-00001"], now=later, until=later + queue.LEASE), True
    )
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


FILTERS = (
    "has:comment",
    "source:a",
    "source:a,b -model:fill",
    "source:a*",
    "tag:tone",
    "tag:t* score:<0.9",
    "score:<0",
    "-has:score",
    "uncertainty:>0.5",
    "model:fill",
    "version:v* source:a",
    "before:2026-02-12",
    "after:2026-02-12 has:model",
    "decided_after:2026-01-01",
    "state:accepted",
    "id:row-00007,row-00070",
    "event:e3",
    "reviewer:mara",
    "question",
)


def many(chance: random.Random) -> list[Any]:
    return [
        given(
            n,
            source=chance.choice("abc"),
            output=chance.choice(["Filled.", "filled!", f"word {chr(97 + n % 26)}{chr(97 + n // 26)}"]),
            source_event_id=f"e{n}",
            comment="rare" if n in (3, 58, 59) else None,
            tags=tuple(chance.sample(["tone", "late", "time"], chance.randrange(3))),
            score=chance.choice([None, -1.0, 0.0, 0.5, 0.9]),
            context={"uncertainty": chance.choice([0.1, 0.9])} if n % 3 else None,
            model=chance.choice([None, "fill"]),
            model_version=chance.choice([None, "v1", "v2"]),
        )
        for n in range(150)
    ]


@pytest.mark.parametrize("few", [pools.FEW, 0])
def test_a_filter_leaves_rows_out_and_changes_no_order(
    database: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "FEW", few)
    monkeypatch.setattr(stride, "FIRST", 7)
    monkeypatch.setattr(stride, "MOST", 7)
    put(database, many(random.Random(4)))
    largest = select(feedback.c.cluster, func.count()).group_by(feedback.c.cluster).having(func.count() > 1)
    sizes = {row[0]: row[1] for row in database.run_now(lambda conn: conn.execute(largest).all())}
    database.run_now(lambda conn: similar.keep_clusters(conn, sizes, NOW), True)

    def search(order: Order, asked: str) -> list[tuple[str, str]]:
        wanted = waiting(parse(asked))
        found = database.run_now(lambda conn: queue.search(conn, order, wanted, limit=1000, now=NOW))
        return [(each.id, each.why) for each in found]

    for order in ORDERS:
        every = search(order, "")
        assert len(every) == 150
        for asked in FILTERS:
            query = select(feedback.c.id).where(*filter_sql.conditions(parse(asked)))
            fitting = set(database.run_now(lambda conn, query=query: conn.scalars(query).all()))
            if "waiting" not in parse(asked).states:
                fitting = set()
            assert search(order, asked) == [each for each in every if each[0] in fitting], (order, asked)


def test_a_search_tells_how_far_it_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(stride, "FIRST", 50)
    monkeypatch.setattr(stride, "MOST", 50)
    put(database, many(random.Random(4)))
    told: list[int] = []
    wanted = waiting(parse("nothing"))
    database.run_now(lambda conn: queue.search(conn, "worst", wanted, limit=5, now=NOW, progress=told.append))
    assert told[:3] == [50, 100, 150]


def test_what_was_found_and_is_gone_is_not_claimed(database: Database) -> None:
    put(database, [given(n) for n in range(3)])
    found = database.run_now(lambda conn: queue.search(conn, "oldest", queue.ALL, limit=3, now=NOW))
    claim(database, 1, session="S2")
    decided = update(feedback).where(feedback.c.id == "row-00001").values(state="accepted")
    database.run_now(lambda conn: conn.execute(decided), True)
    items = database.run_now(lambda conn: queue.claim(conn, found, reviewer="r", session="S1", now=NOW), True)
    assert ids(items) == ["row-00002"]


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


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("asked", ["", "score:-1..0.5", "uncertainty:0..0.95", "after:2026-01-01", "model:fill text:x"])
def test_orders_are_read_from_their_index(
    database: Database, order: Order, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    put(database, many(random.Random(4)))
    wanted = waiting(parse(asked))
    narrow = filter_sql.conditions(wanted)

    def runs(conn: Any) -> list[queue.Run]:
        return [*queue._runs(conn, order, wanted), queue._cluster_run(7, 3)]

    for run in database.run_now(runs):
        keys = select(*(key.column for key in run.keys))
        first = database.run_now(lambda conn, run=run, keys=keys: conn.execute(queue._ordered(keys, run, None)).first())
        for cursor in (None, tuple(first)) if first is not None else (None,):
            for query in (
                queue.select_waiting(run, cursor).limit(50),
                queue.select_waiting(run, cursor).where(*narrow),
                queue._ordered(keys, run, cursor).offset(7).limit(1),
            ):
                found = explained(database, query)
                assert run.index in found, found
                assert "TEMP B-TREE" not in found
                assert "filesort" not in found
                assert "Sort" not in found


def test_other_lookups_are_read_from_their_index(database: Database) -> None:
    put(database, many(random.Random(4)))
    asked: list[tuple[str, str]] = []

    def listen(_conn: Any, _cursor: Any, sql: str, values: Any, *_more: Any) -> None:
        asked.append((sql, values))

    row = database.run_now(lambda conn: rows_of(conn, ["row-00003"])["row-00003"])
    event.listen(database.engine(), "before_cursor_execute", listen)
    later = NOW + timedelta(days=30)
    try:
        database.run_now(lambda conn: similar.find_alike(conn, row, session="S1", now=NOW))
        database.run_now(lambda conn: similar.count_slice(conn, 7))
        database.run_now(lambda conn: agreement.read_pairs(conn, "mara"))
        database.run_now(lambda conn: agreement.pick(conn, "mara", now=later, limit=2, chance=random.Random(1)))
        database.run_now(lambda conn: pools.few(conn, parse("tag:t* source:a reviewer:mara model:fill score:<0")))
    finally:
        event.remove(database.engine(), "before_cursor_execute", listen)
    looks = [(sql, values) for sql, values in asked if sql.startswith("SELECT")]
    assert len(looks) > 10
    word = "EXPLAIN QUERY PLAN " if database.backend == "sqlite" else "EXPLAIN "
    for sql, values in looks:
        found = str(
            database.run_now(lambda conn, sql=sql, values=values: conn.exec_driver_sql(word + sql, values).all())
        )
        assert "SCAN feedback" not in found, (sql, found)
        assert "TEMP B-TREE" not in found, (sql, found)
        assert "filesort" not in found, (sql, found)
