"""Processes that die or share: every acknowledged write arrives exactly once, each process's in its order."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.engine import Database
from app.db.journal import Counts, read_counts
from tests.db.notes import NOTE, make_notes, read_notes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


class Writer:
    """A process that puts notes and applies them."""

    def __init__(self, url: str, journal: Path, prefix: str, count: int) -> None:
        self.prefix = prefix
        self.acknowledged: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.db.notes", url, str(journal), prefix, str(count)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read(self, number: int) -> None:
        """Wait for this many acknowledgements."""
        assert self.process.stdout is not None
        for _ in range(number):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self.acknowledged.append(line.strip())

    def kill(self) -> None:
        """End it as a crash would; what it had acknowledged until then counts."""
        self.process.kill()
        out, _ = self.process.communicate(timeout=60)
        # The last line may have been cut by the kill, but it was printed after its write was acknowledged.
        self.acknowledged += [line for line in out.splitlines() if len(line) == len(f"{self.prefix}-00000")]

    def finish(self) -> None:
        """Wait for its end."""
        out, errors = self.process.communicate(timeout=100)
        assert (self.process.returncode, errors) == (0, "")
        self.acknowledged += out.split()


@pytest.fixture
def url(database_url: str) -> str:
    """A database of each kind with the table of notes."""
    db = Database(database_url)
    make_notes(db)
    db.close()
    return database_url


def arrived(url: str) -> list[str]:
    db = Database(url)
    found = db.run_now(read_notes)
    db.close()
    return found


def check(url: str, journal: Path, writers: list[Writer]) -> None:
    """Everything acknowledged is there once, in the order of each process, and nothing waits."""
    assert read_counts(journal, (NOTE,), 9) == (Counts(), [])
    found = arrived(url)
    assert len(set(found)) == len(found)
    for writer in writers:
        own = [text for text in found if text.startswith(f"{writer.prefix}-")]
        assert own == sorted(own)
        assert set(writer.acknowledged) <= set(own)


def test_a_process_that_is_killed_again_and_again_loses_nothing(url: str, tmp_path: Path) -> None:
    journal = tmp_path / "spool.db"
    chance = random.Random(5)
    writers = []
    for attempt in range(3):
        writer = Writer(url, journal, f"w{attempt}", 100_000)
        writers.append(writer)
        writer.read(chance.randrange(1, 150))
        writer.kill()
    Writer(url, journal, "last", 0).finish()
    check(url, journal, writers)


def test_two_processes_share_a_journal_and_one_takes_over_when_the_other_dies(url: str, tmp_path: Path) -> None:
    journal = tmp_path / "spool.db"
    doomed, survivor = Writer(url, journal, "doomed", 100_000), Writer(url, journal, "survivor", 300)
    doomed.read(100)
    survivor.read(50)
    doomed.kill()
    survivor.finish()
    check(url, journal, [doomed, survivor])


def test_two_instances_with_journals_of_their_own_share_a_database(url: str, tmp_path: Path) -> None:
    paths = [tmp_path / name / "spool.db" for name in ("a", "b")]
    writers = [Writer(url, path, path.parent.name, 200) for path in paths]
    for writer in writers:
        writer.finish()
    for path in paths:
        check(url, path, writers)
    assert len(arrived(url)) == 400
