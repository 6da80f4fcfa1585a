"""A review that is killed between a key and the disk: what was acknowledged is there, once, and nothing is torn."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from sqlalchemy import func, select

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback.tables import feedback, feedback_decision
from tests.feedback.reviewing import NOW, given, put
from tests.feedback.session import ready, reviewing

ROOT = Path(__file__).parents[2]
KILLS = 6
CHILD = """
import asyncio, sys
from pathlib import Path
from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback.service import FeedbackService

async def main(url, folder):
    db, bus = Database(url), Bus()
    spool = Spool(Path(folder) / "spool.db")
    storage.register(spool)
    spool.start(db, bus)
    service = FeedbackService(db=db, spool=spool, bus=bus, reviewer="mara", ahead=10, share=0.0)
    await service.start()
    service.open_review()
    while True:
        item = service.snapshot().current
        if item is None:
            await asyncio.sleep(0.002)
            continue
        service.decide("accept")
        while service.snapshot().unsaved:
            await asyncio.sleep(0)
        print(item.row.id, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_no_acknowledged_decision_is_lost(database: Database, database_url: str, tmp_path: Path) -> None:
    put(database, [given(n, captured_at=NOW) for n in range(1500)])
    chance = random.Random(11)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, database_url, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(chance.randrange(3, 40)):
            line = await asyncio.wait_for(child.stdout.readline(), 60)
            acknowledged.append(line.decode().strip())
        os.kill(child.pid, signal.SIGKILL)
        rest = await child.stdout.read()
        acknowledged += [line for line in rest.decode().splitlines() if line.startswith("row-") and len(line) == 9]
        await child.wait()
    spool = Spool(tmp_path / "spool.db")
    storage.register(spool)
    spool.start(database, Bus())
    assert await spool.flush(30)
    await spool.close()
    assert len(set(acknowledged)) == len(acknowledged), "a row was reviewed twice"
    columns = feedback_decision.c
    stored = database.run_now(lambda conn: list(conn.scalars(select(columns.feedback_id))))
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    # Of each kill, at most the one decision that was under way is there without having been acknowledged.
    assert len(stored) - len(acknowledged) <= KILLS
    accepted = select(func.count()).where(feedback.c.state == "accepted")
    assert database.run_now(lambda conn: conn.scalar(accepted)) == len(stored)


async def test_after_a_kill_the_next_session_shows_other_rows(database: Database, tmp_path: Path) -> None:
    """The claims of the dead session hold until their lease is over."""
    put(database, [given(n) for n in range(12)])
    async with reviewing(database, tmp_path) as service:
        held = await ready(service, 6)
        other = tmp_path / "other"
        other.mkdir()
        async with reviewing(database, other) as second:
            assert not set(held) & set(await ready(second, 6))
