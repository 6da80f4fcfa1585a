"""Why a branch that is not in the base looks as if it were: its changes came in once, and were changed or undone since.

A patch id stands for what a commit changes, wherever it is applied. That it is found in the base proves nothing about
the base today, so this only explains and never decides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.git.failures import GitError

if TYPE_CHECKING:
    from app.git.cli import Git

_LOOK_BACK = 3000
"""Commits of the base that are looked at, the latest."""
_CHUNK = 100
"""Commits whose patches are in memory at once."""
_BUDGET_S = 20.0
_MOST_OWN = 50
_TIMEOUT_S = 60.0


class Unexplained(NamedTuple):
    """A tip that is not in the base, where it left it, and its commits without merges."""

    tip: str
    fork: str
    own: tuple[str, ...]


class Explainer:
    """Keeps the patch ids of one repository's commits; they never change."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    async def explain(
        self, git: Git, base: str, base_name: str, since: str | None, wanted: Sequence[Unexplained]
    ) -> dict[str, str]:
        """By tip, what is known of its changes in the base; tips of which nothing is known are left out.

        `since` is a commit behind all forks. What takes too long is left as it is, without an explanation.
        """
        deadline = time.monotonic() + _BUDGET_S
        try:
            stop = [f"^{since}"] if since else []
            listed = await git.run("rev-list", "--no-merges", f"--max-count={_LOOK_BACK}", base, *stop)
            there = await self._patch_ids(git, ((oid,) for oid in listed.text.split()), deadline)
            whole = await self._patch_ids(git, ((one.tip, one.fork) for one in wanted), deadline)
            pieces = [oid for one in wanted if len(one.own) <= _MOST_OWN for oid in one.own]
            single = await self._patch_ids(git, ((oid,) for oid in pieces), deadline)
        except GitError:
            return {}
        as_commit = {patch: oid for oid, patch in reversed(there.items())}
        found = {}
        for one in wanted:
            landed = as_commit.get(whole.get(one.tip, ""))
            if landed:
                found[one.tip] = f"came into {base_name} as {landed[:9]} and was changed or taken back later"
            elif one.own and all(single.get(oid, "") in as_commit for oid in one.own):
                found[one.tip] = f"all its commits came into {base_name} as copies and were changed or taken back later"
        return found

    async def _patch_ids(self, git: Git, wanted: Iterable[tuple[str, ...]], deadline: float) -> dict[str, str]:
        """By commit; given with another commit, the patch is from that one to it."""
        lines = [" ".join(line) for line in wanted]
        missing = [line for line in dict.fromkeys(lines) if line not in self._known]
        for at in range(0, len(missing), _CHUNK):
            part = missing[at : at + _CHUNK]
            if time.monotonic() > deadline:
                break
            given = "\n".join([*part, ""]).encode()
            patches = await git.run("diff-tree", "--stdin", "-p", "-r", "--root", input=given, timeout_s=_TIMEOUT_S)
            done = await git.run("patch-id", "--stable", input=patches.stdout, timeout_s=_TIMEOUT_S)
            ids = {oid: patch for patch, oid in (line.split() for line in done.text.splitlines())}
            self._known.update({line: ids.get(line.split()[0], "") for line in part})
            await asyncio.sleep(0)
        return {line.split()[0]: self._known[line] for line in lines if self._known.get(line)}

    def forget(self, keep: Mapping[str, object]) -> None:
        """Drop what is known of all commits but these."""
        self._known = {line: patch for line, patch in self._known.items() if line in keep}
