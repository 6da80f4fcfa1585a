"""A finished test run is kept with the commit it ran on, and with the tree of what differed from it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.git.provenance import Provenances
from app.testing.engine import EngineOptions
from app.testing.service import TestingService
from app.testing.tables import test_run
from tests.git.repos import Place, Repo
from tests.testing.samples import trading, write
from tests.waiting import until


async def test_runs_know_what_they_ran_on(place: Place, database: Database, tmp_path: Path) -> None:
    spec = trading(place.root / "trading")
    repo: Repo = place.init("trading")
    repo.commit("all of it", {".gitignore": "__pycache__/\n.pytest_cache/\n"})
    spool = Spool(tmp_path / "spool.db")
    storage.register(spool)
    spool.start(database, bus := Bus())
    service = TestingService(
        (spec,),
        bus=bus,
        cache_dir=tmp_path / "cache",
        options=EngineOptions(),
        db=database,
        spool=spool,
        provenance=Provenances().of,
    )

    def kept() -> list[tuple[str, str | None]]:
        columns = select(test_run.c.git_commit, test_run.c.dirty_hash).order_by(test_run.c.id)
        return [tuple(row) for row in database.run_now(lambda conn: conn.execute(columns).all())]

    await service.start()
    try:
        await until(lambda: len(kept()) == 1, what="the first run")
        write(spec.path, trading__risk="def limit():\n    return 7\n")
        await until(lambda: len(kept()) == 2, what="the run after the save")
    finally:
        await service.close()
        await spool.close()
    commit = repo.oid()
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "the save")
    assert kept() == [(commit, None), (commit, repo.oid("HEAD^{tree}"))]
