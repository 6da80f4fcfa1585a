"""Which file the configuration is read from. Standard library only: the first frame needs it.

The current folder is never looked at: a configuration names commands to run, and a folder may be anybody's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from app import paths

FILE_NAME = "config.toml"
VARIABLE = "QUARTERDECK_CONFIG"


class Located(NamedTuple):
    """Where the configuration is, or would be. `named` is what the user named it with; empty for the usual place."""

    path: Path
    named: str = ""


def locate(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Located:
    """The file to read: the one asked for, else `$QUARTERDECK_CONFIG`, else the user's own."""
    if path is not None:
        return Located(_absolute(path), "--config")
    named = environ.get(VARIABLE, "")
    if named:
        return Located(_absolute(Path(named)), f"${VARIABLE}")
    return Located(paths.config_dir() / FILE_NAME)


def shown(path: Path) -> str:
    """A path as short as a terminal still opens it: relative below the current folder, else with `~`, else whole."""
    for base, prefix in ((_current_folder(), ""), (os.path.expanduser("~"), "~/")):  # noqa: PTH111
        if base and base != os.sep and path.is_relative_to(base):
            return prefix + str(path.relative_to(base))
    return str(path)


def default_file() -> Path:
    """The complete, commented configuration: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "config.default.toml"
    return installed if installed.exists() else package.parent / FILE_NAME


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - `~name` of nobody must not raise


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""
