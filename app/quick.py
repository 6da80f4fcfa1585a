"""The few settings that the first frame needs, read in milliseconds and without complaint.

What is wrong falls back to its default here; `app.settings.load` reports it right after the frame. Standard library
only. The defaults repeat those of `app.config.model`, and a test compares them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import paths
from app.config.given import LARGEST, given
from app.config.lookup import locate

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
CHOSEN_FILE = "theme.toml"
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class QuickLog:
    """`[log]`, as `app.log.setup` takes it."""

    level: str = "INFO"
    max_mb: int = 5
    files: int = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """A theme that was chosen in the app itself."""

    theme: str
    instead_of: str
    """The theme that the configuration named then; the choice ends when it names another."""


@dataclass(frozen=True, slots=True)
class Quick:
    """What the first frame needs of the configuration."""

    theme: str = "quarterdeck"
    start: str = ""
    clock: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    log: QuickLog = field(default_factory=QuickLog)
    config_path: Path | None = None
    """The file that was read; None when there is none or it cannot be read."""
    chosen: Chosen | None = None
    """`theme` is what the configuration says; this is what was chosen over it, which may be out of date."""


def quick(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Quick:
    """Theme, start, keys and log, from the file and the environment."""
    located = locate(path, environ)
    data = _read(located.path)
    values = {} if data is None else data
    ui, log, keys = (given(values, environ, name) for name in ("ui", "log", "keys"))
    defaults, log_defaults = Quick(), QuickLog()
    level = log.get("level")
    return Quick(
        theme=_text(ui.get("theme"), defaults.theme),
        start=_text(ui.get("start"), defaults.start),
        clock=_flag(ui.get("clock"), defaults.clock),
        keys={name: value for name, value in keys.items() if isinstance(value, str)},
        log=QuickLog(
            level=level if level in LEVELS else log_defaults.level,
            max_mb=_whole(log.get("max_mb"), log_defaults.max_mb, most=1000),
            files=_whole(log.get("files"), log_defaults.files, most=100),
        ),
        config_path=None if data is None else located.path,
        chosen=choices().get(choice_key(located.path)),
    )


def chosen_file() -> Path:
    """Where `app.chosen` keeps the themes that were chosen in the app: a table for each configuration, by its path."""
    return paths.state_dir() / CHOSEN_FILE


def choice_key(config: Path) -> str:
    """The name of a configuration's table there, from its absolute path: that path, whatever bytes are in it."""
    return str(config).encode("utf-8", "backslashreplace").decode("utf-8")


def choices() -> dict[str, Chosen]:
    """The theme that was chosen over each configuration, by `choice_key`, the latest last."""
    found = {}
    for config, entry in (_read(chosen_file()) or {}).items():
        values = entry if isinstance(entry, dict) else {}
        theme, instead_of = _text(values.get("theme"), ""), _text(values.get("instead_of"), "")
        if theme:
            found[config] = Chosen(theme, instead_of)
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        return {} if len(raw) > LARGEST else tomllib.loads(raw.decode("utf-8-sig"))
    except OSError:
        return None
    except (ValueError, RecursionError):
        return {}


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default


def _flag(value: Any, default: bool) -> bool:
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower(), default) if isinstance(value, str) else default


def _whole(value: Any, default: int, most: int) -> int:
    try:
        number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else default
    except ValueError:
        return default
    return number if 1 <= number <= most else default
