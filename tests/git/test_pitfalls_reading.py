"""Situations in which tools commonly misread a repository, each made for real."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from app.git.cachefile import CacheFile
from app.git.model import Changes, Head, Rules
from app.git.refs import HEADS
from tests.git.looking import branch, kinds, read, reader_of
from tests.git.repos import Place, Repo

NAMES = (
    "-x",
    "--force",
    "it's",
    'say"so"',
    "$(touch${IFS}canary)",
    ";reboot",
    "bold]x",
    "🦀/naïve",
    "caf\udce9",
    "\u202egnp",
    "HEAD",
    "origin/main",
    "main#x",
)


# Shapes of repositories


async def test_detached_head(repo: Repo) -> None:
    repo.commit("two")
    repo.git("switch", "-q", "--detach", "HEAD~1")
    state = await read(repo)
    assert state.head == Head(None, repo.oid(), detached=True)
    assert not any(one.is_head or one.held_by for one in state.branches)


async def test_no_commit_yet(place: Place) -> None:
    state = await read(place.init())
    assert (state.head, state.branches, state.error) == (Head("main", "", unborn=True), (), "")
    assert state.counted


async def test_unborn_branch_beside_others(repo: Repo) -> None:
    repo.git("switch", "-q", "--orphan", "pages")
    state = await read(repo)
    assert state.head == Head("pages", "", unborn=True)
    assert [one.name for one in state.branches] == ["main"]


async def test_bare_repository(repo: Repo) -> None:
    repo.topic("feat", "one", push=True)
    state = await read(repo.origin)
    assert (state.bare, state.default_branch, state.changes, state.head.branch) == (True, "main", None, "main")
    assert branch(state, "feat").ahead_default == 1


async def test_no_remote(place: Place) -> None:
    repo = place.init(branch="trunk")
    repo.commit("one")
    state = await read(repo)
    assert (state.remotes, state.default_branch, state.problems) == ((), "trunk", ())


async def test_remote_that_is_not_called_origin(place: Place) -> None:
    repo = place.repo(remote="company/git.hub")
    repo.topic("feat/a", "one")
    repo.push("feat/a", remote="company/git.hub", upstream=False)
    state = await read(repo)
    assert (state.default_branch, branch(state, "main").upstream) == ("main", "company/git.hub/main")
    assert [(one.remote, one.name) for one in state.remote_only] == [("company/git.hub", "feat/a")]


async def test_submodule(repo: Repo, place: Place) -> None:
    inner = place.repo("inner")
    repo.git("submodule", "add", "-q", str(inner.origin.path), "part")
    repo.commit("with a part", {})
    reader = reader_of(repo.path / "part")
    state = await read(reader)
    assert (state.head.branch, state.changes) == ("main", Changes())
    assert reader.layout is not None
    assert reader.layout.git_dir == repo.git_dir / "modules" / "part"
    assert (await read(repo)).changes == Changes()


async def test_several_worktrees_of_one_repository(repo: Repo) -> None:
    other = repo.worktree("side", at="main")
    other.write({"new": "x"})
    here, there = await read(repo), await read(other)
    assert (here.head.branch, there.head.branch) == ("main", "side")
    assert (branch(here, "side").held_by, branch(here, "side").held_where) == ("worktree", str(other.path))
    assert (branch(there, "side").held_by, branch(there, "main").held_by) == ("head", "worktree")
    assert (here.changes, there.changes) == (Changes(), Changes(untracked=1))


async def test_worktree_whose_folder_was_deleted(repo: Repo) -> None:
    other = repo.worktree("side", at="main")
    shutil.rmtree(other.path)
    assert branch(await read(repo), "side").held_by == "worktree"


# Something in progress


STARTS: dict[str, tuple[Callable[[Repo], object], str]] = {
    "rebase": (lambda repo: (repo.git("switch", "-q", "other"), repo.attempt("rebase", "main")), "rebase"),
    "rebase --apply": (
        lambda repo: (repo.git("switch", "-q", "other"), repo.attempt("rebase", "--apply", "main")),
        "rebase",
    ),
    "merge": (lambda repo: repo.attempt("merge", "other"), "merge"),
    "cherry-pick": (lambda repo: repo.attempt("cherry-pick", "other~1"), "cherry-pick"),
    "revert": (lambda repo: repo.attempt("revert", "HEAD~1"), "revert"),
    "am": (
        lambda repo: repo.run("am", input=repo.run("format-patch", "--stdout", "-1", "other~1").stdout, check=False),
        "am",
    ),
    "bisect": (
        lambda repo: (repo.git("switch", "-q", "other"), repo.git("bisect", "start", "HEAD", "HEAD~2")),
        "bisect",
    ),
}


@pytest.mark.parametrize("start", STARTS)
async def test_operation_in_progress(repo: Repo, start: str) -> None:
    repo.conflict("other")
    repo.switch("other")
    repo.commit("more")
    repo.switch("main")
    begin, operation = STARTS[start]
    begin(repo)
    state = await read(repo)
    assert state.operation == operation
    if operation in ("rebase", "bisect"):
        assert repo.git("for-each-ref", "--format=%(worktreepath)", "refs/heads/other") == ""
        assert (branch(state, "other").held_by, branch(state, "other").held_where) == (operation, str(repo.path))
    else:
        assert branch(state, "main").held_by == "head"


async def test_rebase_in_another_worktree_holds_its_branch(repo: Repo) -> None:
    repo.conflict("other")
    side = repo.worktree("other", name="side")
    assert side.attempt("rebase", "main")
    state = await read(repo)
    assert state.operation is None
    assert (branch(state, "other").held_by, branch(state, "other").held_where) == ("rebase", str(side.path))


async def test_branches_that_a_rebase_will_move_at_its_end(repo: Repo) -> None:
    repo.conflict("below")
    repo.switch("below")
    repo.branch("middle")
    repo.commit("top")
    repo.branch("above")
    repo.switch("above")
    assert repo.attempt("rebase", "--update-refs", "main")
    state = await read(repo)
    held = {one.name for one in state.branches if one.held_by == "rebase"}
    assert held == {"above", "below", "middle"}


# Names


async def test_names_that_look_like_something_else(repo: Repo) -> None:
    for number, name in enumerate(NAMES):
        tip = repo.plumb(f"on {number}", [repo.oid()], repo.oid("HEAD^{tree}"))
        repo.raw_ref(HEADS + name, tip)
    state = await read(repo)
    assert {one.name for one in state.branches} == {*NAMES, "main"}
    assert {(one.ahead_default, one.behind_default) for one in state.branches if one.name != "main"} == {(1, 0)}
    reader = reader_of(repo)
    for number, name in enumerate(NAMES):
        (commit, *_) = await reader.commits(HEADS + name, limit=1)
        assert commit.subject == f"on {number}"
    assert not (repo.path / "canary").exists()


async def test_tag_of_the_same_name(repo: Repo) -> None:
    first = repo.oid()
    tip = repo.topic("v1", "one")
    repo.git("tag", "v1", first)
    repo.git("tag", "main", tip)
    state = await read(repo)
    assert (branch(state, "v1").oid, branch(state, "v1").ahead_default) == (tip, 1)
    assert (await reader_of(repo).commits("refs/heads/v1", limit=1))[0].oid == tip


async def test_branches_that_differ_in_case_only(repo: Repo) -> None:
    for name in ("feat/Foo", "feat/foo", "Feat/bar", "caf\u00e9", "cafe\u0301"):
        repo.branch(name)
        repo.push(name)
    found = kinds(await read(repo))
    collisions = {ref for ref, kind in found.items() if kind == "case_collision"}
    assert {"refs/heads/feat/foo", "refs/remotes/origin/feat/foo"} <= collisions
    assert any(ref.removeprefix("refs/heads/") in ("caf\u00e9", "cafe\u0301") for ref in collisions)


async def test_names_against_the_rule(repo: Repo) -> None:
    for name in ("feat/ABC-1-x", "stuff", "dependabot/x"):
        repo.branch(name)
    rules = Rules(pattern=r"(?P<kind>feat|fix)/(?P<ticket>[A-Z]+-\d+)-(?P<words>.+)", exempt=("dependabot/*",))
    state = await read(repo, rules=rules)
    assert {one.name for one in state.branches if one.misnamed} == {"stuff"}
    assert kinds(state)["refs/heads/stuff"] == "misnamed"


async def test_paths_of_any_bytes_in_the_working_tree(repo: Repo) -> None:
    names = [
        b'quote"d',
        b"two\nlines",
        b"tab\tx",
        "na\u00efve".encode(),
        b"\xff\xfe",
        b"-rf",
        b"\x1b[31mred",
        b"1 .M x",
    ]
    for name in names:
        with open(repo.path.as_posix().encode() + b"/" + name, "wb") as file:  # noqa: PTH123, ASYNC230 -- bytes
            file.write(b"x")
    assert (await read(repo)).changes == Changes(untracked=len(names))
    repo.git("add", "-A")
    assert (await read(repo)).changes == Changes(staged=len(names))


async def test_renamed_files_count_once(repo: Repo) -> None:
    repo.commit("two", {"? a": "one\n" * 20})
    repo.git("mv", "? a", "b")
    repo.write({"b": "one\n" * 20 + "x"})
    assert (await read(repo)).changes == Changes(changed=1, staged=1)


async def test_conflicts_and_stashes(repo: Repo) -> None:
    repo.conflict()
    for number in range(2):
        repo.write({"README.md": f"{number}"})
        repo.stash()
    repo.attempt("merge", "other")
    assert (await read(repo)).changes == Changes(conflicts=1, stashes=2)


# Damage, and what comes and goes


async def test_grafts_and_replacements_are_never_a_reason_to_delete(repo: Repo) -> None:
    repo.topic("feat", "one")
    repo.merge("feat")
    first, second = repo.commits("a", "b")
    repo.push("main")
    (repo.git_dir / "info" / "grafts").write_text(f"{second} {repo.oid('HEAD~3')}\n")
    state = await read(repo)
    counted = repo.git("rev-list", "--left-right", "--count", "feat...main").split()
    found = branch(state, "feat")
    assert [found.ahead_default, found.behind_default] == [int(number) for number in counted]
    assert (found.lower_bound, found.landed) == (True, None)
    (repo.git_dir / "info" / "grafts").unlink()
    reader = reader_of(repo)
    assert branch(await read(reader), "feat").landed == "merged"
    repo.git("replace", "--graft", first)
    found = branch(await read(reader), "feat")
    counted = repo.git("rev-list", "--left-right", "--count", "feat...main").split()
    assert [found.ahead_default, found.behind_default] == [int(number) for number in counted]
    assert (found.lower_bound, found.landed) == (True, None)
    repo.git("replace", "-d", first)
    found = branch(await read(reader), "feat")
    assert (found.lower_bound, found.landed, found.ahead_default) == (False, "merged", 0)


async def test_damaged_branch_is_told_and_the_others_are_there(repo: Repo) -> None:
    lost = repo.topic("lost", "one")
    repo.topic("fine", "two")
    (repo.common_dir / "objects" / lost[:2] / lost[2:]).unlink()
    state = await read(repo)
    assert {one.name for one in state.branches} == {"main", "fine"}
    assert branch(state, "fine").ahead_default == 1
    assert kinds(state)["refs/heads/lost"] == "unreadable"


async def test_history_with_a_hole_is_told(repo: Repo) -> None:
    hole = repo.commit("one")
    repo.commit("two")
    repo.topic("feat", "three")
    (repo.common_dir / "objects" / hole[:2] / hole[2:]).unlink()
    state = await read(repo)
    assert branch(state, "feat").ahead_default is None
    assert not state.counted
    assert any("history cannot be read" in problem.detail for problem in state.problems)


async def test_folder_that_vanishes_and_comes_back(repo: Repo) -> None:
    reader = reader_of(repo)
    before = await read(reader)
    away = repo.path.with_name("away")
    repo.path.rename(away)
    gone = await read(reader, before)
    assert (gone.error, gone.branches) == ("there is no such folder", ())
    assert await reader.read_worktree(gone) is gone
    repo.path.mkdir()
    assert "not a git repository" in (await read(reader, gone)).error
    repo.path.rmdir()
    away.rename(repo.path)
    back = await read(reader, gone)
    assert (back.error, back.branches) == ("", before.branches)


async def test_another_repository_in_the_same_place(repo: Repo, place: Place) -> None:
    reader = reader_of(repo, cache=CacheFile(repo.path.parent / "cache.db"))
    repo.topic("feat", "one")
    await read(reader)
    shutil.rmtree(repo.path)
    other = place.init("work", "--object-format=sha256")
    other.commits("a", "b", "c")
    other.topic("feat", "d")
    found = branch(await read(reader), "feat")
    assert (len(found.oid), found.ahead_default, found.behind_default) == (64, 1, 0)


async def test_old_lock_is_told_and_left_alone(repo: Repo) -> None:
    import os

    lock = repo.git_dir / "index.lock"
    lock.touch()
    assert (await read(repo)).problems == ()
    os.utime(lock, (1, 1))
    (problem,) = (await read(repo)).problems
    assert (problem.kind, problem.ref) == ("lock", str(lock))
    assert lock.exists()
