"""`[[content.targets]]`: what each kind needs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content.publishing.configured import targets
from app.settings import SettingsError, load

MAIL = 'kind = "email"\nhost = "smtp.example.org"\nsender = "a@example.org"\n'
HOOK = 'kind = "discord"\nurl = "https://discord.com/api/webhooks/1/abc"\n'


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (f'name = "m"\n{MAIL}', "a target of the kind email needs it"),
        (f'name = "m"\n{MAIL}to = ["nobody"]', "expected addresses such as anna@example.org"),
        (f'name = "m"\n{MAIL}to = ["b@example.org"]\ntls = "none"', "only a server of this machine"),
        ('name = "d"\nkind = "discord"', "a target of the kind discord needs it"),
        ('name = "d"\nkind = "discord"\nurl = "https://example.org/abc"', "expected the address of a webhook"),
        (f'name = "d"\n{HOOK}mentions = ["all"]', '"users", "roles" and "everyone"'),
        (f'name = "d"\n{HOOK}username = "Discordia"', "which Discord refuses"),
        ('name = "file"\nkind = "files"\nfolder = "x"', "is a kind of target of `qd git broadcast`"),
        ('name = "n"\nkind = "notion"\ntoken = "t"\nparent = "p"\napi = "http://example.org"', "begins with https://"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, given: str, told: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[[content.targets]]\n{given}\n")
    with pytest.raises(SettingsError) as error:
        load(path, {})
    assert told in str(error.value)
    assert "abc" not in str(error.value)


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    site = '[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "out"\n'
    path.write_text(f'[[content.targets]]\nname = "d"\nkind = "discord"\nurl = "env:HOOK"\n{site}')
    loaded = load(path, {"HOOK": "https://discord.com/api/webhooks/1/very-secret?thread_id=5"})
    chat, folder = targets(loaded)
    assert chat.options["url"].endswith("very-secret?thread_id=5")
    assert "very-secret" not in repr(chat) + repr(loaded.settings)
    assert folder.options["folder"] == str(tmp_path / "out")
    assert chat.queue != folder.queue
