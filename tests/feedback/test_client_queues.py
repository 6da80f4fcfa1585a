"""The one-file client's queues: whose rows are whose, what an older version left, forks, and equal rows."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from templates.client import quarterdeck_client
from templates.client.quarterdeck_client import Client
from tests.feedback.receiving import receiving, row
from tests.servers import free_port
from tests.waiting import until

OLDER = "0" * 20 + "-" + "ab" * 16 + ".json"
"""A row as versions without addresses named it."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own; the folder of all queues in it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home" / ".local/share/quarterdeck-client"


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


def leave(folder: Path, value: dict[str, Any]) -> None:
    """Put a row there as an older version would."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OLDER).write_text(json.dumps(value))


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.rglob(pattern))


@pytest.mark.parametrize("given", [True, False], ids=["a folder for both", "no folder"])
async def test_a_row_goes_to_the_receiver_that_it_was_meant_for(given: bool, tmp_path: Path, home: Path) -> None:
    folder, away = tmp_path / "queue" if given else None, nowhere()
    first = Client(away, folder=folder)
    first.send(**row(1))
    async with receiving(tmp_path) as to:
        second = Client(to.url, folder=folder)
        second.send(**row(2))
        assert await asyncio.to_thread(second.close) == 0
        assert [each.input for each in await to.rows()] == ["question 2"]
        assert await asyncio.to_thread(first.close, 0.1) == 1
        moved = Client(to.url + "/", folder=folder, formerly=[away])
        assert await asyncio.to_thread(moved.close) == 0
        assert {each.input for each in await to.rows()} == {"question 1", "question 2"}
    if not given:
        places = sorted(url.removeprefix("http://").replace(":", "_") for url in (away, to.url))
        assert [name.rpartition("-")[0] for name in names(home, "127*")] == places


async def test_what_an_older_version_left_is_delivered(tmp_path: Path, home: Path) -> None:
    leave(home, row(1))
    leave(tmp_path / "queue", row(2, score=7))
    async with receiving(tmp_path) as to:
        for folder in (None, tmp_path / "queue"):
            client = Client(to.url, folder=folder)
            assert await asyncio.to_thread(client.close) == 0
        assert [each.input for each in await to.rows()] == ["question 1"]
    assert names(tmp_path / "queue/refused", "*.json") == [OLDER]
    assert names(home, "*.json") == []


async def test_equal_rows_of_two_sends_are_two_unless_their_event_says_otherwise(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=tmp_path / "queue")
        key = client.send(**row(), score=-1)
        client.send(**row(), score=1, source_event_id=None)
        for _ in range(2):
            client.send(**row(), score=0, source_event_id="mine")
            client.send(**row(1), id="an-id-of-mine")
        assert await asyncio.to_thread(client.close) == 0
        found = await to.rows()
        assert sorted(each.score for each in found if each.score is not None) == [-1, 0, 1]
        assert len(found) == 4
        assert {key, "mine", "an-id-of-mine"} < {each.source_event_id for each in found}
        assert await to.quarantined() == 0


async def test_a_forked_program_delivers(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import os, sys, threading
        from quarterdeck_client import Client
        url, folder = sys.argv[1:]
        client = Client(url, folder=folder)
        client.send(source="t", input="parent", output="o")
        held, done = threading.Event(), threading.Event()

        def hold():
            with client._wake:
                held.set()
                done.wait()

        threading.Thread(target=hold).start()
        held.wait()
        # The children have nobody who would let go of that lock.
        if not os.fork():
            client.send(source="t", input="child", output="o")
            if not os.fork():
                client.send(source="t", input="grandchild", output="o")
                os._exit(client.close())
            os._exit(os.wait()[1] != 0 or client.close())
        failed = os.wait()[1] != 0
        done.set()
        sys.exit(failed or client.close())
    """)
    async with receiving(tmp_path) as to:
        arguments = [sys.executable, "-W", "ignore", "-c", program, to.url, str(tmp_path / "queue")]
        place = Path(quarterdeck_client.__file__).parent
        done = await asyncio.to_thread(subprocess.run, arguments, cwd=place, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert {each.input for each in await to.rows()} == {"parent", "child", "grandchild"}


async def test_rows_that_somebody_else_put_there_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarterdeck_client, "PAUSE_MOST_S", 0.05)
    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=tmp_path / "queue")
        leave(tmp_path / "queue", row())
        await until(lambda: not client._waiting())
        assert len(await to.rows()) == 1
        client.close()


async def test_nothing_that_goes_wrong_ends_the_deliveries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=tmp_path / "queue")
        with monkeypatch.context() as patch:
            patch.setattr(quarterdeck_client, "sign", None)
            patch.setattr(client, "_secret", "of many characters")
            client.send(**row())
            await until(lambda: "NoneType" in client.problem)
        assert await asyncio.to_thread(client.close) == 0
        assert len(await to.rows()) == 1
