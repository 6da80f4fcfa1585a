"""`qd content publish` and its kin as processes, and the Git area's summaries on their way to the same targets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.commands.schema import find
from tests.cli.schemas import errors
from tests.content.discord_fake import TOKEN, FakeDiscord, Fault, discord
from tests.content.smtp_fake import mail

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fake() -> Iterator[FakeDiscord]:
    with discord() as fake:
        yield fake


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeDiscord) -> Path:
    """A folder to work in, with a configuration whose secret stands in the environment."""
    for name in [name for name in os.environ if name.startswith("QUARTERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("THE_WEBHOOK", fake.url)
    folder = tmp_path / "here"
    folder.mkdir()
    config = folder / "config.toml"
    config.write_text(
        '[content]\ntime_zone = "Europe/Berlin"\n'
        '[[content.targets]]\nname = "chat"\nkind = "discord"\nurl = "env:THE_WEBHOOK"\n'
        '[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "site"\n'
    )
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(config))
    monkeypatch.chdir(folder)
    return folder


def qd(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run `qd`."""
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=100, check=False)


def document(*arguments: str, code: int = 0) -> dict[str, Any]:
    """What `qd content` printed as JSON, which fits its schema; no secret is told anywhere."""
    done = qd("content", *arguments, "--json")
    assert done.returncode == code, done.stderr + done.stdout
    assert TOKEN not in done.stdout + done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    assert errors(find(f"content {arguments[0]}"), printed) == []
    return printed


def _draft(summary: str) -> str:
    given = ("--set", f"title={summary}", "--set", "expected=It goes on.")
    made = document("new", "bug-report", *given)
    return str(made["draft"]["id"])


def test_a_draft_goes_to_its_targets_is_edited_and_taken_back(here: Path, fake: FakeDiscord) -> None:
    identity = _draft("It stops")
    dry = document("publish", identity, "--to", "chat", "--to", "site", "--dry-run", "--override", "a test")
    assert dry["deliveries"] == []
    assert [preview["target"] for preview in dry["previews"]] == ["chat", "site"]
    assert fake.requests == []
    assert not (here / "site").exists()
    done = document("publish", identity, "--to", "chat", "--to", "site", "--override", "a test")
    assert [each["state"] for each in done["deliveries"]] == ["sent", "sent"]
    assert done["deliveries"][0]["remote_ids"] == list(fake.messages)
    assert len(list((here / "site").glob("2*.html"))) == 1
    assert [each["id"] for each in document("list", "--state", "published")["drafts"]] == [identity]
    listed = document("deliveries", "--draft", identity)["deliveries"]
    assert {each["id"] for each in listed} == {each["id"] for each in done["deliveries"]}
    sent = done["deliveries"][0]["id"]
    again = document("publish", identity, "--to", "chat", "--edit", sent, "--override", "a test")
    assert again["deliveries"][0]["remote_ids"] == list(fake.messages)
    assert document("unpublish", again["deliveries"][0]["id"])["deliveries"][0]["state"] == "deleted"
    assert fake.texts == []


def test_a_draft_is_not_published_twice_unless_it_is_said(fake: FakeDiscord) -> None:
    identity = _draft("It stops")
    first = document("publish", identity, "--to", "chat", "--override", "a test")["deliveries"][0]
    refused = qd("content", "publish", identity, "--to", "chat", "--to", "site", "--override", "a test")
    assert refused.returncode == 1
    assert f"chat: published: the same text is published there already: {first['id']}, sent 2" in refused.stderr
    assert f"`--to chat --edit {first['id']}`" in refused.stderr
    assert "--again" in refused.stderr
    seen = document("publish", identity, "--to", "chat", "--dry-run", "--override", "a test", code=1)
    assert [problem["kind"] for problem in seen["previews"][0]["problems"]][-1] == "published"
    assert len(fake.posted) == 1
    again = document("publish", identity, "--to", "chat", "--again", "--override", "a test")
    assert again["deliveries"][0]["state"] == "sent"
    assert len(fake.posted) == 2
    both = qd("content", "publish", identity, "--edit", first["id"], "--again")
    assert (both.returncode, "say one of them" in both.stderr) == (2, True)


def test_without_a_target_it_goes_where_the_template_says_or_what_there_is_is_told(
    here: Path, fake: FakeDiscord
) -> None:
    """A template names kinds: those who share it call their targets differently."""
    empty = qd("content", "list")
    assert "there are no drafts yet; `qd content new` makes one" in empty.stdout
    identity = _draft("It stops")
    done = document("publish", identity, "--override", "a test")
    assert [each["target"] for each in done["deliveries"]] == ["site"]
    listed = qd("content", "list")
    assert "none of these; there are 1 with `--state published`" in listed.stdout
    config = here / "config.toml"
    both = config.read_text() + '[[content.targets]]\nname = "attic"\nkind = "files"\nfolder = "attic"\n'
    config.write_text(both)
    told = qd("content", "publish", identity)
    assert (told.returncode, "several targets are of the kind `files`" in told.stderr) == (2, True)
    assert "name one or more: `--to chat`, `--to site`, `--to attic`" in told.stderr
    config.write_text(both.partition('[[content.targets]]\nname = "site"')[0])
    told = qd("content", "publish", identity)
    assert "no target is called `files` or of that kind" in told.stderr
    config.write_text("")
    told = qd("content", "publish", identity)
    assert (told.returncode, "no target is configured" in told.stderr) == (2, True)


