"""One table of the configuration as it stands, for those who start too often to load the validator.

A small part of the standard library only; what the values are is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "QUARTERDECK_"
LARGEST = 1_000_000
"""Bytes; a longer file is no configuration."""


def given(values: Mapping[str, Any], environ: Mapping[str, str], table: str) -> dict[str, Any]:
    """A table with the variables of the environment over it; those of tables inside it as `inner__name`."""
    found = values.get(table)
    merged = dict(found) if isinstance(found, dict) else {}
    whole = f"{PREFIX}{table.upper()}"
    if whole in environ:
        merged.update(json_table(environ[whole]))
    start = f"{whole}__"
    merged.update({name[len(start) :].lower(): text for name, text in environ.items() if name.startswith(start)})
    return merged


def json_table(text: str) -> dict[str, Any]:
    """A table written as JSON; an empty one when it is none."""
    value = json_value(text)
    return value if isinstance(value, dict) else {}


def json_value(text: str) -> Any:
    """What a JSON text says; None when it is none."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
