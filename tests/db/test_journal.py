"""The journal file: order, durability settings, and a clear word when it cannot be written."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.db.journal import SCHEMA, Counts, Journal, NewOperation, read_counts
from app.errors import UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(path)
    yield made
    made.close()


def new(name: str, kind: str = "k", payload: bytes = b"{}") -> NewOperation:
    return NewOperation(name, kind, payload)


def ids(journal: Journal, kinds: tuple[str, ...] = ("k",), limit: int = 100, max_bytes: int = 10**9) -> list[str]:
    return [operation.id for operation in journal.head(kinds, limit=limit, max_bytes=max_bytes)]


def fill(journal: Journal, kept: list[str]) -> None:
    """Add until there is no more room, noting what was acknowledged."""
    while True:
        name = str(len(kept))
        journal.add([new(name, payload=b"x" * 20_000)])
        kept.append(name)


def test_operations_come_out_in_the_order_they_went_in(journal: Journal) -> None:
    names = [f"{number % 7}-{number}" for number in range(30)]
    assert journal.add([new(name) for name in names]) == 30
    assert ids(journal) == names
    assert ids(journal, limit=3) == names[:3]


def test_an_operation_is_kept_once(journal: Journal) -> None:
    assert journal.add([new("a"), new("a"), new("b")]) == 2
    assert journal.add([new("a", payload=b"other")]) == 0
    assert [operation.payload for operation in journal.head(("k",), limit=9, max_bytes=99)] == [b"{}", b"{}"]


def test_a_batch_stays_below_its_size_but_is_never_empty(journal: Journal) -> None:
    journal.add([new("big", payload=b"x" * 1000), new("a", payload=b"x" * 10), new("b", payload=b"x" * 10)])
    assert ids(journal, max_bytes=500) == ["big"]
    journal.remove(journal.head(("k",), limit=1, max_bytes=1))
    assert ids(journal, max_bytes=500) == ["a", "b"]


def test_unknown_kinds_stay_and_block_nobody(journal: Journal) -> None:
    journal.add([new("a", "from the future"), new("b"), new("c")])
    assert ids(journal) == ["b", "c"]
    assert journal.counts(("k",)) == Counts(waiting=2, parked=1, refused=0)
    assert journal.counts(()) == Counts(waiting=0, parked=3, refused=0)


def test_refused_operations_can_be_tried_again_or_let_go(journal: Journal) -> None:
    journal.add([new("a", payload=b"1"), new("b", payload=b"2"), new("c")])
    for operation in journal.head(("k",), limit=2, max_bytes=99):
        journal.refuse(operation, "because")
    assert journal.counts(("k",)) == Counts(waiting=1, parked=0, refused=2)
    assert [(each.id, each.reason) for each in journal.refused(9)] == [("b", "because"), ("a", "because")]
    assert journal.discard("b") == b"2"
    assert journal.discard("b") is None
    assert journal.retry() == 1
    assert ids(journal) == ["c", "a"]
    assert journal.counts(("k",)) == Counts(waiting=2, parked=0, refused=0)


def test_attempts_are_counted_across_restarts(journal: Journal, path: Path) -> None:
    journal.add([new("a")])
    journal.failed(journal.head(("k",), limit=1, max_bytes=1)[0])
    again = Journal(path)
    assert again.head(("k",), limit=1, max_bytes=1)[0].attempts == 1
    again.close()


def test_the_file_is_private_and_survives_a_power_loss(journal: Journal, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    wanted = {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1}
    found = {name: journal._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    assert found == wanted


def test_several_processes_may_have_it_open(journal: Journal, path: Path) -> None:
    other = Journal(path)
    other.add([new("a")])
    journal.add([new("b")])
    assert ids(other) == ids(journal) == ["a", "b"]
    other.close()


def test_a_journal_that_grew_gives_its_space_back(journal: Journal, path: Path) -> None:
    journal.add([new(str(number), payload=b"x" * 100_000) for number in range(100)])
    journal.remove(journal.head(("k",), limit=100, max_bytes=10**9))
    journal.shrink()
    assert path.stat().st_size < 1_000_000


def test_looking_makes_no_file(path: Path) -> None:
    assert read_counts(path, ("k",), 9) == (Counts(), [])
    assert not path.exists()


def test_a_damaged_file_is_named(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but rather long text" * 200)
    with pytest.raises(UserError, match="journal of waiting writes is damaged; move the file away") as caught:
        Journal(path)
    assert caught.value.where == str(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        Journal(tmp_path / "file" / "spool.db")


def test_a_full_disk_is_said_and_takes_nothing_that_was_kept(small_disk: Path) -> None:
    journal = Journal(small_disk / "spool.db")
    kept: list[str] = []
    with pytest.raises(UserError, match="no space left to keep this write; free some space") as caught:
        fill(journal, kept)
    assert caught.value.where == str(small_disk / "spool.db")
    assert kept
    assert ids(journal) == kept
    journal.add([])
    journal.close()
    with sqlite3.connect(small_disk / "spool.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def test_what_was_kept_on_a_full_disk_can_be_taken_out(small_disk: Path) -> None:
    journal = Journal(small_disk / "spool.db")
    with pytest.raises(UserError):
        fill(journal, [])
    while batch := journal.head(("k",), limit=5, max_bytes=10**9):
        try:
            journal.remove(batch)
        except UserError:
            subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert journal.counts(("k",)).waiting == 0
    journal.add([new("again")])
    journal.close()


def test_a_write_for_another_database_is_left_to_those_who_have_it_open(path: Path) -> None:
    earlier = Journal(path, "old place")
    now = time.time()
    later = Journal(path, "new place", began=now)
    nobody = Journal(path)
    earlier.add([new("old")])
    later.add([new("new")])
    nobody.add([new("anybody's")])
    assert ids(earlier) == ["old", "anybody's"]
    assert ids(later) == ["new", "anybody's"]
    assert earlier.counts(("k",)) == later.counts(("k",)) == Counts(waiting=2)
    assert read_counts(path, ("k",), 9)[0] == Counts(waiting=3)
    # One that begins afterwards knows what is configured now: what others left behind goes there.
    after = Journal(path, "newest place", began=now + 60)
    assert ids(after) == ["anybody's"]
    later.close()
    assert ids(after) == ["new", "anybody's"]
    assert after.counts(("k",)) == Counts(waiting=2)
    earlier.close()
    assert ids(after) == ["old", "new", "anybody's"]
    for each in (nobody, after):
        each.close()


def test_a_place_is_held_until_the_last_one_closes_it(path: Path) -> None:
    one, two = Journal(path, "old"), Journal(path, "old")
    one.add([new("a")])
    after = Journal(path, "new", began=time.time() + 60)
    assert ids(after) == []
    one.close()
    assert ids(after) == []
    two.close()
    assert ids(after) == ["a"]
    # One that begins again with the old place has what is left; it was not taken yet.
    again = Journal(path, "old")
    assert ids(again) == ["a"]
    assert ids(after) == []
    again.close()
    assert ids(after) == ["a"]
    after.close()
    assert [each.name for each in path.parent.glob("*.open-*")] == ["spool.db.open-new"]


HOLDER = """
import sys, time
from pathlib import Path
from app.db.journal import Journal, NewOperation
journal = Journal(Path(sys.argv[1]), "old")
journal.add([NewOperation("a", "k", b"{}")])
print("held", flush=True)
time.sleep(600)
"""


def test_a_program_that_is_killed_lets_go_of_its_place(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        after = Journal(path, "new", began=time.time() + 60)
        assert ids(after) == []
        program.kill()
        program.wait()
    assert ids(after) == ["a"]
    after.close()


def test_many_that_open_and_look_at_once_never_take_what_is_held(path: Path) -> None:
    keeper = Journal(path, "old")
    keeper.add([new("a")])
    wrong: list[object] = []

    def look(number: int) -> None:
        try:
            for turn in range(30):
                mine = Journal(path, f"new {number} {turn % 3}", began=time.time() + 60)
                if mine._held is None or ids(mine):
                    wrong.append(number)
                mine.close()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=look, args=(number % 3,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    keeper.close()


def test_where_no_place_can_be_held_time_alone_decides(path: Path) -> None:
    earlier = Journal(path, "old/place")
    earlier.add([new("old")])
    same = Journal(path, "same", began=time.time())
    after = Journal(path, "new", began=time.time() + 60)
    assert ids(same) == []
    assert ids(after) == ["old"]
    for each in (earlier, same, after):
        each.close()


def test_a_file_of_the_version_before_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{SCHEMA} PRAGMA user_version = 1;")
        connection.execute("INSERT INTO operation (id, kind, payload, put_at) VALUES ('a', 'k', x'7b7d', 0)")
        connection.commit()
    journal = Journal(path, "place")
    journal.add([new("b")])
    assert ids(journal) == ["a", "b"]
    journal.close()
