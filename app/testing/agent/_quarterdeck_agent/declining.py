"""Reasons for which a run cannot be had in every way: not in a fork of the warm server, or not in parts."""

from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional, Tuple

Declined = Tuple[str, List[str]]


def uses_xdist(config: Any) -> bool:
    """Whether the tests would run in worker processes of pytest-xdist."""
    return bool(
        config.getoption("dist", "no") not in ("no", None)
        or config.getoption("numprocesses", None)
        or config.getoption("tx", None)
    )


def disable_xdist(config: Any) -> None:
    """Run in this process: workers would not know which tests were chosen."""
    for name, value in (("dist", "no"), ("numprocesses", 0), ("tx", [])):
        if hasattr(config.option, name):
            setattr(config.option, name, value)


def _turns_warnings_into_errors(config: Any) -> bool:
    filters = list(config.getini("filterwarnings") or ()) + list(config.getoption("pythonwarnings", None) or ())
    filters += sys.warnoptions
    return any(str(line).partition(":")[0].strip() == "error" for line in filters)


def why_in_one(config: Any) -> str:
    """Why all tests must run in one process; empty when a second one may run what a first has left."""
    coverage = config.pluginmanager.get_plugin("_cov")
    if coverage is not None and not getattr(coverage, "_disabled", False):
        return "pytest-cov measures the whole run"
    if config.getoption("numprocesses", None):
        return "pytest-xdist distributes the tests"
    if config.getoption("maxfail", 0):
        return "the run stops at a failure"
    return ""


def why(config: Any, warned: Dict[str, List[str]]) -> Optional[Declined]:
    """A reason to go cold, and the packages that a rebuilt server had better leave out. None: go on."""
    if uses_xdist(config):
        return "pytest-xdist distributes the tests", []
    if config.getoption("forked", False):
        return "pytest-forked runs each test in a fork", []
    if warned and _turns_warnings_into_errors(config):
        names = sorted(warned)
        return "warnings are errors and %s warned when it was imported" % ", ".join(names[:3]), names
    return None
