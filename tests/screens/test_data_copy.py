"""The offer to copy the embedded data when a server takes its place: made once, run beside it, stopped, resumed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from app.db.engine import Database
from app.db.types import utc_now
from app.errors import UserError
from app.events import Bus, DataMove
from app.feedback.retrain import watermarks
from app.moving import Moving
from screens.data_copy import DataCopy, notice
from tests.db.everything import content, fill, merged
from tests.screens.shell_host import FakeRuntime, build
from tests.servers import PrivateMariaDB
from tests.waiting import until

ROOT = Path(__file__).parents[2]
ROWS = 16_000
"""Of feedback, where a copy has to be stopped on its way."""


@pytest.fixture
def server_url(mariadb: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database on a server, named by the configuration."""
    with mariadb.database() as url:
        monkeypatch.setenv("QUARTERDECK_DATABASE__URL", url)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        yield url


@pytest.fixture
def embedded(tmp_path: Path) -> Database:
    """The embedded database, with rows in every table."""
    db = Database(f"sqlite:///{tmp_path / 'home' / 'data' / 'quarterdeck.db'}")
    fill(db, 40)
    db.close()
    return Database(db.url.render_as_string())


def moving(url: str, tmp_path: Path, bus: Bus | None = None) -> Moving:
    return Moving(Database(url), bus=bus or Bus(), memory=tmp_path / "moved.json")


async def looked(service: Moving) -> str:
    """What it finds to offer."""
    service.open()
    assert service._looking is not None
    await service._looking
    return service.state.state


class MovingRuntime(FakeRuntime):
    """A runtime with data to move."""

    moving: Moving


def text_of(app: object) -> str:
    return str(app.screen.query_one("#data-copy", Static).render())  # type: ignore[attr-defined]  # the app


@pytest.mark.server
async def test_from_the_palette_to_the_last_row(server_url: str, embedded: Database, tmp_path: Path) -> None:
    runtime = MovingRuntime(tmp_path)
    runtime.moving = moving(server_url, tmp_path, runtime.bus)
    app = build(runtime)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(app.engine_ready.is_set)
        assert app.check_action("copy_data", ()) is False
        assert await looked(runtime.moving) == "offered"
        await until(lambda: "still embedded" in app.shell.bar.state.notice)
        await pilot.press("ctrl+p", *"copy the emb")
        options = app.screen.query_one(OptionList)
        await until(lambda: options.option_count and "Copy the embedded" in str(options.get_option_at_index(0).prompt))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, DataCopy) and app.screen.is_mounted)
        assert "rows from before" in text_of(app)
        await pilot.press("y")
        await until(lambda: runtime.moving.state.state == "done")
        await until(lambda: "rows are on the server" in text_of(app))
        await until(lambda: app.shell.bar.state.notice == "")
        await pilot.press("escape")
        await until(lambda: app.screen is app.shell)
    assert merged(Database(server_url)) == merged(embedded)
    assert await looked(moving(server_url, tmp_path)) == "none"
    await runtime.moving.close()


@pytest.mark.server
async def test_a_copy_that_is_stopped_is_offered_again_and_completed(
    server_url: str, embedded: Database, tmp_path: Path
) -> None:
    fill(embedded, ROWS - 40, only="feedback", begin=1000)
    heard: list[DataMove] = []
    bus = Bus()
    bus.subscribe(DataMove, heard.append)
    first = moving(server_url, tmp_path, bus)
    assert await looked(first) == "offered"
    first.start()
    # More rows than all other tables have together.
    await until(lambda: [move for move in heard if move.state == "running" and move.rows > move.total - ROWS])
    await first.close()
    assert first.state.state == "offered"
    there = Database(server_url)
    assert 0 < len(content(there)["feedback"]) < ROWS
    fill(there, 1, begin=500_000)
    second = moving(server_url, tmp_path)
    assert await looked(second) == "offered"
    second.start()
    await until(lambda: second.state.state in {"done", "failed"})
    assert second.state.state == "done"
    here, now = merged(embedded), merged(there)
    assert {name: len(now[name]) - len(rows) for name, rows in here.items()} == dict.fromkeys(here, 1)
    assert all(set(here[name]) <= set(now[name]) for name in here)
    await second.close()


@pytest.mark.server
async def test_it_is_offered_only_where_there_is_something_to_bring(
    server_url: str, embedded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await looked(moving("", tmp_path)) == "none"
    declining = moving(server_url, tmp_path)
    assert await looked(declining) == "offered"
    declining.decline()
    assert declining.state.state == "none"
    assert await looked(moving(server_url, tmp_path)) == "none"
    (tmp_path / "moved.json").unlink()
    # What the app itself wrote, or somebody else, is not what was stored here before.
    server = Database(server_url)
    server.run_now(lambda conn: watermarks.ensure(conn, ("pipeline",), utc_now()))
    fill(server, 1)
    assert await looked(moving(server_url, tmp_path)) == "offered"
    (tmp_path / "moved.json").unlink()
    qd = [sys.executable, "-m", "app", "db", "copy", "--from", "embedded", "--merge"]
    done = await asyncio.to_thread(subprocess.run, qd, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert await looked(moving(server_url, tmp_path)) == "none"
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "other"))
    assert await looked(moving(server_url, tmp_path)) == "none"


@pytest.mark.server
async def test_it_is_offered_once_the_database_is_there(
    mariadb: PrivateMariaDB, server_url: str, embedded: Database, tmp_path: Path
) -> None:
    service = moving(f"{server_url}_later", tmp_path)
    failed = asyncio.Event()
    service._db.watch(lambda up, _: None if up else failed.set())
    service.open()
    with pytest.raises(UserError):
        await service._db.ready()
    await failed.wait()
    assert service.state.state == "none"
    service._db.create()
    await service._db.ready()
    await until(lambda: service.state.state == "offered")
    await service.close()


@pytest.mark.server
async def test_a_project_with_a_package_of_our_name_does_not_take_its_place(
    server_url: str, embedded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / "app").mkdir(parents=True)
    (tmp_path / "project" / "app" / "__init__.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path / "project")
    service = moving(server_url, tmp_path)
    assert await looked(service) == "offered"
    service.start()
    await until(lambda: service.state.state == "done")
    await service.close()


@pytest.mark.server
async def test_a_server_that_goes_away_is_told_and_can_be_tried_again(
    mariadb: PrivateMariaDB, server_url: str, embedded: Database, tmp_path: Path
) -> None:
    service = moving(server_url, tmp_path)
    assert await looked(service) == "offered"
    mariadb.kill()
    service.start()
    await until(lambda: service.state.state == "failed")
    assert "no server answers" in service.state.text
    assert "no server answers" in notice(service.state)
    mariadb.start()
    service.start()
    await until(lambda: service.state.state == "done")
    await service.close()


def test_what_the_tab_bar_says() -> None:
    assert notice(DataMove("none")) == notice(DataMove("done", 3, 3)) == ""
    assert "12,345 rows" in notice(DataMove("offered", total=12_345))
    assert notice(DataMove("running", 1, 4, 90.0)) == "copying to the server: 25%, 90 s left"
