"""The builders of repositories, on which every other test here stands."""

from __future__ import annotations

from pathlib import Path

from tests.git.repos import Place, Repo


def test_the_same_steps_give_the_same_ids(tmp_path: Path) -> None:
    tips = set()
    for name in ("one", "two"):
        repo = Place(tmp_path / name).repo()
        repo.topic("feat/a", "work", "more work")
        repo.squash_merge("feat/a")
        tips.add(repo.oid())
    assert len(tips) == 1


def test_repo_has_a_remote_that_holds_its_default_branch(repo: Repo) -> None:
    assert repo.refs() == {"refs/heads/main": repo.oid(), "refs/remotes/origin/main": repo.oid()}
    assert repo.origin.refs() == {"refs/heads/main": repo.oid()}
    assert repo.config("branch.main.remote") == "origin"
    assert repo.git("symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/main"


def test_ways_to_land(repo: Repo) -> None:
    for name in ("merged", "squashed", "rebased"):
        repo.topic(name, f"{name} one", f"{name} two", push=True)
    repo.merge("merged")
    repo.squash_merge("squashed")
    repo.rebase_merge("rebased")
    assert repo.git("branch", "--merged", "main", "--format=%(refname:short)").split() == ["main", "merged"]
    repo.push_delete("merged")
    assert "refs/heads/merged" not in repo.origin.refs()


def test_names_that_git_itself_would_not_make(repo: Repo) -> None:
    repo.raw_ref("refs/heads/-x", repo.oid())
    repo.raw_ref(b"refs/heads/caf\xe9", repo.oid())
    assert {"refs/heads/-x", "refs/heads/caf\udce9"} <= set(repo.refs())


def test_conflict_and_worktree(repo: Repo) -> None:
    repo.conflict()
    assert repo.attempt("merge", "other") == 1
    assert (repo.git_dir / "MERGE_HEAD").exists()
    other = repo.worktree("elsewhere", at="main")
    assert other.common_dir == repo.common_dir
    assert other.git_dir != repo.git_dir
