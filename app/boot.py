"""Brings the engine in after the first frame, in steps small enough for keys to be answered in between."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.runtime import Runtime

HEAVY = ("pydantic", "pydantic_settings", "app.settings", "sqlalchemy", "watchfiles")
"""What every start needs; the driver of a database server costs 9 MB and comes only with such a database."""
SWITCH_S = 0.0005
BREATH_S = 0.001


def import_in_steps(modules: Iterable[str]) -> None:
    """Import one module after the other, for use in a thread beside a running event loop.

    Importing holds the interpreter for whole switch intervals, so that is made short meanwhile.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        for module in modules:
            import_module(module)
            time.sleep(BREATH_S)
    finally:
        sys.setswitchinterval(before)


def create(config: Path | None) -> Runtime:
    """Import the engine and build it. Raises UserError when the configuration is wrong."""
    import_in_steps((*HEAVY, "app.runtime"))
    from app.runtime import Runtime

    return Runtime.create(config)
