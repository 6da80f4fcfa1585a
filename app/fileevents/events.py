"""What has happened to files, as every source reports it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Events:
    """What a source reports, as paths relative to the root."""

    at: float = 0.0
    """time.monotonic() of the first; 0 when there was none."""
    now: set[str] = field(default_factory=set)
    """Complete: written and closed, renamed, deleted; also new, moved and deleted folders."""
    soon: set[str] = field(default_factory=set)
    """Perhaps still being written."""
    lost: bool = False
    """Some events were dropped: everything has to be compared."""
    root: bool = False
    """The root itself was moved or deleted."""