def test_what_is_wrong_is_told_and_decided(fake: FakeDiscord) -> None:
    identity = _draft("It stops")
    refused = qd("content", "publish", identity, "--to", "nowhere")
    assert (refused.returncode, "there are: chat, site" in refused.stderr) == (2, True)
    passed = qd("content", "publish", identity, "--to", "chat", "--at", "2020-01-01 9:00")
    assert (passed.returncode, "has passed" in passed.stderr) == (2, True)
    later = document("publish", identity, "--to", "chat", "--at", "in 60m", "--override", "a test")["deliveries"][0]
    assert (later["state"], later["zone"]) == ("scheduled", "Europe/Berlin")
    assert [each["state"] for each in document("list")["drafts"]] == ["scheduled"]
    assert document("dispatch")["deliveries"] == []
    assert document("resolve", later["id"], "--drop")["deliveries"][0]["state"] == "cancelled"
    fake.faults = [Fault(cut=True, store=True)]
    lost = document("publish", identity, "--to", "chat", "--override", "a test", code=1)["deliveries"][0]
    assert lost["state"] == "unknown"
    assert document("resolve", lost["id"], "--sent")["deliveries"][0]["state"] == "sent"
    assert len(fake.posted) == 1
    assert document("targets")["targets"][0] == {"name": "chat", "kind": "discord", "disabled": None}


def test_what_has_no_id_there_is_refused_and_nothing_is_sent(fake: FakeDiscord) -> None:
    identity = _draft("It stops")
    fake.faults = [Fault(cut=True, store=True)]
    lost = document("publish", identity, "--to", "chat", "--override", "a test", code=1)["deliveries"][0]
    told = document("resolve", lost["id"], "--sent")["deliveries"][0]
    assert "no id came back" in told["error"]
    asked = len(fake.requests)
    edit = ("publish", identity, "--to", "chat", "--edit", lost["id"], "--override", "a test")
    for given in (edit, (*edit, "--dry-run"), ("unpublish", lost["id"])):
        refused = qd("content", *given)
        assert (refused.returncode, "at the target is not known" in refused.stderr) == (2, True)
    assert len(fake.requests) == asked
    both = qd("content", "publish", identity, "--to", "chat", "--to", "site", "--edit", lost["id"])
    assert both.returncode == 2
    assert [each["state"] for each in document("deliveries")["deliveries"]] == ["sent"]
    nothing = qd("content", "unpublish", "nope")
    assert "there is no delivery 'nope'" in nothing.stderr


def test_readers_that_were_refused_are_told(here: Path) -> None:
    with mail() as server:
        server.answers["rcpt TO:<b@example.org>"] = "550 nobody"
        config = here / "config.toml"
        readers = 'to = ["a@example.org", "b@example.org"]\nsender = "me@example.org"\n'
        post = f'[[content.targets]]\nname = "post"\nkind = "email"\nhost = "127.0.0.1"\nport = {server.port}\n'
        config.write_text(f'{config.read_text()}{post}tls = "none"\n{readers}')
        told = qd("content", "publish", _draft("It stops"), "--to", "post", "--override", "a test")
        assert told.returncode == 0, told.stderr
        assert "b@example.org: 550 nobody" in told.stdout
    (listed,) = document("deliveries")["deliveries"]
    assert (listed["state"], listed["error"]) == ("sent", "not taken for some readers: b@example.org: 550 nobody")
    assert "b@example.org: 550 nobody" in qd("content", "deliveries").stdout


def test_a_secret_stops_it_and_all_targets_with_it(here: Path, fake: FakeDiscord) -> None:
    identity = _draft("Use ghp_" + "a1B2" * 9)
    done = document("publish", identity, "--to", "chat", "--to", "site", code=1)
    assert done["deliveries"] == []
    assert "secret" in {problem["kind"] for problem in done["previews"][0]["problems"]}
    assert fake.requests == []


def test_a_summary_of_git_goes_to_a_target(here: Path, fake: FakeDiscord) -> None:
    folder = here / "repo"
    git = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    for subject in ("One — first", "Two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
    done = qd("git", "broadcast", "main~1..main", "--to", "chat", "--path", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["deliveries"] == [{"target": "chat", "state": "sent", "error": None}]
    assert len(fake.texts) == 1
    assert "Two" in fake.texts[0]
