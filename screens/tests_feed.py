"""What the Tests screen knows of the projects, gathered from events until there is time to paint them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.testing.model import ProjectSnapshot

LEAST_S = 0.05
"""Between two paints of a stream."""
NOTHING: frozenset[str] = frozenset()


class Feed:
    """The latest snapshots by project, and which tests of the shown project differ from what is painted."""

    def __init__(self) -> None:
        self.snapshots: dict[str, ProjectSnapshot] = {}
        self.current = ""
        self.dirty = False
        self._changed: frozenset[str] | None = NOTHING
        self._files: dict[str, tuple[str, tuple[str, ...]]] = {}

    @property
    def snapshot(self) -> ProjectSnapshot | None:
        """The shown project's."""
        return self.snapshots.get(self.current)

    def load(self, snapshots: Iterable[ProjectSnapshot]) -> None:
        """Take over all projects; the shown one stays, if it is still there."""
        self.snapshots = {snapshot.name: snapshot for snapshot in snapshots}
        if self.current not in self.snapshots:
            self.current = next(iter(self.snapshots), "")
        self._changed = None
        self.dirty = True

    def put(self, snapshot: ProjectSnapshot, changed: frozenset[str] | None) -> None:
        """A project has a new snapshot."""
        self.snapshots[snapshot.name] = snapshot
        self.dirty = True
        if snapshot.progress is not None:
            self._files[snapshot.name] = snapshot.progress.run_id, snapshot.progress.files
        if not self.current:
            self.current = snapshot.name
        if snapshot.name == self.current:
            self._changed = None if changed is None or self._changed is None else self._changed | changed

    def take(self) -> frozenset[str] | None:
        """The tests that differ since the last call (None: any may)."""
        changed, self._changed, self.dirty = self._changed, NOTHING, False
        return changed

    def choose(self, name: str) -> bool:
        """Show another project; True if it is another."""
        if name == self.current or name not in self.snapshots:
            return False
        self.current, self._changed, self.dirty = name, None, True
        return True

    def after(self, step: int = 1) -> str:
        """The project that follows the shown one, round the end."""
        names = list(self.snapshots)
        return names[(names.index(self.current) + step) % len(names)] if self.current in names else ""

    def saved_files(self) -> tuple[str, ...]:
        """The saved files that set off the shown project's last run, while that is remembered."""
        snapshot = self.snapshot
        run_id, files = self._files.get(self.current, ("", ()))
        return files if snapshot is not None and snapshot.last is not None and snapshot.last.run_id == run_id else ()
