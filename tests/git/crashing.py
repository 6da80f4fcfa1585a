"""Operations that are killed on the way: scenes that can be set again, and a process to kill."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.git import undo
from app.git.executor import Executor
from app.git.model import Plan, Rules
from tests.git.operating import Desk, picture
from tests.git.repos import Place, Repo, clean_environment

Prepare = Callable[[Desk, Repo], Awaitable[Plan]]
"""Builds a scene, and makes the plan of the operation that is going to be killed."""


class CrashError(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass(slots=True)
class Scene:
    """A place on the disk that can be put back to how it was."""

    place: Place
    desk: Desk
    prepare: Prepare
    reflogs: bool = True
    saved: Path = field(init=False)
    plan: Plan = field(init=False)

    async def build(self) -> None:
        """Make everything, and keep a copy."""
        self.plan = await self.prepare(self.desk, self.desk.repo)
        self.saved = self.place.root.with_name("saved")
        shutil.copytree(self.place.root, self.saved, symlinks=True)

    def reset(self) -> None:
        """As it was after `build`, under the same paths."""
        shutil.rmtree(self.place.root)
        shutil.copytree(self.saved, self.place.root, symlinks=True)

    def look(self) -> dict[str, object]:
        """The picture that counts."""
        return picture(self.desk.repo, reflogs=self.reflogs)

    async def places(self) -> list[str]:
        """Where the operation can be killed, in order."""
        found: list[str] = []

        async def note(place: str) -> None:
            found.append(place)

        report = await self.desk.watched(note).perform(self.desk.git, self.plan)
        assert report.state == "done", report
        assert not report.refused, report
        return found

    async def crash(self, number: int) -> None:
        """Perform, and die at the checkpoint of this number."""
        await die_at(self.desk.executor, number, self.desk, self.plan)


async def die_at(executor: Executor, number: int, desk: Desk, plan: Plan) -> None:
    """Perform a plan with an executor that breaks off at a checkpoint."""
    left = number

    async def die(place: str) -> None:
        nonlocal left
        if left == 0:
            raise CrashError(place)
        left -= 1

    try:
        await desk.watched(die).perform(desk.git, plan)
    except CrashError:
        return
    raise AssertionError(f"there is no checkpoint {number}")


async def kill_yourself(root: Path, name: str, kind: str, number: int, how: str) -> None:
    """What the process does that is killed: perform (or undo the last operation), and end itself at a checkpoint."""
    place = Place(root)
    os.environ.update(clean_environment(place.home))
    desk = Desk(Repo(place, root / name))
    for branch in desk.repo.refs("refs/heads/"):
        desk.landed[branch.removeprefix("refs/heads/")] = ("merged", "merged")
    left = number

    async def die(checkpoint: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    plan = await undo.plan_undo(desk.executor, desk.git, Rules()) if how == "undo" else await desk.plan(kind)
    await desk.watched(die).perform(desk.git, plan)


if __name__ == "__main__":
    asyncio.run(kill_yourself(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
