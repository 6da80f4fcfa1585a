"""What branches follow and which one is the default, in the situations in which tools misread them."""

from __future__ import annotations

from app.git.cachefile import CacheFile
from app.git.model import Rules
from tests.git.looking import branch, kinds, read
from tests.git.repos import Place, Repo

# Upstreams


async def test_upstream_that_is_set_and_was_never_pushed(repo: Repo) -> None:
    repo.topic("feat", "one")
    repo.git("config", "branch.feat.remote", "origin")
    repo.git("config", "branch.feat.merge", "refs/heads/feat")
    assert repo.git("for-each-ref", "--format=%(upstream:track)", "refs/heads/feat") == "[gone]"
    state = await read(repo)
    found = branch(state, "feat")
    assert (found.upstream, found.upstream_state, found.unpushed) == ("origin/feat", "never_pushed", False)
    assert kinds(state)["refs/heads/feat"] == "no_upstream"


async def test_deleted_on_the_remote_before_anybody_looked(repo: Repo) -> None:
    """Git keeps no trace of it, so it may have been pushed or not: the advice must be right either way."""
    repo.topic("feat", "one", push=True)
    repo.git("push", "-q", "origin", ":feat")
    state = await read(repo)
    (problem,) = (problem for problem in state.problems if problem.ref == "refs/heads/feat")
    assert "never been" not in problem.detail
    assert "whether it ever was is not known here" in problem.detail
    assert problem.fix.startswith("qd git track feat ''")
    assert "qd git push feat" in problem.fix


async def test_clone_of_an_empty_repository(place: Place) -> None:
    clone = place.clone(place.bare(), "clone")
    clone.commit("first")
    assert branch(await read(clone), "main").upstream_state == "never_pushed"


async def test_gone_with_commits_that_were_not_pushed(repo: Repo) -> None:
    cache = CacheFile(repo.path.parent / "cache.db")
    repo.topic("pushed", "one", push=True)
    repo.topic("more", "two", push=True)
    await read(repo, cache=cache)
    cache.close()
    repo.switch("more")
    repo.commit("only here")
    repo.switch("main")
    repo.origin.git("update-ref", "-d", "refs/heads/pushed")
    repo.origin.git("update-ref", "-d", "refs/heads/more")
    repo.fetch()
    state = await read(repo, cache=CacheFile(repo.path.parent / "cache.db"))
    assert {one.name: (one.upstream_state, one.unpushed) for one in state.branches if not one.is_default} == {
        "pushed": ("gone", False),
        "more": ("gone", True),
    }
    told = {problem.ref: problem.detail for problem in state.problems}
    assert told["refs/heads/pushed"] == "origin/pushed is not there any more"
    assert told["refs/heads/more"] == "origin/more is not there any more; it has commits that were not in it"


async def test_gone_after_landing_though_never_seen_before(repo: Repo) -> None:
    repo.topic("feat", "one", push=True)
    repo.squash_merge("feat")
    repo.push("main")
    repo.push_delete("feat")
    found = branch(await read(repo), "feat")
    assert (found.upstream_state, found.landed, found.unpushed) == ("gone", "squashed", False)


async def test_gone_of_a_branch_that_was_made_from_the_remote(repo: Repo, place: Place) -> None:
    repo.topic("feat", "one", push=True)
    clone = place.clone(repo.origin, "clone")
    clone.git("switch", "-q", "feat")
    clone.git("switch", "-q", "main")
    repo.push_delete("feat")
    clone.fetch()
    found = branch(await read(clone), "feat")
    assert (found.upstream_state, found.unpushed) == ("gone", True)


async def test_upstream_of_another_name(repo: Repo) -> None:
    repo.git("branch", "-q", "--track", "feat", "origin/main")
    state = await read(repo)
    assert branch(state, "feat").upstream_state == "misnamed"
    assert (branch(state, "feat").upstream, branch(state, "feat").ahead) == ("origin/main", 0)
    assert kinds(state)["refs/heads/feat"] == "misnamed_upstream"


async def test_local_branch_as_upstream(repo: Repo) -> None:
    repo.topic("feat", "one")
    repo.git("branch", "-q", "--set-upstream-to=main", "feat")
    found = branch(await read(repo), "feat")
    assert (found.upstream, found.upstream_state, found.ahead, found.behind) == ("main", "ok", 1, 0)


