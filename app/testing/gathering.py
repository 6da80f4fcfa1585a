"""When changes that belong together are complete."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.testing.contents import Kind
from app.testing.scanner import Found

STORM = 10
"""From so many changed files on, more are expected to follow."""
STORM_QUIET_S = 0.1
STORM_MOST_S = 3.0
GIT_QUIET_S = 0.5
"""git holds its index while hooks run, too: without events it is not waited for longer than this."""
GIT_POLL_S = 0.02


@dataclass(slots=True)
class Gathering:
    """Changes found since the last batch.

    One save is complete at once. A file that is missing for the moment, a crowd of paths, and git at work are waited
    for, so that a branch switch is one batch and not a hundred.
    """

    changes: dict[str, Kind] = field(default_factory=dict)
    first: float = 0.0
    """time.monotonic() of the first event; 0 before it."""
    last: float = 0.0
    held: bool = False
    git_busy: bool = False

    def add(self, found: Found, kept: dict[str, Kind], now: float) -> None:
        """Take in what a step has found; `kept` are those of its changes that count."""
        if found.at or found.changes:
            self.first = self.first or found.at or now
            self.last = now
        self.held, self.git_busy = found.held, found.git_busy
        for path, kind in kept.items():
            merge(self.changes, path, kind)

    def wait(self, now: float) -> float:
        """Seconds until this should be looked at again; 0 when it is complete. Infinite: until the next event."""
        if self.held:
            return float("inf")
        if not self.changes:
            return 0.0
        if self.git_busy and now - self.last < GIT_QUIET_S:
            return GIT_POLL_S
        quiet = self.last + STORM_QUIET_S - now
        if len(self.changes) >= STORM and quiet > 0 and now - self.first < STORM_MOST_S:
            return quiet
        return 0.0


def merge(changes: dict[str, Kind], path: str, kind: Kind) -> None:
    """Put a later change of a file on top of an earlier one."""
    earlier = changes.get(path)
    if earlier == "added" and kind == "deleted":
        del changes[path]
    elif earlier == "added" and kind == "modified":
        return
    elif earlier == "deleted" and kind == "added":
        changes[path] = "modified"
    else:
        changes[path] = kind
