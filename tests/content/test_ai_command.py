"""`qd content ai` as a process, against an endpoint on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.commands.schema import find
from app.content.tables import ai_call
from app.settings import load
from app.storage import Storage
from tests.cli.schemas import errors
from tests.content.ai_endpoints import Endpoint, Script, endpoint, error, openai
from tests.waiting import until

ROOT = Path(__file__).parents[2]
TEXT = "# Hello\n\nThe first line.\n\nThe second line.\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("QUARTERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("FAKE_KEY", "sk-secret-key")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "a.md").write_text(TEXT)
    return folder


def _configure(fake: Endpoint, *, key: str = 'key = "env:FAKE_KEY"', url: str = "") -> Path:
    path = Path("qd.toml")
    path.write_text(
        f'[content.ai]\nprofile = "fake"\n\n[[content.ai.profiles]]\nname = "fake"\nkind = "openai"\nmodel = "small"\n'
        f'url = "{url or f"http://127.0.0.1:{fake.port}/v1"}"\n{key}\nprice_in = 2.0\nprice_out = 10.0\n'
    )
    return path.absolute()


async def _start(*arguments: str, out: int = PIPE) -> Process:
    command = [sys.executable, "-m", "app", "content", *arguments]
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=out, stderr=PIPE)


async def _qd(*arguments: str, given: str = "") -> tuple[int, str, str]:
    process = await _start(*arguments)
    out, err = await process.communicate(given.encode())
    assert b"sk-secret-key" not in out + err
    assert b"Traceback" not in err
    return process.returncode or 0, out.decode(), err.decode()


def _document(out: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(out)
    assert errors(find("content ai"), document) == []
    return document


async def _calls(config: Path) -> list[Any]:
    async with Storage.opened(load(config).settings) as storage:
        return await storage.db.run(lambda conn: list(conn.execute(select(ai_call).order_by(ai_call.c.id))))


async def test_a_file_is_worked_on_and_stays_as_it_is(here: Path) -> None:
    async with endpoint(Script(openai("It is — as they ", "say — short."), size=1)) as fake:
        config = str(_configure(fake))
        code, out, err = await _qd("ai", "a.md", "--do", "shorten", "--selection", "3:3", "--config", config, "--json")
        result = _document(out)["result"]
        assert (code, err) == (0, "")
        assert result["text"] == TEXT.replace("The first line.", "It is, as they say, short.")
        assert (result["outcome"], result["calls"][0]["cost"]) == ("complete", "0.00040000")
        assert fake.asked[0].headers["authorization"] == "Bearer sk-secret-key"
        code, out, err = await _qd("ai", "-", "--do", "titles", "--config", config, given="Grüße")
        assert (code, out) == (0, "It is, as they say, short.\n")
        assert "100 tokens sent, 20 received, cost 0.00040000" in err
    assert (here / "a.md").read_text() == TEXT
    assert [(row.action, row.outcome) for row in await _calls(Path(config))] == [
        ("shorten", "complete"),
        ("titles", "complete"),
    ]


async def test_a_dry_run_sends_nothing_and_says_what_would_be_sent() -> None:
    async with endpoint(Script(openai("x"))) as fake:
        config = str(_configure(fake))
        code, out, _ = await _qd("ai", "a.md", "--do", "rewrite", "--dry-run", "--config", config)
        assert code == 0
        assert f"POST http://127.0.0.1:{fake.port}/v1/chat/completions\n" in out
        for part in ("--- system ---", "--- user ---", "The first line.", "authorization: Bearer ***"):
            assert part in out
        code, out, _ = await _qd("ai", "a.md", "--do", "rewrite", "--dry-run", "--config", config, "--json")
        sent = _document(out)["sent"]
        assert "The second line." in sent["parts"]["user"]
        assert sent["body"]["messages"][1]["content"] == sent["parts"]["user"]
        assert fake.asked == []


async def test_a_draft_of_a_local_template_goes_to_no_other_machine(here: Path) -> None:
    folder = here / "own"
    folder.mkdir()
    front = "---\nkind: diary\ntitle: Diary\nhelp: For me.\nname: Today\nai:\n  egress: local\n---\n"
    (folder / "diary.md").write_text(f"{front}# Today\n\nSecret.\n")
    async with endpoint(Script(openai("New text."))) as fake:
        config = _configure(fake)
        config.write_text(f'[content]\ntemplates = "{folder}"\n\n{config.read_text()}')
        code, out, err = await _qd("new", "diary", "--config", str(config), "--json")
        assert code == 0, err
        draft = json.loads(out)["draft"]["id"]
        code, out, _ = await _qd("ai", draft, "--do", "rewrite", "--config", str(config), "--json")
        document = _document(out)
        assert (code, document["local"], document["draft"]) == (0, True, draft)
        assert document["result"]["text"] == "New text.\n"
        _configure(fake, url="https://192.0.2.1/v1")
        config.write_text(f'[content]\ntemplates = "{folder}"\n\n{config.read_text()}')
        for more in ((), ("--dry-run",)):
            code, out, err = await _qd("ai", draft, "--do", "rewrite", "--config", str(config), *more)
            assert (code, out) == (2, "")
            assert "this text stays on this machine" in err
        # What a template that is gone said is not known.
        (folder / "diary.md").unlink()
        code, _, err = await _qd("ai", draft, "--do", "rewrite", "--config", str(config))
        assert (code, "stays on this machine" in err) == (2, True)
    rows = await _calls(config)
    assert [row.draft_id for row in rows] == [draft]


async def test_interrupted_on_a_terminal_it_keeps_what_came() -> None:
    hold = asyncio.Event()
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    seen = bytearray()

    def read() -> None:
        with suppress(OSError):
            seen.extend(os.read(ours, 4096))

    loop = asyncio.get_running_loop()
    loop.add_reader(ours, read)
    async with endpoint(Script(openai("What \x1b[31m", "came", finish=None, done=False), size=1, hold=hold)) as fake:
        config = _configure(fake)
        process = await _start("ai", "a.md", "--do", "continue", "--config", str(config), out=theirs)
        await until(lambda: b"came" in seen)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        hold.set()
    await until(lambda: b"came\r\n" in seen)
    loop.remove_reader(ours)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1, err
    assert bytes(seen) == b"What \\x1b[31mcame\r\n"
    assert b"not complete: stopped" in err
    assert [(row.outcome, row.estimated) for row in await _calls(config)] == [("stopped", True)]


async def test_what_cannot_be_done_says_what_to_do(here: Path) -> None:
    async with endpoint(error(401, "wrong")) as fake:
        config = str(_configure(fake))
        for arguments, told in (
            (("a.md", "--do", "rewrite"), "check `key`"),
            (("a.md", "--do", "tone"), "which tone"),
            (("b.md", "--do", "rewrite"), "no such file"),
            (("a.md", "--do", "rewrite", "--selection", "4:99"), "two lines from 1 to 5"),
            (("a.md", "--do", "rewrite", "--selection", "x"), "two lines from 1 to 5"),
            (("a.md", "--do", "rewrite", "--profile", "no"), "there are fake"),
            (("01JDNONE", "--do", "rewrite"), "there is no draft"),
        ):
            code, out, err = await _qd("ai", *arguments, "--config", config)
            assert (code, out) == (2, ""), arguments
            assert told in err
        assert len(fake.asked) == 1
        bare = here / "bare.toml"
        bare.write_text("")
        code, _, err = await _qd("ai", "a.md", "--do", "rewrite", "--config", str(bare))
        assert (code, "no AI is configured" in err) == (2, True)
        _configure(fake, key="", url="https://api.openai.com/v1")
        code, _, err = await _qd("ai", "a.md", "--do", "rewrite", "--config", config)
        assert (code, "keyring set quarterdeck fake" in err) == (2, True)
