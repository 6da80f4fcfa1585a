"""The tree of a folder's present content is the one that git would commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.git.model import Provenance
from app.git.provenance import UNTRACKED_BYTES, Provenances
from tests.git.repos import Place, Repo


def committed_tree(repo: Repo, at: str = "") -> str:
    """What git makes of the present content when it commits all of it."""
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "all of it")
    return repo.oid(f"HEAD:{at}")


async def test_a_clean_folder_is_its_commit(repo: Repo) -> None:
    assert await Provenances().of(repo.path) == Provenance(repo.oid(), repo.oid("HEAD^{tree}"), dirty=False)


@pytest.mark.parametrize("name", ["plain.txt", "with space.txt", "-dash", "naïve\n✗.txt", 'quo"te'])
async def test_changes_and_new_files_are_in_the_tree(repo: Repo, name: str) -> None:
    repo.commit("more", {"kept.txt": "kept\n", "gone.txt": "gone\n", "changed.txt": "before\n"})
    repo.write({"changed.txt": "after\n", name: "new\n", "sub/staged.txt": "staged\n"})
    repo.git("add", "sub/staged.txt")
    repo.write({"sub/staged.txt": "changed again\n"})
    (repo.path / "gone.txt").unlink()
    (repo.path / "run.sh").write_text("#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o755)
    (repo.path / "link").symlink_to("kept.txt")
    commit = repo.oid()
    index = (repo.git_dir / "index").read_bytes()
    objects = sorted((repo.common_dir / "objects").rglob("*"))
    found = await Provenances().of(repo.path)
    assert (repo.git_dir / "index").read_bytes() == index
    assert sorted((repo.common_dir / "objects").rglob("*")) == objects
    assert found == Provenance(commit, committed_tree(repo), dirty=True)
    assert await Provenances().of(repo.path) == Provenance(repo.oid(), found.tree, dirty=False)


async def test_a_project_in_a_subfolder_speaks_of_itself_only(repo: Repo) -> None:
    repo.commit("two", {"one/a.txt": "a\n", "two/b.txt": "b\n"})
    provenances = Provenances()
    one = await provenances.of(repo.path / "one")
    repo.write({"two/b.txt": "changed\n"})
    assert await provenances.of(repo.path / "one") == one
    repo.write({"one/new.txt": "new\n"})
    found = await provenances.of(repo.path / "one")
    assert found is not None
    assert found.tree == committed_tree(repo, "one")


async def test_ignored_and_large_new_files_are_left_out(repo: Repo) -> None:
    repo.commit("ignore", {".gitignore": "*.log\n"})
    clean = await Provenances().of(repo.path)
    repo.write({"noise.log": "noise\n"})
    assert await Provenances().of(repo.path) == clean
    (repo.path / "data.bin").write_bytes(b"x" * (UNTRACKED_BYTES + 1))
    assert await Provenances().of(repo.path) == clean


async def test_in_a_worktree_and_in_a_conflict(repo: Repo) -> None:
    repo.branch("side")
    tree = repo.worktree("side")
    tree.write({"new.txt": "new\n"})
    found = await Provenances().of(tree.path)
    assert found is not None
    assert found.tree == committed_tree(tree)
    repo.conflict("other")
    assert repo.attempt("merge", "other") != 0
    torn = await Provenances().of(repo.path)
    assert torn is not None
    assert torn.dirty
    assert torn.tree == committed_tree(repo)


async def test_no_repository_no_commit_no_folder(place: Place, tmp_path: Path) -> None:
    provenances = Provenances()
    empty = place.init("empty")
    assert await provenances.of(empty.path) is None
    assert await provenances.of(tmp_path) is None
    assert await provenances.of(tmp_path / "nowhere") is None
    empty.commit("first", {"a": "a"})
    assert await provenances.of(empty.path) is not None
