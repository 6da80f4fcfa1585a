"""Where a plain `git push` would go, for each way in which git can be told."""

from __future__ import annotations

import pytest

from tests.git.looking import branch, read
from tests.git.repos import Place, Repo


@pytest.mark.parametrize(
    ("settings", "pushed"),
    [
        ({}, "refs/remotes/origin/topic"),
        ({"push.default": "upstream"}, "refs/remotes/origin/theirs"),
        ({"push.default": "current"}, "refs/remotes/origin/topic"),
        ({"push.default": "nothing"}, None),
        ({"remote.pushDefault": "fork"}, "refs/remotes/fork/topic"),
        ({"branch.topic.pushRemote": "fork"}, "refs/remotes/fork/topic"),
        ({"remote.pushDefault": "origin", "branch.topic.pushRemote": "fork"}, "refs/remotes/fork/topic"),
    ],
)
async def test_what_is_pulled_and_what_is_pushed_are_told_apart(
    repo: Repo, place: Place, settings: dict[str, str], pushed: str | None
) -> None:
    """Row 31: the branch follows one of another name; what git itself says is what is told."""
    fork = place.bare("fork.git")
    repo.git("remote", "add", "fork", str(fork.path))
    repo.topic("topic", "work", push=True)
    repo.git("push", "-q", "origin", "topic:theirs")
    repo.push("topic", remote="fork", upstream=False)
    repo.git("branch", "-q", "--set-upstream-to=origin/theirs", "topic")
    repo.git("config", "push.default", "current")
    for key, value in settings.items():
        repo.git("config", key, value)
    asked = repo.git("for-each-ref", "--format=%(push)", "refs/heads/topic") or None
    assert asked == pushed, "what git says"
    found = branch(await read(repo), "topic")
    assert found.upstream_ref == "refs/remotes/origin/theirs"
    assert found.push_ref == (None if pushed == found.upstream_ref else pushed), "told where it differs"
