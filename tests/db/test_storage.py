"""What is put through the journal is applied by the module that puts it, to the database that it was meant for."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from app.db.types import utc_now
from app.events import Bus
from app.feedback.contract import FeedbackIn, FeedbackRecord
from app.feedback.ingest import ROW
from app.feedback.tables import feedback
from app.ids import new_id
from app.settings import Settings
from app.storage import APPLIERS, Storage
from tests.servers import PrivateMariaDB


def count(conn: Connection) -> int:
    return int(conn.scalar(select(func.count()).select_from(feedback)) or 0)


@pytest.mark.parametrize("kind", APPLIERS)
def test_a_kind_is_applied_by_the_module_that_names_it(kind: str) -> None:
    name, _, function = APPLIERS[kind].partition(":")
    module = import_module(name)
    assert callable(getattr(module, function))
    assert kind in [value for name, value in vars(module).items() if name.isupper()]


@pytest.mark.server
async def test_what_is_meant_for_the_new_database_never_goes_to_the_old_one(
    mariadb: PrivateMariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app is open on the embedded database when a server is configured that is not there yet."""
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    old = Storage.open(Settings())
    old.spool.start(old.db, Bus())
    await old.spool.flush(30)
    with mariadb.database() as url:
        at_server = Settings(database={"url": f"{url}_later"})
        new = Storage.open(at_server)
        new.spool.start(new.db, Bus())
        row = FeedbackIn(source="s", input="question", output="answer")
        record = FeedbackRecord(id=new_id(), received_at=utc_now(), row=row)
        await new.spool.put(ROW, record.model_dump(mode="json", exclude_none=True), record.id)
        assert not await new.spool.flush(30)
        old.spool.nudge()
        assert await old.spool.flush(30)
        assert await old.db.run(count) == 0
        new.db.create()
        async with asyncio.timeout(60):
            # An attempt that was under way before it was made ends the first waiting.
            while not await new.spool.flush(30):
                pass
        assert (await old.db.run(count), await new.db.run(count)) == (0, 1)
        await new.close()
    await old.close()
