"""How branches' work came into the default branch, on repositories where the truth is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.git.cachefile import CacheFile
from app.git.cli import Git
from app.git.landed import parse_merges
from tests.git.looking import branch, kinds, read, reader_of
from tests.git.repos import Place, Repo

EACH = 10


def four_kinds(repo: Repo) -> dict[str, str]:
    """Ten branches of each kind, of one to three commits, among other work; what each is."""
    truth = {}
    names = [f"{kind}/{number}" for number in range(EACH) for kind in ("merged", "squashed", "rebased", "open")]
    for number, name in enumerate(names):
        repo.topic(name, *(f"{name} {part}" for part in range(1 + number % 3)))
        if number % 4 == 3:
            repo.commit(f"other work {number}")
    for name in names:
        kind = name.split("/")[0]
        if kind == "merged":
            repo.merge(name)
        elif kind == "squashed":
            repo.squash_merge(name, f"{name} (#1)")
        elif kind == "rebased":
            repo.rebase_merge(name)
        truth[name] = kind
    return truth


@pytest.mark.parametrize("pushed", [True, False])
async def test_every_kind_is_told(repo: Repo, pushed: bool) -> None:
    truth = four_kinds(repo)
    if pushed:
        repo.push("main")
    state = await read(repo)
    assert {one.name: one.landed or "open" for one in state.branches if not one.is_default} == truth
    why = branch(state, "squashed/0").landed_why
    assert why == (
        "every file that it changes is in main as it left it" + ("" if pushed else "; main is not pushed yet")
    )
    assert "in main as copies" in branch(state, "rebased/0").landed_why
    assert branch(state, "merged/0").landed_why.startswith("every commit of it is in main")


async def test_every_kind_of_branch_that_only_a_remote_has(repo: Repo, place: Place) -> None:
    truth = four_kinds(repo)
    repo.push("main", *truth)
    state = await read(place.clone(repo.origin, "clone"))
    assert [one.name for one in state.branches] == ["main"]
    assert {one.name: one.landed or "open" for one in state.remote_only} == truth


async def test_squash_that_was_reverted_is_not_landed(repo: Repo) -> None:
    repo.topic("feat", "one", "two")
    repo.topic("other", "three", "four")
    repo.squash_merge("feat")
    squash = repo.oid()
    repo.squash_merge("other")
    repo.revert(squash)
    state = await read(repo)
    assert branch(state, "feat").landed is None
    assert branch(state, "feat").landed_why == f"came into main as {squash[:9]} and was changed or taken back later"
    assert branch(state, "other").landed == "squashed"


async def test_rebase_that_was_reverted_is_not_landed(repo: Repo) -> None:
    repo.topic("feat", "one", "two")
    repo.commit("meanwhile")
    repo.rebase_merge("feat")
    repo.revert("HEAD")
    found = branch(await read(repo), "feat")
    assert found.landed is None
    assert "as copies and were changed or taken back later" in found.landed_why


async def test_landed_and_then_changed_is_not_landed(repo: Repo) -> None:
    repo.switch("feat", create=True)
    repo.commit("one", {"a.txt": "one\ntwo\n"})
    repo.switch("main")
    repo.squash_merge("feat")
    repo.commit("later", {"a.txt": "other\n"})
    found = branch(await read(repo), "feat")
    assert found.landed is None
    assert "changed or taken back later" in found.landed_why


async def test_landed_beside_other_changes_of_the_same_file(repo: Repo) -> None:
    """The file is neither as the branch left it nor as it was before: a merge has to be tried."""
    lines = [f"{number}\n" for number in range(40)]
    repo.commit("long", {"long.txt": "".join(lines)})
    repo.switch("feat", create=True)
    repo.commit("top", {"long.txt": "".join(["top\n", *lines[1:]])})
    repo.switch("main")
    repo.squash_merge("feat")
    repo.commit("bottom", {"long.txt": "".join(["top\n", *lines[1:-1], "bottom\n"])})
    before = repo.git("count-objects", "-v")
    found = branch(await read(repo), "feat")
    assert (found.landed, found.landed_why.split(";")[0]) == ("squashed", "merging it would change nothing")
    assert repo.git("count-objects", "-v") == before


async def test_landed_and_moved_since(repo: Repo) -> None:
    repo.commit("folder", {"old/a.txt": "a\n", "old/b.txt": "b\n", "old/c.txt": "c\n"})
    repo.switch("feat", create=True)
    repo.commit("new file", {"old/new.txt": "new\n"})
    repo.switch("main")
    repo.squash_merge("feat")
    repo.git("mv", "old", "new")
    repo.commit("moved", {})
    assert branch(await read(repo), "feat").landed == "squashed"


async def test_one_file_of_two_is_not_landed(repo: Repo) -> None:
    repo.switch("feat", create=True)
    repo.commit("both", {"a.txt": "a\n", "b.txt": "b\n"})
    repo.switch("main")
    repo.commit("one of them", {"a.txt": "a\n"})
    assert branch(await read(repo), "feat").landed is None


async def test_same_content_with_another_mode_is_not_landed(repo: Repo) -> None:
    repo.commit("file", {"a.sh": "a\n"})
    repo.switch("feat", create=True)
    (repo.path / "a.sh").chmod(0o755)
    repo.commit("executable", {"b": "b"})
    repo.switch("main")
    repo.commit("only b", {"b": "b"})
    assert branch(await read(repo), "feat").landed is None


async def test_deletion_that_landed(repo: Repo) -> None:
    repo.commit("file", {"a.txt": "a\n", "b.txt": "b\n"})
    repo.switch("feat", create=True)
    repo.git("rm", "-q", "a.txt")
    repo.commit("gone", {})
    repo.switch("main")
    assert branch(await read(repo), "feat").landed is None
    repo.squash_merge("feat")
    assert branch(await read(repo), "feat").landed == "squashed"


async def test_branch_that_takes_in_the_default_branch_again_and_again(repo: Repo) -> None:
    repo.switch("feat", create=True)
    for number in range(3):
        repo.commit(f"feat {number}")
        repo.switch("main")
        repo.commit(f"main {number}")
        repo.switch("feat")
        repo.merge("main")
    repo.switch("main")
    assert branch(await read(repo), "feat").landed is None
    repo.squash_merge("feat")
    repo.commit("after")
    assert branch(await read(repo), "feat").landed == "squashed"


async def test_conflict_is_not_landed(repo: Repo) -> None:
    repo.conflict("feat")
    assert branch(await read(repo), "feat").landed is None


async def test_history_of_its_own_is_not_landed(repo: Repo) -> None:
    repo.git("switch", "-q", "--orphan", "pages")
    repo.commit("page", {"index.html": "x"})
    repo.switch("main")
    found = branch(await read(repo), "pages")
    assert (found.landed, found.ahead_default, found.behind_default) == (None, 1, 1)


async def test_commits_that_cancel_out(repo: Repo) -> None:
    repo.topic("feat", "one")
    repo.switch("feat")
    repo.revert("HEAD")
    repo.switch("main")
    found = branch(await read(repo), "feat")
    assert (found.landed, found.landed_why) == ("squashed", "its commits change no file; main is not pushed yet") or (
        found.landed,
        found.landed_why,
    ) == ("squashed", "its commits change no file")


NEW: dict[str, Callable[[Repo], object]] = {
    "fresh": lambda repo: repo.branch("feat"),
    "fresh from the remote": lambda repo: repo.branch("feat", "origin/main"),
    "followed main": lambda repo: (repo.branch("feat", "main~1"), repo.switch("feat"), repo.merge("main", ff=True)),
    "rebased without work": lambda repo: (
        repo.branch("feat", "main~1"),
        repo.switch("feat"),
        repo.git("rebase", "-q", "main"),
    ),
    "work thrown away": lambda repo: (
        repo.topic("feat", "work"),
        repo.switch("feat"),
        repo.git("reset", "-q", "--hard", "main"),
    ),
    "without a reflog": lambda repo: (
        repo.topic("feat", "work"),
        repo.merge("feat", ff=True),
        (repo.common_dir / "logs" / "refs" / "heads" / "feat").unlink(),
    ),
}


@pytest.mark.parametrize("how", NEW)
async def test_a_branch_without_work_of_its_own_is_new(repo: Repo, how: str) -> None:
    repo.commit("second")
    repo.push("main")
    NEW[how](repo)
    repo.switch("main")
    found = branch(await read(repo), "feat")
    assert (found.landed, found.landed_why) == ("new", "no commits of its own")


async def test_work_that_was_fast_forwarded_is_merged(repo: Repo) -> None:
    repo.topic("feat", "one", "two")
    repo.merge("feat", ff=True)
    repo.commit("more")
    assert branch(await read(repo), "feat").landed == "merged"


async def test_default_branch_that_lags_behind_its_remote(repo: Repo, place: Place) -> None:
    repo.topic("feat", "one", push=True)
    other = place.clone(repo.origin, "other")
    other.squash_merge("origin/feat")
    other.push("main")
    repo.fetch()
    state = await read(repo)
    assert branch(state, "main").behind == 1
    assert branch(state, "feat").landed == "squashed"
    assert (branch(state, "feat").ahead_default, branch(state, "feat").behind_default) == (1, 1)


async def test_landed_here_but_taken_back_on_the_remote(repo: Repo, place: Place) -> None:
    """The two have diverged: what counts is the remote."""
    repo.topic("feat", "one", push=True)
    other = place.clone(repo.origin, "other")
    other.commit("elsewhere")
    other.push("main")
    repo.squash_merge("feat")
    repo.fetch()
    assert branch(await read(repo), "feat").landed is None


async def test_what_has_landed_is_judged_again_when_the_default_branch_moves(repo: Repo) -> None:
    cache = CacheFile(repo.path.parent / "cache.db")
    reader = reader_of(repo, cache=cache)
    repo.topic("feat", "one", "two")
    assert branch(await read(reader), "feat").landed is None
    repo.squash_merge("feat")
    state = await read(reader)
    assert branch(state, "feat").landed == "squashed"
    repo.revert("HEAD")
    async for step in reader.read(state):
        assert branch(step, "feat").landed is None


async def test_shallow_clone_knows_nothing_for_certain(repo: Repo, place: Place) -> None:
    repo.topic("feat", "one", push=True)
    repo.squash_merge("feat")
    repo.commits("two", "three")
    repo.push("main")
    clone = place.clone(f"file://{repo.origin.path}", "shallow", "--depth=1", "--no-single-branch")
    clone.branch("mine", "origin/feat")
    clone.branch("fresh")
    state = await read(clone)
    assert state.shallow
    assert {one.landed for one in (*state.branches, *state.remote_only)} == {None}
    assert all(one.lower_bound for one in state.branches)


async def test_partial_clone_is_read_without_the_network(repo: Repo, place: Place) -> None:
    repo.topic("feat", "one", push=True)
    repo.squash_merge("feat")
    repo.push("main")
    repo.origin.git("config", "uploadpack.allowFilter", "true")
    clone = place.clone(f"file://{repo.origin.path}", "partial", "--filter=tree:0", "--no-checkout")
    clone.git("branch", "-q", "feat", "origin/feat")
    fetched = clone.path.parent / "fetched"
    clone.git("config", "remote.origin.uploadpack", f"touch {fetched}; git-upload-pack")
    packs = sorted((clone.common_dir / "objects" / "pack").iterdir())
    state = await read(clone)
    assert not fetched.exists()
    assert sorted((clone.common_dir / "objects" / "pack").iterdir()) == packs
    assert (branch(state, "feat").ahead_default, branch(state, "feat").behind_default) == (1, 1)
    assert branch(state, "feat").landed is None
    assert kinds(state)[""] == "unreadable"


async def test_merge_drivers_of_the_repository_do_not_run(repo: Repo) -> None:
    canary = repo.path.parent / "canary"
    repo.git("config", "merge.evil.driver", f"touch {canary}")
    repo.commit("attributes", {".gitattributes": "*.txt merge=evil\n", "long.txt": "a\nb\nc\nd\ne\n"})
    repo.switch("feat", create=True)
    repo.commit("top", {"long.txt": "A\nb\nc\nd\ne\n"})
    repo.switch("main")
    repo.commit("bottom", {"long.txt": "a\nb\nc\nd\nE\n"})
    assert branch(await read(repo), "feat").landed is None
    assert not canary.exists()


async def test_folder_with_characters_that_separate_paths(place: Place) -> None:
    repo = place.repo('odd: "quoted" \\ folder')
    lines = [f"{number}\n" for number in range(40)]
    repo.commit("long", {"long.txt": "".join(lines)})
    repo.topic("feat", "one")
    repo.switch("feat")
    repo.commit("top", {"long.txt": "".join(["top\n", *lines[1:]])})
    repo.switch("main")
    repo.squash_merge("feat")
    repo.commit("bottom", {"long.txt": "".join(["top\n", *lines[1:-1], "bottom\n"])})
    assert branch(await read(repo), "feat").landed == "squashed"


def test_merges_by_one_process() -> None:
    a, b = "a" * 40, "b" * 40
    assert parse_merges(f"1\0{a}\0\0001\0{b}\0\0", 2) == [a, b]
    conflict = f"0\0{a}\0100644 {b} 1\tx\0100644 {b} 2\tx\0\0"
    assert parse_merges(f"{conflict}1\0{b}\0\0", 2) == ["", b]
    assert parse_merges(f"1\0{a}\0\0", 2) is None
    assert parse_merges(f"1\0{a}\0something else\0\0", 1) is None
    assert parse_merges("", 1) is None


async def test_git_knows_how_to_merge_without_a_worktree(repo: Repo) -> None:
    assert await Git(repo.path).version() >= (2, 38)
