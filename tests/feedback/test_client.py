"""The one-file client: rows are on the disk when `send` returns, and with the receiver some time after."""

from __future__ import annotations

import ast
import asyncio
import errno
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.feedback.receiver import signatures
from templates.client import quarterdeck_client
from templates.client.quarterdeck_client import Client
from tests.feedback.receiving import SECRET, receiving, row
from tests.servers import free_port
from tests.waiting import until


def left(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


async def test_rows_are_signed_and_delivered_in_order(tmp_path: Path) -> None:
    assert quarterdeck_client.sign(SECRET, b"body", 5) == signatures.sign(SECRET, b"body", 5)
    async with receiving(tmp_path, secrets=(SECRET,)) as to:
        client = Client(to.url, SECRET, tmp_path / "queue")
        for number in range(50):
            client.send(**row(number, comment="ü\x00🧨"))
        assert await asyncio.to_thread(client.close) == 0
        assert len(await to.rows()) == 50
        assert left(tmp_path / "queue") == []


async def test_what_cannot_be_delivered_waits_for_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    away = f"http://127.0.0.1:{free_port()}"
    client = Client(away, folder=folder)
    keys = [client.send(**row(number)) for number in range(3)]
    assert await asyncio.to_thread(client.close, 0.1) == 3
    assert client.problem
    assert [path.stem.rpartition("-")[2] for path in left(folder)] == keys
    async with receiving(tmp_path) as to:
        # A receiver at another address is another one, unless it is said to have been that one.
        other = Client(to.url, folder=folder)
        assert await asyncio.to_thread(other.close) == 0
        assert len(left(folder)) == 3
        again = Client(to.url, folder=folder, formerly=[away])
        assert await asyncio.to_thread(again.close) == 0
        assert len(await to.rows()) == 3


async def test_an_answer_that_was_lost_makes_no_second_row(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=folder)
        client.send(**row())
        assert await asyncio.to_thread(client.flush) == 0
        # The same file again: so it is when the program died before it heard that the row was taken.
        client.close()
        key = "0" * 20 + "-" + "ab" * 16
        for _ in range(2):
            (folder / f"{key}.json").write_text(json.dumps(row(1)))
            once_more = Client(to.url, folder=folder)
            assert await asyncio.to_thread(once_more.close) == 0
        assert len(await to.rows()) == 2


async def test_what_is_refused_for_good_is_kept_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=folder)
        key = client.send(**row(score=7))
        client.send(**row(1))
        assert await asyncio.to_thread(client.close) == 0
        (refused,) = (folder / "refused").glob("*.json")
        assert refused.stem.endswith(key)
        assert json.loads(refused.read_text())["score"] == 7
        assert "422" in refused.with_suffix(".why").read_text()
        assert len(await to.rows()) == 1


async def test_a_wrong_secret_can_be_mended(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    async with receiving(tmp_path, secrets=(SECRET,)) as to:
        client = Client(to.url, "not the right secret", folder)
        client.send(**row())
        await until(lambda: client.problem.startswith("401"))
        assert await asyncio.to_thread(client.close, 0.1) == 1
        mended = Client(to.url, SECRET, folder)
        assert await asyncio.to_thread(mended.close) == 0
        assert len(await to.rows()) == 1


ANSWERS = {
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    "a login page": b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></html",
    "no HTTP": b"220 mail.example.org ESMTP\r\n",
    "an answer cut off": b'HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"id": "1", "sta',
    "nothing": b"",
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_row_stays_until_a_receiver_has_taken_it(answer: str, tmp_path: Path) -> None:
    folder, asked = tmp_path / "queue", []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWERS[answer])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = Client(url, folder=folder)
        client.send(**row())
        await until(lambda: client.problem != "" and len(asked) > 0)
        assert await asyncio.to_thread(client.close, 0.1) == 1
        assert all(request.startswith(b"POST /v1/feedback ") for request in asked)
    async with receiving(tmp_path) as to:
        again = Client(to.url, folder=folder, formerly=[url])
        assert await asyncio.to_thread(again.close) == 0
        assert len(await to.rows()) == 1


async def test_two_programs_share_a_folder(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        clients = [Client(to.url, folder=tmp_path / "queue") for _ in range(3)]
        for number in range(30):
            clients[number % 3].send(**row(number))
        for client in clients:
            assert await asyncio.to_thread(client.close) == 0
        assert len(await to.rows()) == 30


async def test_a_disk_that_is_full_for_a_while_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "queue"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with receiving(tmp_path) as to:
        client = Client(to.url, folder=folder)
        with monkeypatch.context() as patch:
            patch.setattr(quarterdeck_client.os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                client.send(**row())
        assert [path.name for path in folder.iterdir()] == ["refused"]
        # Where the reason of a refusal cannot be written, the row waits.
        (folder / "refused").rmdir()
        (folder / "refused").write_text("in the way")
        client.send(**row(score=7))
        await until(lambda: "refused" in client.problem)
        assert len(left(folder)) == 1
        (folder / "refused").unlink()
        (folder / "refused").mkdir()
        assert await asyncio.to_thread(client.close) == 0
        assert len(list((folder / "refused").glob("*.why"))) == 1


def test_older_pythons_can_read_it() -> None:
    ast.parse(Path(quarterdeck_client.__file__).read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("bad", [{"input": 5}, {"score": float("nan")}, {"output": "x" * 300_000}])
def test_what_can_never_be_sent_is_refused_at_once(bad: dict[str, Any], tmp_path: Path) -> None:
    with Client(f"http://127.0.0.1:{free_port()}", folder=tmp_path) as client:
        with pytest.raises(ValueError, match=r"input|JSON|bytes"):
            client.send(**row(**bad))
        assert left(tmp_path) == []


def test_a_program_that_is_killed_has_its_rows_on_the_disk(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import os, signal
        from quarterdeck_client import Client
        client = Client("http://127.0.0.1:{free_port()}", folder={str(tmp_path / "queue")!r})
        for number in range(20):
            client.send(source="t", input=str(number), output="o")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert main(["feedback", "client", "--write", str(tmp_path)]) == 0
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-9, "")
    kept = [json.loads(path.read_text())["input"] for path in left(tmp_path / "queue")]
    assert kept == [str(number) for number in range(20)]


def test_the_command_prints_it_and_replaces_only_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "client", "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["text"]
    assert text == Path(quarterdeck_client.__file__).read_text()
    path = tmp_path / "quarterdeck_client.py"
    path.write_text(text.partition("\n")[0] + "\nan older one")
    assert main(["feedback", "client", "--write", str(tmp_path)]) == 0
    assert path.read_text() == text
    path.write_text("mine")
    assert main(["feedback", "client", "--write", str(tmp_path)]) == 2
    assert path.read_text() == "mine"
