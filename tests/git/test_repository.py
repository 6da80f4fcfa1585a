"""Where repositories keep their things, and whether they have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.git.cli import Git
from app.git.configuration import read_configuration
from app.git.repository import Layout, read_layout, signature
from tests.git.repos import Place, Repo


async def layout_of(path: Path) -> Layout:
    git = Git(path)
    return await read_layout(git, await read_configuration(git))


async def test_plain(repo: Repo) -> None:
    (repo.path / "deep" / "er").mkdir(parents=True)
    layout = await layout_of(repo.path / "deep" / "er")
    assert layout == Layout(repo.path, repo.path / ".git", repo.path / ".git")


async def test_bare(repo: Repo) -> None:
    path = repo.origin.path
    assert await layout_of(path) == Layout(None, path, path, bare=True)


async def test_the_git_folder_itself(repo: Repo) -> None:
    assert await layout_of(repo.git_dir) == Layout(None, repo.git_dir, repo.git_dir)


async def test_linked_worktree(repo: Repo) -> None:
    other = repo.worktree("side", name="line\nend", at="main")
    layout = await layout_of(other.path)
    assert layout.worktree == other.path
    assert layout.common_dir == repo.path / ".git"
    assert layout.git_dir.parent == repo.path / ".git" / "worktrees"


async def test_submodule(place: Place, repo: Repo) -> None:
    inner = place.repo("inner")
    repo.git("submodule", "add", "-q", str(inner.origin.path), "part")
    layout = await layout_of(repo.path / "part")
    assert layout.worktree == repo.path / "part"
    assert layout.git_dir == layout.common_dir == repo.path / ".git" / "modules" / "part"


async def test_shallow_partial_and_other_kinds(place: Place, repo: Repo) -> None:
    repo.commits("a", "b")
    repo.push("main")
    repo.origin.git("config", "uploadpack.allowFilter", "true")
    address = f"file://{repo.origin.path}"
    assert (await layout_of(place.clone(address, "shallow", "--depth=1").path)).shallow
    assert (await layout_of(place.clone(address, "partial", "--filter=blob:none").path)).partial
    assert (await layout_of(place.init("long", "--object-format=sha256").path)).object_format == "sha256"
    (repo.git_dir / "info" / "grafts").write_text(f"{repo.oid()} {repo.oid('HEAD~2')}\n")
    assert (await layout_of(repo.path)).grafts


def _commit(repo: Repo) -> None:
    repo.commit("more")


CHANGES: dict[str, Callable[[Repo], object]] = {
    "commit": _commit,
    "branch": lambda repo: repo.branch("new"),
    "deep branch": lambda repo: repo.branch("new/deep/er"),
    "branch moved in place": lambda repo: repo.git("update-ref", "refs/heads/other", "HEAD"),
    "packing": lambda repo: repo.git("pack-refs", "--all"),
    "remote's HEAD": lambda repo: repo.git("remote", "set-head", "origin", "--delete"),
    "switch": lambda repo: repo.switch("other"),
    "switch elsewhere": lambda repo: Repo(repo.place, repo.place.root / "side").git("switch", "-q", "--detach"),
    "configuration": lambda repo: repo.git("config", "a.b", "c"),
    "commit-graph": lambda repo: repo.git("commit-graph", "write", "--reachable"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_signature_of_refs_changes_with(repo: Repo, change: str) -> None:
    repo.commit("second")
    repo.branch("other", "HEAD~1")
    repo.worktree("side", name="side", at="main")
    layout = await layout_of(repo.path)
    before = signature(layout)
    assert signature(layout) == before
    CHANGES[change](repo)
    after = signature(layout)
    assert after.refs != before.refs
    assert signature(layout) == after


async def test_signature_of_the_worktree(repo: Repo) -> None:
    layout = await layout_of(repo.path)
    before = signature(layout)
    repo.git("-c", "core.fsmonitor=false", "--no-optional-locks", "status")
    assert signature(layout) == before
    repo.write({"new": "x"})
    repo.git("add", "new")
    staged = signature(layout)
    assert staged.refs == before.refs
    assert staged.worktree != before.worktree
    repo.stash()
    assert signature(layout).worktree != staged.worktree
    repo.conflict()
    settled = signature(layout)
    repo.attempt("merge", "other")
    assert signature(layout).worktree != settled.worktree
