"""Branches as git lists them."""

from __future__ import annotations

import pytest

from app.git.cli import Git, GitError
from app.git.refs import Refs, read_refs
from tests.git.repos import ZERO, Place, Repo

HOSTILE = (
    "refs/heads/-x",
    "refs/heads/--force",
    "refs/heads/it's",
    'refs/heads/say"so"',
    "refs/heads/$(touch${IFS}canary)",
    "refs/heads/;reboot",
    "refs/heads/bold]x",
    "refs/heads/🦀/naïve",
    "refs/heads/caf\udce9",
    "refs/heads/\u202egnp",
    "refs/heads/HEAD",
    "refs/heads/origin/main",
    "refs/heads/main#x",
)


async def test_everything_of_a_branch(repo: Repo) -> None:
    repo.topic("feat/a", "one", "two", push=True)
    refs = await read_refs(Git(repo.path))
    assert set(refs.all) == {*repo.refs("refs/heads", "refs/remotes"), "refs/remotes/origin/HEAD"}
    assert refs.symbolic == {"refs/remotes/origin/HEAD": "refs/remotes/origin/main"}
    ref = refs.all["refs/heads/feat/a"]
    assert ref.oid == repo.oid("feat/a")
    assert ref.parents == (repo.oid("feat/a~1"),)
    assert (ref.upstream, ref.push) == ("refs/remotes/origin/feat/a", "refs/remotes/origin/feat/a")
    assert (ref.author, ref.subject, str(ref.time)) == (
        "Ada Tester",
        "two",
        repo.git("log", "-1", "--format=%ct", "feat/a"),
    )
    assert [ref.name for ref in refs.under("refs/heads/") if ref.is_head] == ["refs/heads/main"]
    assert refs.all["refs/heads/main"].worktree == str(repo.path)


async def test_hostile_names_come_back_as_they_are(repo: Repo) -> None:
    for name in HOSTILE:
        repo.raw_ref(name, repo.oid())
    refs = await read_refs(Git(repo.path))
    assert {ref.name for ref in refs.under("refs/heads/")} == {*HOSTILE, "refs/heads/main"}
    assert {ref.oid for ref in refs.under("refs/heads/")} == {repo.oid()}
    assert not (repo.path / "canary").exists()


async def test_hostile_authors_and_subjects(repo: Repo) -> None:
    subject = "\x1b]0;title\x07\x1b[31mred [bold]x[/] %(objectname)"
    repo.commit(f"{subject}\n\nbody", author="Eve\x1b[2J <eve@example.test>")
    refs = await read_refs(Git(repo.path))
    assert refs.all["refs/heads/main"].subject == subject
    assert "\x1b[2J" in refs.all["refs/heads/main"].author


async def test_worktree_with_a_line_end_in_its_path(repo: Repo) -> None:
    other = repo.worktree("side", name="two\nlines", at="main")
    repo.branch("zz")
    refs = await read_refs(Git(repo.path))
    assert refs.all["refs/heads/side"].worktree == str(other.path)
    assert refs.all["refs/heads/zz"].oid == repo.oid()


async def test_a_tag_of_the_same_name_is_not_the_branch(repo: Repo) -> None:
    first = repo.oid()
    repo.topic("v1", "work")
    repo.git("tag", "v1", first)
    refs = await read_refs(Git(repo.path))
    assert refs.all["refs/heads/v1"].oid == repo.oid("refs/heads/v1") != first
    assert not [name for name in refs.all if name.startswith("refs/tags/")]


async def test_no_commit_yet(place: Place) -> None:
    assert await read_refs(Git(place.init().path)) == Refs({})


async def test_replacements_are_seen(repo: Repo) -> None:
    assert not (await read_refs(Git(repo.path))).replaced
    repo.commits("a", "b")
    repo.git("replace", "--graft", "HEAD", "HEAD~2")
    assert (await read_refs(Git(repo.path))).replaced


async def test_one_damaged_branch_does_not_hide_the_others(repo: Repo) -> None:
    lost = repo.topic("lost", "gone soon")
    repo.topic("fine", "kept")
    (repo.common_dir / "objects" / lost[:2] / lost[2:]).unlink()
    (repo.common_dir / "refs" / "heads" / "garbage").write_text("not an id\n")
    refs = await read_refs(Git(repo.path))
    assert {ref.name for ref in refs.under("refs/heads/")} == {"refs/heads/main", "refs/heads/fine"}
    assert dict(refs.broken)["refs/heads/lost"] == f"the object {lost} is missing or damaged"


async def test_a_ref_that_holds_nothing_is_told(repo: Repo) -> None:
    (repo.common_dir / "refs" / "heads" / "zero").write_text(f"{ZERO}\n")
    refs = await read_refs(Git(repo.path))
    assert [name for name, _ in refs.broken] == ["refs/heads/zero"]
    assert "refs/heads/main" in refs.all


async def test_no_repository(place: Place) -> None:
    folder = place.home
    with pytest.raises(GitError) as failed:
        await read_refs(Git(folder))
    assert failed.value.kind == "not_a_repository"
