"""What git is configured to do."""

from __future__ import annotations

import pytest

from app.git.cli import Git
from app.git.configuration import read_configuration, without_credentials
from tests.git.repos import Place, Repo


async def test_branches_and_remotes(repo: Repo) -> None:
    repo.git("config", "branch.feat/a.b.remote", "up.stream")
    repo.git("config", "branch.feat/a.b.merge", "refs/heads/x=y")
    repo.git("config", "branch.feat/a.b.pushRemote", "fork")
    repo.git("remote", "add", "up.stream", "https://ada:secret@example.test/x.git")
    repo.git("config", "--add", "remote.up.stream.pushurl", "one")
    repo.git("config", "--add", "remote.up.stream.pushurl", "two")
    configuration = await read_configuration(Git(repo.path))
    branch = configuration.branch("feat/a.b")
    assert (branch.remote, branch.merge, branch.push_remote) == ("up.stream", "refs/heads/x=y", "fork")
    assert configuration.remotes == ("origin", "up.stream")
    remote = configuration.remote("up.stream")
    assert remote.urls == ("https://ada:secret@example.test/x.git",)
    assert remote.push_urls == ("one", "two")
    assert remote.fetch == ("+refs/heads/*:refs/remotes/up.stream/*",)


async def test_values_of_any_form(repo: Repo) -> None:
    repo.git("config", "odd.lines", "one\ntwo = three")
    with (repo.git_dir / "config").open("a") as file:
        file.write("[odd]\n\talone\n\tempty =\n")
    configuration = await read_configuration(Git(repo.path))
    assert configuration.get("odd.lines") == "one\ntwo = three"
    assert configuration.flag("odd.alone")
    assert not configuration.flag("odd.empty", default=True)
    assert configuration.get("odd.missing", "default") == "default"


async def test_addresses_are_rewritten_as_git_does(place: Place, repo: Repo) -> None:
    place.set_global(
        '[url "https://example.test/"]\n\tinsteadOf = ex:\n[url "ssh://git@example.test/"]\n\tpushInsteadOf = ex:\n'
    )
    repo.git("remote", "set-url", "origin", "ex:team/x.git")
    remote = (await read_configuration(Git(repo.path))).remote("origin")
    assert remote.urls == (repo.git("remote", "get-url", "origin"),) == ("https://example.test/team/x.git",)
    assert remote.push_urls == (repo.git("remote", "get-url", "--push", "origin"),)


async def test_programs_of_the_repository_are_kept_from_running(place: Place, repo: Repo) -> None:
    place.set_global('[filter "lfs"]\n\tclean = git-lfs clean\n\trequired = true\n')
    repo.git("config", "filter.evil.clean", "touch canary")
    repo.git("config", "filter.evil.required", "true")
    repo.git("config", "merge.evil.driver", "touch canary")
    harmless = (await read_configuration(Git(repo.path))).harmless
    assert harmless["filter.evil.clean"] == ""
    assert harmless["filter.evil.required"] == "false"
    assert harmless["merge.evil.driver"] == "exit 1"
    assert "filter.lfs.clean" not in harmless


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:secret@example.test/x.git", "https://example.test/x.git"),
        ("https://ghp_abcdefghijklmnop@example.test/x.git", "https://example.test/x.git"),
        ("https://a:b:c@example.test/x.git", "https://example.test/x.git"),
        ("HTTPS://ada:se%40cret@example.test/x.git", "HTTPS://example.test/x.git"),
        ("ssh://git:secret@example.test:22/x.git", "ssh://git@example.test:22/x.git"),
        ("ssh://git@example.test:22/x.git", "ssh://git@example.test:22/x.git"),
        ("git@example.test:team/x.git", "git@example.test:team/x.git"),
        ("/srv/git/a@b:c.git", "/srv/git/a@b:c.git"),
        ("file:///srv/x.git", "file:///srv/x.git"),
        ("https://example.test/x.git?private_token=abcdefgh", "https://example.test/x.git?private_token=********"),
    ],
)
def test_credentials_are_left_out(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
