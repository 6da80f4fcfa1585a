"""How fast everything that is stored is carried to a server, into a backup, and back."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from app.db.copying import job
from app.db.engine import Database
from tests.bench.figures import Judged, Report, Table
from tests.bench.scale import Scale
from tests.db.everything import fill
from tests.servers import NAMED, PrivateMariaDB, Server

LEAST_ROWS_S = 5000.0
METHOD = (
    "A SQLite file with feedback rows of 32 columns, with texts that need escaping, is copied into an empty database "
    "of each server that is here, backed up, and restored into a new SQLite file. Time runs from the call to its end: "
    "the tables are made, every row is read back and the checksums are compared."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure each way once."""
    report = Report("copy", "Copies and backups", text=[METHOD], commands=["qd db copy --to URL", "qd db backup FILE"])
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        place = Path(folder)
        source = Database(f"sqlite:///{place / 'source.db'}")
        say(f"{scale.copy_rows} rows are made")
        fill(source, scale.copy_rows, only="feedback")
        for name, url in servers(place):
            say(f"copy to {name}")
            target = Database(url)
            speed = timed(lambda target=target: job.copy(source, target).rows)  # type: ignore[misc]
            target.close()
            rows.append((f"copy to {name}", f"{speed:,.0f}"))
            report.judged.append(Judged(f"copy to {name}", speed, "at least", LEAST_ROWS_S, " rows/s", 0))
        file = place / "all.backup"
        rows.append(("backup", f"{timed(lambda: job.backup(source, file).rows):,.0f}"))
        back = Database(f"sqlite:///{place / 'back.db'}")
        rows.append(("restore into SQLite", f"{timed(lambda: job.restore(file, back).rows):,.0f}"))
        back.close()
        source.close()
    report.tables.append(Table(("what", "rows a second"), tuple(rows)))
    return report


def timed(work: Callable[[], int]) -> float:
    """Rows a second."""
    began = time.perf_counter()
    return work() / (time.perf_counter() - began)


def servers(place: Path) -> Iterator[tuple[str, str]]:
    """Empty databases, one for each server that can be had."""
    if shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None:
        with private_mariadb(place) as server, server.database() as url:
            yield "MariaDB", url
    if named := os.environ.get(NAMED):
        parts = urlsplit(named)
        here = Server(parts.hostname or "127.0.0.1", parts.port or 3306, parts.username or "root", parts.password or "")
        with here.database() as url:
            yield "MySQL", url


@contextmanager
def private_mariadb(place: Path) -> Iterator[PrivateMariaDB]:
    """A MariaDB of its own."""
    (place / "mariadb").mkdir()
    # As it is installed: the tests' own has less memory and promises less.
    usual = ("--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M", "--innodb-flush-log-at-trx-commit=1")
    server = PrivateMariaDB(place / "mariadb", *usual)
    server.start()
    try:
        yield server
    finally:
        server.kill()
