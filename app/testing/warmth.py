"""Decides whether the next run may be warm, and builds and rebuilds the server that makes it so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.testing import interpreter
from app.testing.fingerprint import Fingerprint
from app.testing.interpreter import Interpreter
from app.testing.model import Level, ProjectSpec
from app.testing.preload import PreloadList, PreloadStore
from app.testing.run import RunRequest
from app.testing.supervisor import Supervisor

_WARMING_LIMIT_S = 90.0
_MAX_REBUILDS = 3
_WARMING = "warming up"


class Warmth:
    """The state of one project's warm servers: the one that serves, and the one that is being built to replace it.

    A server is known by its generation. One that was built for better serves until its successor is ready.
    """

    def __init__(
        self,
        spec: ProjectSpec,
        supervisor: Supervisor,
        cache_dir: Path,
        *,
        wanted: bool,
        on_level: Callable[[Level, str], None] | None,
    ) -> None:
        self.level: Level = "cold"
        self.reason = "not started" if wanted else "switched off"
        self._spec = spec
        self._supervisor = supervisor
        self._cache_dir = cache_dir
        self._wanted = wanted
        self._on_level = on_level
        self._fingerprint = Fingerprint(spec.path)
        self._built_on = ""
        self._packages = ""
        self._newest = 0
        self._building = 0
        self._serving = 0
        self._handed_back = ""
        self._rebuilds = 0
        self._python: Interpreter | None = None
        self._store: PreloadStore | None = None
        self._listed = PreloadList()
        self._loaded = PreloadList()
        self._stale = False
        self._settled = asyncio.Event()
        self._limit: asyncio.TimerHandle | None = None
        self._forbidden = ""
        self._forbidden_on = ""

    def packages_changed(self, python: Interpreter) -> bool:
        """Whether the interpreter, or what is installed for it, is no longer what it was."""
        now = self._fingerprint.packages(python.path, python.site_packages)
        changed = bool(self._packages) and now != self._packages
        self._packages = now
        return changed

    def begin(self, python: Interpreter) -> None:
        """Build a server unless the one there is, or the reason not to have one, still holds."""
        if not self._wanted:
            self._settled.set()
            return
        if not python.can_fork:
            self._decide("cold", "forking is not safe on this system")
            self._settled.set()
            return
        now = self._print(python)
        if self._forbidden:
            self._forbidden_on = self._forbidden_on or now
            if self._forbidden_on == now:
                return
            self._forbidden = ""
        if now == self._built_on and (not self._stale or self._building):
            return
        if now != self._built_on:
            self._drop_all()
            self._handed_back = ""
            self._rebuilds = 0
            self._store = PreloadStore(self._cache_dir, self._spec.path, python.path)
            self._listed = self._store.load(self._packages)
        self._built_on = now
        self._python = python
        self._build()

    def stop(self, reason: str) -> None:
        """Have no server until `begin`."""
        self._built_on = ""
        self._drop_all()
        self._settle("cold", reason)

    def forbid(self, reason: str) -> None:
        """Run cold until the project's environment changes."""
        self._forbidden, self._forbidden_on = reason, self._built_on
        self.stop(reason)

    def allow(self) -> None:
        """Take `forbid` back; the next `begin` builds a server."""
        self._forbidden = ""

    async def settled(self) -> None:
        """Wait until the server is ready or given up."""
        await self._settled.wait()

    def choose(self, request: RunRequest, python: Interpreter) -> tuple[bool, str]:
        """Whether this run may be warm, and if not, why."""
        if request.cold:
            return False, request.cold
        if request.hash_seed is not None:
            return False, "a hash seed is set"
        special = [key for key in request.env if key.startswith(("PYTHON", "LD_", "DYLD_"))]
        if special:
            return False, f"{special[0]} is set for this run"
        if not self._serving:
            return False, self.reason
        if self._handed_back and request.select is None and not request.skip:
            return False, self._handed_back
        if self._print(python) != self._built_on:
            return False, "the project's environment has changed"
        return True, ""

    def declined(self, reason: str, avoid: Iterable[str], *, lasting: bool) -> None:
        """A forked run found that it must be cold. With packages to avoid, a server without them is built.

        Not `lasting`: the reason may be that run's own arguments, and says nothing of the next one. A lasting reason
        holds for whole runs; chosen tests stay in one process and so may be warm nevertheless.
        """
        fresh = frozenset(avoid) - self._listed.avoid
        if fresh and self._rebuilds < _MAX_REBUILDS:
            self._drop_all()
            self._avoid(fresh)
            self._decide("cold", reason)
        elif lasting:
            self._handed_back = reason
            self._decide("cold", reason)

    def learn(self, names: Iterable[str], *, complete: bool) -> None:
        """Remember what a run has loaded; a server is rebuilt for it when that is worth its while."""
        if self._store is None:
            return
        newer = self._listed.learned(names, complete=complete)
        if newer != self._listed:
            self._listed = newer
            self._store.save(newer, self._packages)
        if self._serving or self._building:
            self._stale = self._stale or self._loaded.gains(newer)

    def heard(self, message: Any) -> None:
        """A server is ready, or has died."""
        generation = message["generation"]
        if message["is"] == "cooled":
            if generation == 0:
                self._building = self._serving = 0
                self._died(message, was_warming=False)
            elif generation == self._building:
                self._building = 0
                self._died(message, was_warming=True)
            elif generation == self._serving:
                self._serving = 0
                if self._building:
                    self._decide("cold", _WARMING)
                else:
                    self._died(message, was_warming=False)
        elif generation == self._building:
            self._ready(message)

    def _ready(self, message: Any) -> None:
        if message["own"]:
            self._give_up(f"{message['own'][0]} is loaded by an installed package, but is edited here")
        elif message["tasks"] > 1:
            names = frozenset(message["threads"])
            if names - self._listed.avoid and self._rebuilds < _MAX_REBUILDS:
                self._supervisor.cool(self._building)
                self._avoid(names)
                self._build()
            else:
                self._give_up(f"threads run in {', '.join(sorted(names) or message['thread_names']) or 'a plugin'}")
        else:
            self._serving, self._building = self._building, 0
            self._supervisor.serve(self._serving)
            self._settle("cold" if self._handed_back else "L1", self._handed_back)

    def _died(self, message: Any, *, was_warming: bool) -> None:
        if self._built_on and self._rebuilds < 1:
            self._rebuilds += 1
            if was_warming:
                # Something in the list brings the interpreter down when imported alone: do without it.
                self._listed = PreloadList(avoid=self._listed.avoid)
            self._supervisor.ensure()
            self._build()
            return
        said = [line for line in str(message.get("words", "")).splitlines() if line.strip()]
        self._give_up("the warm server ended" + (f": {said[-1].strip()[:200]}" if said else ""))

    def _avoid(self, names: frozenset[str]) -> None:
        self._rebuilds += 1
        self._stale = True
        self._listed = PreloadList(self._listed.modules, self._listed.avoid | names)
        if self._store is not None:
            self._store.save(self._listed, self._packages)

    def _build(self) -> None:
        assert self._python is not None
        self._stale = False
        self._loaded = self._listed
        self._newest += 1
        self._building = self._newest
        self._settled.clear()
        if not self._serving:
            self._decide("cold", _WARMING)
        payload = {
            "python": [self._python.path],
            "env": interpreter.environment(self._spec),
            "cwd": str(self._spec.path),
            "modules": self._listed.modules,
            "avoid": sorted(self._listed.avoid),
        }
        self._supervisor.warm(self._building, json.dumps(payload).encode())
        if self._limit is not None:
            self._limit.cancel()
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(_WARMING_LIMIT_S, self._give_up, f"not warm within {_WARMING_LIMIT_S:g} s")

    def _give_up(self, reason: str) -> None:
        """Build no more; a server that works goes on."""
        if self._building:
            self._supervisor.cool(self._building)
            self._building = 0
        if self._serving:
            self._settle(self.level, self.reason)
        else:
            self._settle("cold", reason)

    def _drop_all(self) -> None:
        self._supervisor.cool()
        self._building = self._serving = 0

    def _settle(self, level: Level, reason: str) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._decide(level, reason)
        self._settled.set()

    def _decide(self, level: Level, reason: str) -> None:
        if (level, reason) != (self.level, self.reason):
            self.level, self.reason = level, reason
            if self._on_level is not None:
                self._on_level(level, reason)

    def _print(self, python: Interpreter) -> str:
        return self._fingerprint.whole(python.path, python.site_packages, interpreter.environment(self._spec))
