"""What a project's runs were seen to import, kept so that the warm server can import it ahead of the next one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = 1
_SUBSTANTIAL = 15


@dataclass(frozen=True, slots=True)
class PreloadList:
    """Modules in the order of their import, and the packages that a warm server must not hold."""

    modules: tuple[str, ...] = ()
    avoid: frozenset[str] = frozenset()

    def learned(self, names: Iterable[str], *, complete: bool) -> PreloadList:
        """The list after a run that loaded `names`; a run that is not `complete` can only add."""
        found = tuple(dict.fromkeys(names))
        if not complete:
            found = tuple(dict.fromkeys((*self.modules, *found)))
        return PreloadList(found, self.avoid)

    def gains(self, newer: PreloadList) -> bool:
        """Whether a server built on `newer` would spare the runs enough to be worth building."""
        added = set(newer.modules) - set(self.modules)
        known = {name.partition(".")[0] for name in self.modules} | self.avoid
        return len(added) >= _SUBSTANTIAL or any(name.partition(".")[0] not in known for name in added)


class PreloadStore:
    """One small file for each pair of project and interpreter. What is unreadable is as good as absent."""

    def __init__(self, folder: Path, project: Path, python: str) -> None:
        key = hashlib.sha1(f"{project}\0{python}".encode("utf-8", "surrogateescape")).hexdigest()[:20]
        self._path = folder / "preload" / f"{key}.json"

    def load(self, packages: str) -> PreloadList:
        """The list last saved. Other packages than then may behave differently: nothing is avoided on old evidence."""
        try:
            content = json.loads(self._path.read_text("utf-8"))
            if content["schema"] != _SCHEMA:
                return PreloadList()
            avoid = content["avoid"] if content["packages"] == packages else ()
            return PreloadList(tuple(map(str, content["modules"])), frozenset(map(str, avoid)))
        except (OSError, ValueError, KeyError, TypeError):
            return PreloadList()

    def save(self, listed: PreloadList, packages: str) -> None:
        """Replace the file in one step. A disk that refuses costs warmth at the next start, nothing else."""
        content = {
            "schema": _SCHEMA,
            "packages": packages,
            "modules": listed.modules,
            "avoid": sorted(listed.avoid),
        }
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, suffix=".new")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(content, file)
                Path(name).replace(self._path)
            finally:
                Path(name).unlink(missing_ok=True)
