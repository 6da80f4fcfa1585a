"""A secret that the environment does not have: what needs it says so, everything else goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.config.secrets import revealed
from app.content.ai.profiles import choose
from app.content.publishing.configured import open_target, publisher, targets
from app.errors import UserError
from app.feedback.retrain.consumers import hand_over
from app.settings import SettingsError, load, retrain_pipelines
from app.storage import Storage

CONFIG = """
[feedback.receiver]
secret = "env:RECEIVER"

[feedback.discord]
token = "env:BOT"
channels = ["1009876543210987654"]

[[feedback.retrain]]
name = "support"
webhook = "http://127.0.0.1:9/train"
secret = "env:HOOK_SECRET"

[[content.ai.profiles]]
name = "house"
kind = "openai"
model = "m"
key = "env:AI_KEY"

[[content.targets]]
name = "chat"
kind = "discord"
url = "env:CHAT_HOOK"

[[content.targets]]
name = "site"
kind = "files"
folder = "out"
"""
NAMES = ("RECEIVER", "BOT", "HOOK_SECRET", "AI_KEY", "CHAT_HOOK")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that refers to secrets which are nowhere."""
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_what_needs_no_secret_runs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "stats", "--config", str(config)]) == 0
    assert main(["retrain", "status", "--config", str(config)]) == 0
    assert main(["feedback", "list", "--config", str(config)]) == 0
    assert capsys.readouterr().err == ""


def test_what_needs_one_says_which(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, name in (("serve", "RECEIVER"), ("poll", "BOT")):
        assert main(["feedback", command, "--config", str(config)]) == 2
        assert f"env:{name}: the environment has no {name}" in capsys.readouterr().err


def test_check_names_all_of_them(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--json", "--config", str(config)]) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [problem["where"] for problem in problems] == [f"config.toml:{line}" for line in (3, 6, 12, 18, 23)]
    assert all(name in problem["text"] for name, problem in zip(NAMES, problems, strict=True))
    assert main(["config", "show", "--config", str(config)]) == 0
    assert 'feedback.discord.token = "env:BOT"' in capsys.readouterr().out


def test_a_known_secret_is_as_before(config: Path) -> None:
    environ = dict.fromkeys(NAMES, "0123456789abcdef") | {"CHAT_HOOK": "https://discord.com/api/webhooks/1/abc"}
    loaded = load(config, environ)
    assert loaded.unset == ()
    assert set(environ.values()) <= set(loaded.secrets())
    assert revealed(loaded.settings.feedback.receiver.secret.get_secret_value()) == "0123456789abcdef"


def test_the_database_cannot_be_done_without(config: Path) -> None:
    config.write_text('[database]\nurl = "env:NOWHERE"\n')
    with pytest.raises(SettingsError, match=r"database\.url: the environment has no NOWHERE"):
        load(config, {})


async def test_what_is_due_waits_for_a_process_that_knows_the_secret(config: Path) -> None:
    loaded = load(config, {})
    chat, site = targets(loaded)
    with pytest.raises(UserError, match="the environment has no CHAT_HOOK"):
        open_target(chat)
    with pytest.raises(UserError, match="the environment has no AI_KEY"):
        choose(loaded.settings.content.ai)
    async with Storage.opened(loaded.settings) as storage:
        found = publisher(loaded, storage.db, storage.spool)
        assert list(found.targets) == ["chat", "site"]
        assert list(found.dispatcher._targets) == ["site"]
    await open_target(site).close()


async def test_a_webhook_is_not_sent_without_its_signature(config: Path, tmp_path: Path) -> None:
    (pipeline,) = retrain_pipelines(load(config, {}).settings, tmp_path)
    nothing: Any = None
    outcome = await hand_over(pipeline, nothing, nothing, tmp_path / "log")
    assert (outcome.taken, outcome.final) == (False, False)
    assert "the environment has no HOOK_SECRET" in outcome.detail
