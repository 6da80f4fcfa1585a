"""Where Quarterdeck keeps its own files, by the conventions of the system it runs on.

`$QUARTERDECK_HOME` puts all of them under one folder, which is what tests and portable set-ups use.
"""

from __future__ import annotations

import os
from pathlib import Path


def _folder(kind: str) -> Path:
    home = os.environ.get("QUARTERDECK_HOME")
    if home:
        return Path(home).expanduser() / kind
    import platformdirs

    dirs = platformdirs.PlatformDirs("quarterdeck", appauthor=False)
    return Path(getattr(dirs, f"user_{kind}_dir"))


def config_dir() -> Path:
    """Holds `config.toml`."""
    return _folder("config")


def data_dir() -> Path:
    """Holds the embedded database and the journal of waiting writes: losing it loses work."""
    return _folder("data")


def state_dir() -> Path:
    """Holds logs and the last snapshots: losing it costs a cold start."""
    return _folder("state")


def cache_dir() -> Path:
    """Holds what can be computed again."""
    return _folder("cache")
