"""Holds warm outcomes against a cold run, while nobody works.

A warm run shares the hash seed and the loaded packages of its server. A cold run in a fresh interpreter with another
hash seed must give the same outcomes; a project where it keeps giving others is run cold from then on. A difference
that does not come back when both are asked again is a flaky test, not a fault of the warm runner.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.errors import UserError
from app.ids import new_id
from app.testing.board import Board
from app.testing.model import Outcome, ProjectSpec, RunSummary, TestState
from app.testing.plan import Request
from app.testing.run import RunFinished, RunRequest, TestReported
from app.testing.runner import Runner

log = logging.getLogger(__name__)

RETRY_AFTER_S = 24 * 3600.0
"""After this long, a project that had to run cold is tried warm again."""
NAMED = 3
"""Tests named in the reason on screen."""


def state_file(cache_dir: Path, spec: ProjectSpec) -> Path:
    """Where a project's comparisons are remembered."""
    key = hashlib.blake2b(os.fsencode(spec.path), digest_size=8).hexdigest()
    return cache_dir / f"verify-{key}.json"


class Verifier:
    """Waits for a quiet time after a warm run over everything, then compares."""

    def __init__(
        self,
        runner: Runner,
        board: Board,
        *,
        state_file: Path,
        every_s: float,
        idle_s: float,
        ask: Callable[[Request], None],
    ) -> None:
        self._runner = runner
        self._board = board
        self._state_file = state_file
        self._every_s = every_s
        self._idle_s = idle_s
        self._ask = ask
        self._warm: Mapping[str, Outcome] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.last_verified = 0.0
        self.cold_only = ""
        """Why this project runs cold for now; empty when it may run warm."""
        self._cold_since = 0.0
        self.flaky: tuple[str, ...] = ()
        """Tests whose outcome differed once and was the same again afterwards."""
        self._load()

    def start(self) -> None:
        """Apply what an earlier comparison found, before anything runs."""
        if self.cold_only and time.time() < self._cold_since + RETRY_AFTER_S:
            self._runner.force_cold(self.cold_only)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def active(self) -> None:
        """Somebody works: the quiet time begins anew, with the next whole run."""
        self.close()
        self._warm = {}

    def ran(self, summary: RunSummary, results: Sequence[TestState]) -> None:
        """A run over everything has ended."""
        if self.cold_only and time.time() >= self._cold_since + RETRY_AFTER_S:
            self.cold_only = ""
            self._runner.allow_warm()
        if self._every_s <= 0 or summary.level == "cold" or summary.trigger == "verify":
            return
        self._warm = {state.nodeid: state.outcome for state in results if state.outcome is not None}
        wait = max(self._idle_s, self.last_verified + self._every_s - time.time())
        self.close()
        self._timer = asyncio.get_running_loop().call_later(wait, self._ask, Request("verify", "verify"))

    async def verify(self) -> None:
        """Compare; ends without a verdict when something else is asked for meanwhile."""
        warm = dict(self._warm)
        cold = await self._outcomes(cold="verifying")
        if not warm or cold is None or not self._warm:
            return
        differing = frozenset(nodeid for nodeid in warm if cold.get(nodeid) != warm[nodeid])
        if differing:
            # Asked alone, both again: what differs for good is the warm runner's fault.
            warm_again = await self._outcomes(select=differing)
            cold_again = await self._outcomes(select=differing, cold="verifying")
            if warm_again is None or cold_again is None:
                return
            for_good = sorted(
                nodeid
                for nodeid in differing
                if cold_again.get(nodeid) == cold.get(nodeid) and warm_again.get(nodeid) == warm[nodeid]
            )
            self.flaky = tuple(sorted(differing - set(for_good)))
            if for_good:
                self.cold_only, self._cold_since = _reason(for_good, warm, cold), time.time()
                self._runner.force_cold(self.cold_only)
                log.warning("warm and cold outcomes differ: %s", for_good)
        self.last_verified = time.time()
        self._save()

    async def _outcomes(self, *, select: frozenset[str] | None = None, cold: str = "") -> dict[str, Outcome] | None:
        outcomes: dict[str, Outcome] = {}
        request = RunRequest(
            run_id=new_id(),
            trigger="verify",
            select=select,
            whole=select is None,
            cold=cold,
            hash_seed=random.randrange(1, 2**32) if cold else None,
        )
        try:
            async for event in self._runner.run(request):
                if isinstance(event, TestReported):
                    outcomes[event.nodeid] = event.outcome
                elif isinstance(event, RunFinished) and (event.cancelled or event.exit not in (0, 1)):
                    return None
        except UserError as error:
            log.info("no comparison with a cold run: %s", error)
            return None
        return outcomes

    def _load(self) -> None:
        try:
            kept = json.loads(self._state_file.read_text("utf-8"))
            self.last_verified = float(kept["verified_at"])
            self.cold_only, self._cold_since = str(kept["cold_only"]), float(kept["cold_since"])
        except (OSError, ValueError, KeyError, TypeError):
            return

    def _save(self) -> None:
        kept = {"verified_at": self.last_verified, "cold_only": self.cold_only, "cold_since": self._cold_since}
        try:
            self._state_file.parent.mkdir(parents=True, exist_ok=True)
            self._state_file.write_text(json.dumps(kept), "utf-8")
        except OSError as error:
            log.info("what the last comparison found could not be kept: %s", error)


def _reason(nodeids: Sequence[str], warm: Mapping[str, Outcome], cold: Mapping[str, Outcome]) -> str:
    named = ", ".join(f"{nodeid} {warm[nodeid]} warm, {cold.get(nodeid, 'not run')} cold" for nodeid in nodeids[:NAMED])
    more = f" and {len(nodeids) - NAMED} more" if len(nodeids) > NAMED else ""
    return f"outcomes differ from a cold run: {named}{more}"
