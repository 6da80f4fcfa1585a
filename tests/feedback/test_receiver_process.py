"""The receiver as a program: two beside each other, signals, a full disk."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.db.conftest import small_disk as small_disk
from tests.feedback.receiving import left_behind, post, read_reply, row, started, until_cut
from tests.waiting import until

pytestmark = pytest.mark.slow


async def test_two_in_one_place_of_which_one_is_killed_lose_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feedback.db'}"
    acknowledged: dict[int, str] = {}
    unknown: set[int] = set()
    stays, port = started(tmp_path, QUARTERDECK_DATABASE__URL=url)
    staying = [
        asyncio.create_task(until_cut(port, range(each, 1_000_000, 8), acknowledged, unknown)) for each in range(4)
    ]
    for attempt in range(3):
        killed, other = started(tmp_path, QUARTERDECK_DATABASE__URL=url)
        numbers = range(attempt * 100_000, (attempt + 1) * 100_000)
        tasks = [
            asyncio.create_task(until_cut(other, numbers[4 + each :: 8], acknowledged, unknown)) for each in range(4)
        ]
        enough = len(acknowledged) + 100
        await until(partial(lambda wanted: len(acknowledged) >= wanted, enough))
        killed.kill()
        killed.communicate()
        await asyncio.gather(*tasks)
    stays.terminate()
    _, said = await asyncio.to_thread(stays.communicate)
    assert (stays.returncode, said) == (0, "")
    await asyncio.gather(*staying)
    found = await left_behind(tmp_path / "data" / "spool.db", url)
    assert acknowledged.items() <= found.items()
    assert found.keys() <= acknowledged.keys() | unknown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_ends_it_after_the_answers_that_are_due(number: signal.Signals, tmp_path: Path) -> None:
    process, port = started(tmp_path)
    body = json.dumps(row()).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post(body))
    assert (await read_reply(reader)).status == 202
    writer.write(post(body)[:-1])
    await writer.drain()
    # An answer on another connection: by then the receiver has seen the beginning of this request.
    other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
    other_writer.write(post(body))
    assert (await read_reply(other_reader)).status == 202
    other_writer.close()
    process.send_signal(number)
    await until(lambda: not _listens(port), what="a closed port")
    writer.write(body[-1:])
    assert (await read_reply(reader)).status == 202
    writer.close()
    _, said = await asyncio.to_thread(process.communicate)
    assert (process.returncode, said) == (0, "")


def _listens(port: int) -> bool:
    done = subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], capture_output=True)
    return done.returncode == 0


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


async def test_an_address_of_six_is_written_with_brackets_or_without(tmp_path: Path) -> None:
    process, port = await asyncio.to_thread(started, tmp_path, "--host", "[::1]")
    reader, writer = await asyncio.open_connection("::1", port)
    writer.write(post(json.dumps(row()).encode(), Host=f"[::1]:{port}"))
    assert (await read_reply(reader)).status == 202
    writer.close()
    process.terminate()
    await asyncio.to_thread(process.communicate)


async def test_a_disk_that_is_full_is_told_until_it_has_room(small_disk: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feedback.db'}"
    await asyncio.to_thread(resize, small_disk, "32m")
    process, port = started(small_disk, QUARTERDECK_DATABASE__URL=url)
    filler = small_disk / "filler"
    acknowledged: dict[int, str] = {}

    async def send(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(json.dumps(row(number, comment="x" * 100_000)).encode()))
        reply = await read_reply(reader)
        writer.close()
        if reply.status == 202:
            acknowledged[number] = reply.json()["id"]
        else:
            assert (reply.status, int(reply.headers["retry-after"]) > 0) == (503, True), reply.body
        return reply.status

    assert await send(0) == 202
    with pytest.raises(OSError, match="No space left"):
        fill_up(filler)
    refused = [number for number in range(1, 40) if await send(number) == 503]
    assert refused
    filler.unlink()
    for number in refused:
        assert await send(number) == 202
    process.terminate()
    await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    found = await left_behind(small_disk / "data" / "spool.db", url)
    assert acknowledged.items() <= found.items()
    assert len(found) == 40
