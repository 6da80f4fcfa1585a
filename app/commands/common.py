"""What all commands share: their options, reading the settings, printing JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from app import log
from app.settings import Loaded, load

SCHEMA = 1
"""Version of every JSON document; a change of meaning bumps it."""

# ASCII only: foreign text may hold what the terminal's encoding, or UTF-8 itself, cannot.
_PLAIN = json.JSONEncoder(allow_nan=False)
_INDENTED = json.JSONEncoder(allow_nan=False, indent=2)

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(function: Function) -> Function:
    """`--json`, as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function)


def config_option(function: Function) -> Function:
    """`--config PATH`, as the argument `config`; one given before the command counts where none comes after."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="PATH",
        callback=_config,
        help="Configuration to use.",
    )(function)


def load_settings(config: Path | None) -> Loaded:
    """The settings, with the log set up to them."""
    loaded = load(config)
    log.setup(loaded.settings.log, secrets=loaded.secrets())
    return loaded


def emit(document: Mapping[str, Any]) -> None:
    """Print one JSON document: on one line for a program, indented for a person."""
    encoder = _INDENTED if sys.stdout.isatty() else _PLAIN
    sys.stdout.write(encoder.encode({"schema": SCHEMA, **document}) + "\n")


def emit_line(document: Mapping[str, Any]) -> None:
    """Print one object of a stream; it is for the caller to flush."""
    sys.stdout.write(_PLAIN.encode(document) + "\n")


def _config(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        return value
    above = ctx.find_root().params.get("config")
    return above if isinstance(above, Path) else None
