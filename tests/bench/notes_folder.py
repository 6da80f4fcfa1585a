"""How long 50,000 files of Markdown take to become notes, and notes to become files, with kills on the way."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy import func, select

from app.content.tables import note
from app.db.engine import Database
from tests.bench.copying import servers
from tests.bench.figures import Judged, Report, Table
from tests.bench.projects import ROOT
from tests.bench.scale import Scale

FILES = 50_000
IN_FOLDER = 500
KILLED_AT = 0.4
MOST_MB, QUICK_S = 250, 10
TEXT = (
    "{files:,} files of about 800 bytes, half of them with front matter, each with a link. The processes are those of "
    "the command line, their start included. The first and the third are killed (SIGKILL) when two fifths are done and "
    "started again: the times of both are added. Afterwards there are exactly as many notes, and files with the same "
    "bytes, as there were files."
)
_MOST = re.compile(r"VmHWM:\s*(\d+) kB")


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it with SQLite and with the first server that is here."""
    files = min(FILES, scale.import_rows // 4)
    report = Report("folder", f"Notes and a folder of {FILES:,} files of Markdown", text=[TEXT.format(files=files)])
    report.commands += ["qd notes import vault", "qd notes sync other"]
    rows, most, quick = [], 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        place = Path(folder)
        vault = _made(place / "vault", files)
        for name, url in _databases(place):
            home, other = place / name, place / f"{name}-files"
            (home / "config").mkdir(parents=True)
            (home / "config" / "config.toml").write_text(f'[database]\nurl = "{url}"\n', "utf-8")
            other.mkdir()
            for what, arguments, killed in (
                ("files become notes", ("import", str(vault)), True),
                ("the same again, nothing changed", ("import", str(vault)), False),
                ("notes become files elsewhere", ("sync", str(other)), True),
                ("the same again, nothing changed", ("sync", str(other)), False),
            ):
                began = time.perf_counter()
                ends = (int(files * KILLED_AT), 0) if killed else (0,)
                took_mb = max(_run(home, arguments, end) for end in ends)
                took = time.perf_counter() - began
                most, quick = max(most, took_mb), quick if killed else max(quick, took)
                rows.append((f"{name}: {what}", f"{took:.1f} s", f"{took_mb:.0f} MB"))
                say(" ".join(rows[-1]))
            _check(url, vault, other, files)
    report.tables.append(Table(("what", "time", "most memory"), tuple(rows)))
    report.judged.append(Judged("most memory of a process", most, "at most", MOST_MB, " MB", 0))
    report.judged.append(Judged("with nothing changed", quick, "at most", QUICK_S, " s", 1))
    return report


def _databases(place: Path) -> Iterator[tuple[str, str]]:
    yield from chain([("SQLite", f"sqlite:///{place / 'notes.db'}")], _first(servers(place)))


def _first(found: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(StopIteration):
        yield next(found)


def _made(root: Path, files: int) -> Path:
    """The same ones each time."""
    chance = random.Random(4)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(3, 9))) for _ in range(5000)]
    for number in range(files):
        folder = root / f"{number // IN_FOLDER:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        front = f"---\ntags: [{chance.choice(words)}, t{number % 50}]\naliases:\n  - other {number}\n---\n"
        body = f"{' '.join(chance.choices(words, k=120))}\n\n[[note {chance.randrange(files)}]]\n"
        (folder / f"note {number}.md").write_text((front if number % 2 else "") + body, "utf-8")
    return root


def _run(home: Path, arguments: tuple[str, ...], killed_at: int) -> float:
    """Run a command to its end, or until so many files are done; the most memory that it had, in MB."""
    known = _done(home)
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "notes", *arguments],
        cwd=ROOT,
        env={**os.environ, "QUARTERDECK_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = _MOST.search(Path(f"/proc/{process.pid}/status").read_text("utf-8"))
            most = max(most, int(found[1]) if found is not None else 0)
        if killed_at and _done(home) - known >= killed_at:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.05)
    assert process.returncode == (-signal.SIGKILL if killed_at else 0)
    return most / 1024


def _done(home: Path) -> int:
    """How many files all journals know of."""
    count = 0
    for path in (home / "data" / "notes").glob("*.db"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as journal:
            count += journal.execute("SELECT count(*) FROM synced").fetchone()[0]
    return count


def _check(url: str, vault: Path, other: Path, files: int) -> None:
    db = Database(url)
    assert db.run_now(lambda conn: conn.scalar(select(func.count()).select_from(note))) == files
    db.close()
    given = {path.relative_to(vault): path.read_bytes() for path in vault.rglob("*.md")}
    assert {path.relative_to(other): path.read_bytes() for path in other.rglob("*.md")} == given
