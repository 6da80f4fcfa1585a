"""`qd test watch`: the app's live tests without the app, for scripts and plain terminals."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import click

from app import paths
from app.commands.common import config_option, load_settings
from app.commands.test_project import absence, choose, project_options
from app.commands.watch_orders import Orders
from app.commands.watch_output import WatchOutput
from app.events import Bus, TestStream
from app.testing.service import TestingService, testing_options


@click.command()
@project_options
@config_option
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per line; commands as JSON lines on standard input."
)
def watch(name: str | None, path: Path | None, python: str, config: Path | None, as_json: bool) -> int:
    """Run on every save, affected tests first.

    With --json, lines such as {"do": "failed"} or {"do": "run", "nodeids": ["tests/test_a.py::test_b"]} on standard
    input are obeyed; "do" is one of all, failed, last, run, stop, quit. What comes before the first run has ended
    waits for that end, except stop and quit. It leaves when nobody reads its output any more.

    \b
    qd test watch --path .
    qd test watch --project trading --json | jq --unbuffered 'select(.event == "finished") | .counts'
    """
    loaded = load_settings(config)
    spec, configured = choose(loaded, name, path, python)
    if configured and (gone := absence(loaded, spec)):
        # Watching goes on: the folder may come back.
        click.echo(f"quarterdeck: {gone}", err=True)

    async def main() -> int:
        bus = Bus()
        storage = None
        if configured:
            from app.storage import Storage

            storage = Storage.open(loaded.settings)
            storage.spool.start(storage.db, bus)
        service = TestingService(
            [spec],
            bus=bus,
            cache_dir=paths.cache_dir() / "tests",
            options=testing_options(loaded.settings.tests),
            db=storage.db if storage else None,
            spool=storage.spool if storage else None,
        )
        leave = asyncio.Event()
        output = WatchOutput(leave, as_json=as_json)
        bus.subscribe(TestStream, output.tell)
        output.follow()
        if as_json:
            Orders(service, spec.name, bus, leave).listen()
        await service.start()
        # What is loaded by now stays: later collections need not look through it again.
        gc.freeze()
        try:
            await leave.wait()
        finally:
            await service.close()
            if storage is not None:
                await storage.close()
        if output.error is not None:
            raise output.error
        return 0

    return asyncio.run(main())
