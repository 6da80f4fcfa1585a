"""Summaries: what is in them, that no foreign text can do anything in them, and that nothing goes out unasked."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import UserError
from app.git import broadcast, news
from app.git.broadcast import FileTarget, StdoutTarget, md, render, send, target
from app.git.cli import Git
from app.git.news import News, latest, of_push, of_tag
from app.git.weblinks import links
from tests.git.repos import Repo

ROOT = Path(__file__).parents[2]
HOME = "https://github.com/ada/engine"


# Links


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("https://github.com/ada/engine.git", HOME),
        ("https://github.com/ada/engine", HOME),
        ("https://ada:hunter2@github.com/ada/engine.git/", HOME),
        ("https://ghp_0123456789abcdef@github.com/ada/engine.git", HOME),
        ("git@github.com:ada/engine.git", HOME),
        ("github.com:ada/engine", HOME),
        ("ssh://git@github.com:2222/ada/engine.git", HOME),
        ("git+ssh://git@github.com/ada/engine", HOME),
        ("git://github.com/ada/engine.git", HOME),
        ("HTTPS://GitHub.com/ada/engine.git", HOME),
        ("https://gitlab.example.test:8443/group/sub/x.git", "https://gitlab.example.test:8443/group/sub/x"),
        ("http://gitea.local:3000/a/b.git", "http://gitea.local:3000/a/b"),
        ("git@git.sr.ht:~ada/engine", "https://git.sr.ht/~ada/engine"),
        ("git@bitbucket.org:ada/engine.git", "https://bitbucket.org/ada/engine"),
        ("https://codeberg.org/ada/en gine.git", None),
        ("/home/ada/github.com/x.git", None),
        ("../github/x.git", None),
        ("file:///srv/github/x.git", None),
        ("https://example.test/a/b.git", None),
        ("https://github.com/", None),
        ("https://github.com/ada/../../evil", None),
        ("https://[bad/x/y", None),
        ("ext::sh -c touch% x github", None),
        ("git@github.com:ada/x\x1b[31m", None),
        ("javascript://github.com/a/b", None),
        ("", None),
    ],
)
def test_the_page_of_a_remote(url: str, home: str | None) -> None:
    found = links(url)
    assert (found.home if found else None) == home


def test_the_pages_of_each_host() -> None:
    oid, other = "a" * 40, "b" * 40
    pages = {}
    for name in ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht"):
        found = links(f"https://{name}/a/b")
        assert found is not None
        pages[name] = (found.commit(oid), found.compare(oid, other), found.branch("x/é#"), found.tag("v1"))
    assert pages["github.com"][0] == f"https://github.com/a/b/commit/{oid}"
    assert pages["github.com"][1] == f"https://github.com/a/b/compare/{oid}...{other}"
    assert pages["github.com"][2] == "https://github.com/a/b/tree/x/%C3%A9%23"
    assert pages["gitlab.com"][0] == f"https://gitlab.com/a/b/-/commit/{oid}"
    assert pages["bitbucket.org"][1] == f"https://bitbucket.org/a/b/branches/compare/{other}%0D{oid}"
    assert pages["codeberg.org"][3] == "https://codeberg.org/a/b/releases/tag/v1"
    assert pages["git.sr.ht"][3] == "https://git.sr.ht/a/b/refs/v1"


# What is told


@pytest.fixture
def told(repo: Repo) -> Repo:
    """A repository whose remote has an address on a host, and commits of several kinds."""
    repo.commit("feat(api)!: new order book", {"a": "1"})
    repo.commit("fix: rounding of prices", {"a": "2"}, author="Grace <grace@example.test>")
    repo.commit("Feature: second way\n\nBREAKING CHANGE: the first is gone", {"a": "3"})
    repo.commit("just words", {"a": "4"})
    repo.commit("docs: a: b\n\nCo-authored-by: Alan <alan@example.test>", {"a": "5"})
    repo.commit("unknown: kind", {"a": "6"})
    repo.git("config", "remote.origin.url", "https://ada:hunter2@github.com/ada/engine.git")
    return repo


def groups(found: News) -> dict[str, list[str]]:
    return {group.title: [line.text for line in group.lines] for group in found.groups}


async def test_commits_are_grouped_by_their_kind(told: Repo) -> None:
    found = await of_push(Git(told.path), "engine", "main", told.oid("main~6"), told.oid("main"), default="main")
    assert groups(found) == {
        "Features": ["new order book", "second way"],
        "Fixes": ["rounding of prices"],
        "Documentation": ["a: b"],
        "Other changes": ["just words", "unknown: kind"],
    }
    assert [line.text for line in found.breaking] == ["new order book", "second way"]
    assert found.authors == (("Ada Tester", 5), ("Alan", 1), ("Grace", 1))
    assert (found.event, found.total, found.forced, found.created) == ("push", 6, False, False)
    assert found.url == f"{HOME}/compare/{found.old}...{found.new}"
    text = render(found)
    assert "### engine: 6 commits pushed to main\n" in text
    assert "- **!** **api:** new order book ([`" in text
    assert f"](<{HOME}/commit/" in text
    assert "By Ada Tester (5), Alan (1), Grace (1)." in text
    assert "hunter2" not in text
    assert "\n\n\n" not in text
    assert text.endswith(">\n")


async def test_a_new_branch_tells_what_it_adds_to_the_default_branch(repo: Repo) -> None:
    repo.topic("feature/x", "feat: one", "feat: two", push=True)
    found = await of_push(Git(repo.path), "x", "feature/x", "", repo.oid("feature/x"), default="main")
    assert groups(found) == {"Features": ["one", "two"]}
    assert "2 commits on the new branch feature/x" in render(found)
    # Without a default branch that is known, all of it is new.
    assert (await of_push(Git(repo.path), "x", "feature/x", "", repo.oid("feature/x"))).total == 3


async def test_a_branch_that_was_overwritten_says_so(repo: Repo) -> None:
    old = repo.commit("feat: before")
    repo.git("commit", "-q", "--amend", "-m", "feat: after", env=repo.place.tick())
    found = await of_push(Git(repo.path), "x", "main", old, repo.oid())
    assert found.forced
    assert "The branch was overwritten" in render(found)


async def test_what_the_server_had_and_we_never_saw_counts_as_overwritten(repo: Repo) -> None:
    found = Git(repo.path)
    with pytest.raises(UserError):
        await of_push(found, "x", "main", "1" * 40, repo.oid())


async def test_a_merge_names_what_was_merged(repo: Repo) -> None:
    old = repo.oid()
    repo.topic("feature/x", "feat: one")
    repo.merge("feature/x")
    repo.topic("other", "fix: two")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #12 from grace/other", "other", env=repo.place.tick())
    found = await of_push(Git(repo.path), "x", "main", old, repo.oid(), default="main")
    assert found.event == "merge"
    assert set(found.merged) == {"feature/x", "#12 (grace/other)"}
    assert groups(found) == {"Features": ["one"], "Fixes": ["two"]}
    assert "into main" in render(found).split("\n")[0]
    # The same commits on another branch are a push, as they are merged into nothing that counts.
    assert (await of_push(Git(repo.path), "x", "topic", old, repo.oid(), default="main")).event == "push"


async def test_a_tag_tells_what_came_since_the_one_before(told: Repo) -> None:
    told.git("tag", "v1", "main~5")
    told.git("tag", "-a", "v2", "-m", "Second\n\nWith *words* and @everyone", "main~2")
    found = await of_tag(Git(told.path), "engine", "v2")
    assert (found.event, found.old, found.total) == ("tag", told.oid("main~5"), 3)
    assert found.url == f"{HOME}/releases/tag/v2"
    text = render(found)
    assert text.startswith(
        "## engine v2\n\n3 commits since the tag before\n\n> Second\n>\n> With \\*words\\* and @\u200beveryone\n"
    )
    first = await of_tag(Git(told.path), "engine", "v1")
    assert (first.old, first.total, first.message) == ("", 2, "")


async def test_many_commits_are_told_in_part(repo: Repo) -> None:
    old, tree = repo.oid(), repo.oid("HEAD^{tree}")
    tip = old
    for number in range(news.MOST + 5):
        tip = repo.plumb(f"feat: n{number}", [tip], tree)
    found = await of_push(Git(repo.path), "x", "main", old, tip)
    assert (found.total, found.left_out) == (news.MOST + 5, 5)
    assert "- and 5 more\n" in render(found)


async def test_by_hand(repo: Repo) -> None:
    git = Git(repo.path)
    assert (await latest(git, "x")).total == 1
    repo.commit("feat: waiting")
    waiting = await latest(git, "x")
    assert groups(waiting) == {"Features": ["waiting"]}
    assert render(waiting).startswith("### x: 1 commit on main, not pushed yet\n")
    assert render(await latest(git, "x", "main~1..main")).startswith(
        "### x: 1 commit in main\\~1..main, not pushed yet\n"
    )
    repo.push("main")
    assert render(await latest(git, "x")).startswith("### x: 1 commit pushed to main\n")
    assert render(await latest(git, "x", "main~1..main")).startswith("### x: 1 commit in main\\~1..main\n")
    repo.commit("fix: pushed later")
    repo.push("main")
    assert groups(await latest(git, "x")) == {"Fixes": ["pushed later"]}
    assert groups(await latest(git, "x", "main~2..main")) == {"Features": ["waiting"], "Fixes": ["pushed later"]}
    repo.git("tag", "main", "main~1")
    assert (await latest(git, "x", "main")).event == "tag"
    assert (await latest(git, "x", "refs/heads/main")).event == "push"
    repo.branch("only-here")
    only_here = await latest(git, "x", "only-here", default="main")
    assert only_here.created
    assert render(only_here).startswith("### x: 0 commits on the new branch only-here, not pushed yet\n")
    for wrong in ("nope", "nope..main", "--all"):
        with pytest.raises(UserError):
            await latest(git, "x", wrong)
    repo.git("checkout", "-q", "--detach")
    with pytest.raises(UserError, match="the commit at hand is no branch"):
        await latest(git, "x")


HOSTILE = (
    "\x1b]0;title\x07 [click](javascript:x) <@123> @everyone `code` {{ 7*7 }} "
    "{% for x in y %} **b** ~~s~~ ||h|| \u202e\x9b"
)


async def test_hostile_text_is_only_text(repo: Repo) -> None:
    old = repo.oid()
    repo.commit(
        f"feat({HOSTILE.replace(')', '')[:30]}): {HOSTILE}", author=f"{HOSTILE.replace('<', '').replace('>', '')} <e@x>"
    )
    repo.git("tag", "-a", "t", "-m", HOSTILE)
    for found in (
        await of_push(Git(repo.path), HOSTILE, "main", old, repo.oid()),
        await of_tag(Git(repo.path), HOSTILE, "t"),
    ):
        text = render(found)
        for bad in ("\x1b", "\x07", "\u202e", "\x9b", " [click]", " <@", "@everyone", "49", "||h||", "~~s~~"):
            assert bad not in text, bad
        assert "{{ 7\\*7 }}" in text


def test_plain_words() -> None:
    assert md("a_b *c* `d` <e> [f](g) @h \n\\") == "a\\_b \\*c\\* \\`d\\` \\<e\\> \\[f\\](g) @\u200bh \\\\x0a\\\\"
    assert len(md("x" * 1000)) == 300
    # What begins a heading or a list at the beginning of a line.
    assert [md(text) for text in ("# a", "- a", "+ a", "1. a", "12) a", "=")] == [
        *("\\# a", "\\- a", "\\+ a", "1\\. a", "12\\) a", "\\=")
    ]


# Templates

NEWS = News("push", "x", "main", "1" * 40, "2" * 40)


def test_templates_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "push.md.j2").write_text("{{ news.repository | md }} has {{ news.total | count_of('commit') }}")
    assert render(NEWS, tmp_path) == "x has 0 commits\n"
    # What is not replaced stays built in.
    assert render(replace(NEWS, event="tag"), tmp_path).startswith("## x main")


@pytest.mark.parametrize(
    "text",
    [
        "{{ news.nope }}",
        "{% if %}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ news.groups.append(1) }}",
        "{{ news.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% include '../../etc/passwd' %}",
        "{{ range(10**9) | list }}",
        "{{ 1 / 0 }}",
    ],
)
def test_templates_can_do_nothing_but_write_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "push.md.j2").write_text(text)
    with pytest.raises(UserError, match="the template"):
        render(NEWS, tmp_path)


def test_a_folder_without_templates_changes_nothing(tmp_path: Path) -> None:
    assert render(NEWS, tmp_path / "nope") == render(NEWS)


@pytest.mark.slow
def test_templates_and_the_hook_travel_in_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "qd-git-hook = app.git.hook:main" in archive.read(entries).decode()
    assert {f"templates/git/{name}.md.j2" for name in ("push", "merge", "tag", "_commits")} <= names


# Targets


async def test_a_file_takes_one_summary_after_the_other(tmp_path: Path) -> None:
    to = [f"file:{tmp_path}/a é.md", "file:b.md"]
    assert [delivery.state for delivery in await send("one\n", to, tmp_path)] == ["sent", "sent"]
    await send("two\n", to[1:], tmp_path)
    assert (tmp_path / "b.md").read_text() == "one\n\ntwo\n"
    assert (tmp_path / "a é.md").read_text() == "one\n"
    assert not stat.S_IMODE((tmp_path / "b.md").stat().st_mode) & 0o111


async def test_one_that_fails_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = await send("text\n", ["file:nope/x.md", "carrier-pigeon:x", "file:", "stdout"], tmp_path)
    assert [delivery.state for delivery in found] == ["failed", "failed", "failed", "sent"]
    assert "cannot be written: No such file or directory" in found[0].error
    assert "there is no target carrier-pigeon:x; name one of: file, stdout" in found[1].error
    assert capsys.readouterr().out == "text\n"


async def test_another_kind_of_target_can_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "_factories", dict(broadcast._factories))
    seen = []

    class Radio:
        def __init__(self, rest: str, base: Path) -> None:
            self.rest = rest

        async def deliver(self, text: str) -> None:
            seen.append((self.rest, text))

    broadcast.register("radio", Radio)
    assert (await send("hello", ["radio:101.5"], tmp_path))[0].state == "sent"
    assert seen == [("101.5", "hello")]
    assert isinstance(target("stdout", tmp_path), StdoutTarget)
    assert target("file:~nobody-here/x", tmp_path) == FileTarget(tmp_path / "~nobody-here/x")
