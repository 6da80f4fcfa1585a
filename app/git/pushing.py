"""Changing branches on a remote: all in one push or none, each only where it is as planned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.git.cli import Git, GitError
from app.git.failures import failure
from app.git.model import RefChange, Refusal
from app.git.steps import push_arguments

_NO_ATOMIC = "does not support --atomic"
_LATER = ("atomic push failed", "atomic push failure", "atomic transaction failed")
"""What git says of refs that it gave up only because of another one."""
QUIET = {"core.logAllRefUpdates": "false"}
"""Refs that are made begin no reflog of their own."""
HOOK_TEXT = 2000
"""Characters of a hook's output that are told."""
_REMOTE = re.compile(r"^remote: ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push went: `refused` holds what the other side or git said of each ref that it would not change."""

    refused: tuple[Refusal, ...] = ()
    said: str = ""
    """What hooks there printed."""
    untouched: bool = False
    """It is certain that nothing there was changed."""


async def push(git: Git, changes: Sequence[RefChange], remote: str, timeout_s: float, *, logs: bool = True) -> Pushed:
    """Push these changes. Raises GitError when the remote could not be spoken to, or nothing is known of the refs.

    With `logs` False, mirrors that come into being get no reflog.
    """
    try:
        return await _push(git, changes, remote, timeout_s, atomic=True, logs=logs)
    except GitError as error:
        if _NO_ATOMIC not in error.stderr:
            raise
    # One by one: what is made before what is deleted, so that a name is never lost on the way.
    refused: list[Refusal] = []
    for change in sorted(changes, key=lambda change: not change.new):
        done = await _push(git, (change,), remote, timeout_s, atomic=False, logs=logs)
        refused += done.refused
        if done.refused:
            break
    return Pushed(tuple(refused))


async def _push(
    git: Git, changes: Sequence[RefChange], remote: str, timeout_s: float, *, atomic: bool, logs: bool
) -> Pushed:
    args = push_arguments(changes, remote, atomic=atomic)
    done = await git.run(*args, ok=(0, 1), timeout_s=timeout_s, config={} if logs else QUIET)
    if done.code == 0:
        return Pushed()
    refused: list[Refusal] = []
    for line in done.text.splitlines():
        flag, _, rest = line.partition("\t")
        spec, _, summary = rest.partition("\t")
        if flag.startswith("!"):
            refused.append(Refusal(spec.partition(":")[2], _why(summary), _fix(summary)))
    if not refused:
        raise _refused_here(failure(args, git.path, done.code, done.stderr))
    told = [each for each in refused if not any(text in each.why for text in _LATER)]
    return Pushed(tuple(told or refused), hooks_said(done.stderr), untouched=atomic)


def hooks_said(stderr: str) -> str:
    """The lines that a hook printed, without git's own around them."""
    lines = [line.strip() for line in stderr.splitlines() if line.startswith("remote:")]
    text = "\n".join(_REMOTE.sub("", line).strip() for line in lines)
    return text.strip()


def _refused_here(error: GitError) -> GitError:
    """A hook of the user's own said no before anything was sent: what it printed tells more than git does."""
    said = [line.strip() for line in error.stderr.splitlines() if not line.startswith("error: failed to push")]
    if error.kind != "failed" or not any(said):
        return error
    what = f"the push was refused here: {' / '.join(line for line in said if line)[:HOOK_TEXT]}"
    return GitError(what, where=error.where, command=error.command, code=error.code, stderr=error.stderr)


def _why(summary: str) -> str:
    reason = summary.rpartition("(")[2].removesuffix(")") if "(" in summary else summary
    return {"stale info": "it has moved there meanwhile", "fetch first": "it has moved there meanwhile"}.get(
        reason, f"refused: {reason}"
    )


def _fix(summary: str) -> str:
    return "look again: the plan is made anew" if "stale info" in summary or "fetch first" in summary else ""
