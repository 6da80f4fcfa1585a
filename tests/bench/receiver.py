"""How many rows a second the receiver takes on one core, how long each waits, and that all of them arrive."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import func, select

from app.db.engine import Database
from app.db.journal import read_counts
from app.feedback.capture import CAPTURE
from app.feedback.tables import feedback
from tests.bench.copying import servers
from tests.bench.figures import Judged, Report, Table
from tests.bench.projects import ROOT
from tests.bench.scale import Scale
from tests.waiting import until

RATE = 600
CONNECTIONS = 32
LEAST_PER_S = 500.0
P99_MOST_MS = 50.0
SECRET = "a secret of many characters"
LOAD = ROOT / "tests" / "bench" / "programs" / "load.py"
METHOD = (
    f"The receiver runs on one core, bound to it where the system can; another process sends {RATE} signed rows of "
    f"1 KiB a second over {CONNECTIONS} connections, each at its moment, whatever became of those before. A row's "
    "time runs from that moment to the whole answer, by which it is durable. Afterwards the rows in the database are "
    "counted."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure with each kind of database."""
    report = Report("receiver", "The feedback receiver", text=[METHOD], commands=["qd feedback serve"])
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        for name, url in _databases(Path(folder)):
            say(f"rows for {name}")
            found = _measure(Path(folder) / name, url, scale.receiver_s)
            shown = (f"{found['per_s']:.0f}", *(f"{found[key]:.1f} ms" for key in ("p50_ms", "p99_ms", "worst_ms")))
            rows.append((name, *shown, f"{found['lost']:.0f}"))
            report.judged += [
                Judged(f"rows taken ({name})", found["per_s"], "at least", LEAST_PER_S, " a second", 0),
                Judged(f"99 of 100 rows wait ({name})", found["p99_ms"], "at most", P99_MOST_MS, " ms", 1),
                Judged(f"rows lost ({name})", found["lost"], "at most", 0, "", 0),
            ]
    report.tables.append(Table(("database", "rows a second", "p50", "p99", "worst", "lost"), tuple(rows)))
    return report


def _databases(place: Path) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{place / 'feedback.db'}"
    yield from servers(place)


def _measure(home: Path, url: str, seconds: float) -> dict[str, float]:
    environment = {
        **os.environ,
        "QUARTERDECK_HOME": str(home),
        "QUARTERDECK_DATABASE__URL": url,
        "QUARTERDECK_FEEDBACK__RECEIVER__SECRET": SECRET,
    }
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    receiver = subprocess.Popen(
        [*pinned, sys.executable, "-m", "app", "feedback", "serve", "--port", "0", "--json"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert receiver.stdout is not None
    try:
        address = json.loads(receiver.stdout.readline())["url"]
        warm = _load(address, 1.0)
        found = _load(address, seconds)
        _settled(home / "data" / "spool.db")
    finally:
        receiver.send_signal(signal.SIGTERM)
        receiver.wait()
    db = Database(url)
    kept = db.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback))) or 0
    db.close()
    return {**found, "lost": warm["taken"] + found["taken"] - kept}


def _load(address: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, str(LOAD), address, SECRET, str(CONNECTIONS), str(RATE), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["refused"] == 0, found["first_refused"]
    return {key: float(found[key]) for key in ("taken", "per_s", "p50_ms", "p99_ms", "worst_ms")}


def _settled(journal: Path) -> None:
    asyncio.run(until(lambda: read_counts(journal, (CAPTURE,), 1)[0].waiting == 0, what="an empty journal"))
