"""The pipelines as the configuration names them, followed for as long as a program runs.

What follows them is loaded with the first pipeline: most configurations have none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import UserError
from app.feedback.retrain.model import Evaluation, Look, Pipeline, RetrainSnapshot, Run

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.events import Bus
    from app.feedback.retrain.control import Retrain
    from app.feedback.retrain.service import RetrainService


class Retraining:
    """The service of the pipelines; without one there is nothing to do and to show."""

    def __init__(self, pipelines: Sequence[Pipeline], *, db: Database, spool: Spool, bus: Bus, data: Path) -> None:
        """`data` is the folder of the app's data, in which runs have one of their own."""
        self._pipelines, self._data = tuple(pipelines), data
        self._db, self._spool, self._bus = db, spool, bus
        self._service: RetrainService | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The pipelines that are configured."""
        return tuple(pipeline.name for pipeline in self._pipelines)

    def snapshot(self) -> RetrainSnapshot:
        """Every pipeline as it stands now."""
        return self._service.snapshot() if self._service is not None else RetrainSnapshot()

    def look_again(self) -> None:
        """Measure soon: somebody wants to see what is so now."""
        if self._service is not None:
            self._service.look_again()

    async def fire(self, name: str = "", *, force: bool = False) -> tuple[Run | None, Evaluation]:
        """Fire by hand; see `RetrainService`."""
        return await self._running().fire(name, force=force)

    async def hold(self, name: str, reason: str | None) -> None:
        """Keep a pipeline from firing, with the reason why; None lets it fire again."""
        await self._running().hold(name, reason)

    async def history(self, limit: int = 20) -> tuple[list[Run], list[Look]]:
        """Runs, and times when the conditions were met, newest first. Raises UserError when the database is away."""
        return await self._service.history(limit) if self._service is not None else ([], [])

    async def start(self) -> None:
        """Begin to follow the pipelines, if there are any."""
        if self._pipelines:
            self._service = await asyncio.to_thread(self._load)
            await self._service.start()

    async def close(self) -> None:
        """Stop. What fired and was not handed over stays in the database, and is handed over at the next start."""
        if self._service is not None:
            await self._service.close()

    async def replace(self, pipelines: Sequence[Pipeline]) -> None:
        """Follow other pipelines from now on. A consumer that is busy with a run is not disturbed."""
        self._pipelines = tuple(pipelines)
        if self._service is None:
            await self.start()
        else:
            await self._service.replace(self._control())

    def _running(self) -> RetrainService:
        if self._service is None:
            raise UserError("no pipeline is configured", fix="add a [[feedback.retrain]] to the configuration")
        return self._service

    def _load(self) -> RetrainService:
        from app.feedback.retrain.service import RetrainService

        return RetrainService(self._control(), spool=self._spool, bus=self._bus)

    def _control(self) -> Retrain:
        from app.feedback.retrain.control import FOLDER, Retrain

        return Retrain(self._db, self._spool, self._pipelines, self._data / FOLDER)
