"""`qd test watch`: the app's live tests without the app, for scripts and plain terminals."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from app import paths
from app.commands.common import config_option, emit_line, load_settings
from app.commands.test_project import absence, choose, project_options
from app.commands.text import clean, duration
from app.commands.watch_orders import Orders
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
    waits for that end, except stop and quit.

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
        bus.subscribe(TestStream, _print_json if as_json else _print_text)
        leave = asyncio.Event()
        if as_json:
            Orders(service, spec.name, bus, leave).listen()
        await service.start()
        try:
            await leave.wait()
        finally:
            await service.close()
            if storage is not None:
                await storage.close()
        return 0

    return asyncio.run(main())


def _print_json(event: TestStream) -> None:
    emit_line({"event": event.event, "t": event.t, **event.data})


def _print_text(event: TestStream) -> None:
    data = event.data
    if event.event == "ready":
        text = f"watching {data['files']} files of {data['path']} ({data['level']})"
    elif event.event == "changed":
        files = data["files"]
        assert isinstance(files, list)
        text = f"saved {', '.join(files[:3])}{f' and {len(files) - 3} more' if len(files) > 3 else ''}"
    elif event.event == "result" and data["outcome"] in ("failed", "error"):
        text = f"  ✗ {data['nodeid']}"
    elif event.event == "affected_done":
        bad = data["bad"]
        text = f"affected {f'✗ {bad}' if bad else '✓'} in {duration(float(str(data['after_s'])))}"
    elif event.event in ("finished", "superseded"):
        counts = data["counts"]
        assert isinstance(counts, dict)
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no tests ran"
        note = f"  {data['note']}" if data["note"] else ""
        text = f"{event.event}: {told} in {duration(float(str(data['duration_s'])))} ({data['level']}){note}"
    elif event.event == "problem":
        text = str(data["detail"])
    elif event.event == "level":
        text = f"runs are {data['level']}" + (f": {data['reason']}" if data["reason"] else "")
    else:
        return
    click.echo(clean(text))
    sys.stdout.flush()