async def test_upstream_on_a_remote_that_was_removed_or_renamed(repo: Repo) -> None:
    repo.git("config", "branch.main.remote", "old")
    state = await read(repo)
    assert branch(state, "main").upstream == "old/main"
    assert kinds(state)["refs/heads/main"] == "wrong_remote"
    repo.git("config", "branch.main.remote", "origin")
    repo.git("remote", "rename", "origin", "upstream")
    state = await read(repo)
    assert (branch(state, "main").upstream, branch(state, "main").upstream_state) == ("upstream/main", "ok")
    assert state.default_branch == "main"


async def test_same_name_on_the_remote_without_following_it(repo: Repo) -> None:
    repo.topic("feat", "one")
    repo.push("feat", upstream=False)
    state = await read(repo)
    assert branch(state, "feat").upstream_state == "none"
    assert kinds(state)["refs/heads/feat"] == "no_upstream"
    assert [one.name for one in state.remote_only] == ["feat"]


async def test_pushing_elsewhere_than_pulling_from(repo: Repo, place: Place) -> None:
    fork = place.bare("fork.git")
    repo.git("remote", "add", "fork", str(fork.path))
    repo.git("config", "remote.pushDefault", "fork")
    repo.topic("feat", "one", push=True)
    repo.push("feat", remote="fork", upstream=False)
    repo.switch("feat")
    repo.commit("two")
    state = await read(repo)
    found = branch(state, "feat")
    assert (found.upstream, found.push_ref) == ("origin/feat", "refs/remotes/fork/feat")
    assert (found.ahead, found.behind) == (1, 0)
    assert [remote.name for remote in state.remotes] == ["origin", "fork"]


async def test_several_push_addresses_and_none_shows_a_password(repo: Repo) -> None:
    repo.git("remote", "set-url", "origin", "https://ada:secret@example.test/x.git")
    repo.git("remote", "set-url", "--push", "origin", "https://ada:secret@example.test/push.git")
    (remote,) = (await read(repo)).remotes
    assert (remote.url, remote.push_url) == ("https://example.test/x.git", "https://example.test/push.git")


async def test_refs_that_are_no_branches_of_the_remote_are_left_out(repo: Repo) -> None:
    repo.git("config", "--add", "remote.origin.fetch", "+refs/pull/*/head:refs/remotes/origin/pr/*")
    repo.origin.git("update-ref", "refs/pull/7/head", repo.oid())
    repo.topic("feat", "one", push=True)
    repo.delete("feat")
    repo.fetch()
    assert "refs/remotes/origin/pr/7" in repo.refs()
    assert [one.name for one in (await read(repo)).remote_only] == ["feat"]


# The default branch


async def test_default_branches_of_all_remotes_are_protected(repo: Repo, place: Place) -> None:
    fork = place.bare("fork.git", branch="trunk")
    repo.git("remote", "add", "fork", str(fork.path))
    for name in ("trunk", "release/1", "feat"):
        repo.topic(name, name)
    repo.push("trunk", remote="fork", upstream=False)
    repo.git("remote", "set-head", "fork", "trunk")
    state = await read(repo, rules=Rules(protected=("release/*",)))
    assert state.default_branch == "main"
    assert {one.name for one in state.branches if one.protected} == {"main", "trunk", "release/1"}
    assert [(remote.name, remote.head) for remote in state.remotes] == [("origin", "main"), ("fork", "trunk")]
    assert (await read(repo, remote="fork")).default_branch == "trunk"
    assert (await read(repo, default_branch="feat")).default_branch == "feat"


async def test_remote_head_that_names_what_is_gone(repo: Repo) -> None:
    repo.origin.git("branch", "-m", "main", "trunk")
    repo.fetch()
    assert repo.attempt("rev-parse", "-q", "--verify", "refs/remotes/origin/HEAD")
    state = await read(repo)
    problem = next(problem for problem in state.problems if problem.kind == "remote_head_dangling")
    assert problem.ref == "refs/remotes/origin/HEAD"
    assert state.remotes[0].head == "main"
    assert state.default_branch == "main"
    repo.git(*problem.fix.removeprefix("git ").split())
    state = await read(repo)
    assert "remote_head_dangling" not in kinds(state).values()
    assert (state.default_branch, state.remotes[0].head) == ("trunk", "trunk")


async def test_remote_head_that_was_never_set(repo: Repo) -> None:
    repo.git("remote", "set-head", "origin", "--delete")
    state = await read(repo)
    assert kinds(state)["refs/remotes/origin/HEAD"] == "remote_head_missing"
    assert state.default_branch == "main"
