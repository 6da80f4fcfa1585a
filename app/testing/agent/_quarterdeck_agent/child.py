"""The process in which pytest runs: a fork of the warm server, or a new interpreter for a cold run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from typing import Any, Callable, Dict, List, Optional

from . import private
from .events import Events
from .payload import read_payload


def adopt_environment(before: Dict[str, str], wanted: Dict[str, str]) -> None:
    """Turn the environment that the server was started with into the one that the run is to have."""
    for key, value in wanted.items():
        if before.get(key) != value:
            os.environ[key] = value
    for key in before:
        if key not in wanted:
            os.environ.pop(key, None)


def become_pytest(cwd: str, args: List[str]) -> None:
    """Look like `python -m pytest ARGS` to code that asks: folder, path, arguments and main module."""
    os.chdir(cwd)
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.getcwd())
    spec = importlib.util.find_spec("pytest.__main__")
    main = types.ModuleType("__main__")
    if spec is not None and spec.origin:
        main.__spec__, main.__loader__, main.__package__, main.__file__ = spec, spec.loader, "pytest", spec.origin
        sys.argv = [spec.origin, *args]
    main.__dict__["__builtins__"] = __builtins__
    # Tests of multiprocessing look at this module; the one that started us keeps living through its own functions.
    sys.modules["__main__"] = main
    if "__mp_main__" in sys.modules:
        sys.modules["__mp_main__"] = main
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = [sys.executable, "-m", "pytest", *args]


RunPytest = Callable[[Dict[str, Any], Events, Optional[Dict[str, Any]]], int]


def run(job: Dict[str, Any], events_fd: int, run_pytest: RunPytest, warned: Optional[Dict[str, Any]] = None) -> None:
    """Run pytest and stream its events. Ends a forked child without unwinding into the server."""
    events = Events(events_fd)
    forked = warned is not None
    code = 3
    try:
        code = run_pytest(job, events, warned)
    finally:
        if forked:
            _end_fork(code)
    sys.exit(code)


def _end_fork(code: int) -> None:
    """End as an interpreter ends: wait for threads, run what was registered for the exit, flush; then go at once."""
    import atexit
    import threading
    import traceback

    try:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        getattr(threading, "_shutdown", lambda: None)()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException:
        os._exit(code or 1)
    os._exit(code)


def main(fds: List[int]) -> None:
    """Run cold: a new interpreter that nothing has been loaded into."""
    payload = read_payload(fds[0])
    # Before the path leads into the project, whose modules may bear the names of the standard library's.
    for name in ("failures", "installed"):
        importlib.import_module("_quarterdeck_agent." + name)
    private.hide()
    become_pytest(payload["cwd"], payload["args"])
    # Only now, when the path is what pytest itself would find.
    from .plugin import run_pytest

    run(payload, fds[1], run_pytest)
