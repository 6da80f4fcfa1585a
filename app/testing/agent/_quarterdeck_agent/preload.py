"""What the warm server imports before it forks: pytest, its plugins, and what earlier runs were seen to import."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
import warnings
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest

from . import processes
from .installed import UNSAFE, is_installed, roots


@contextlib.contextmanager
def _elsewhere(folder: str) -> Iterator[None]:
    """Work in another folder and free of the run's pytest settings.

    What imported modules do to the interpreter stays, as it would in a run: hooks, paths, environment.
    """
    argv, here = list(sys.argv), os.getcwd()
    settings = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        sys.argv[:] = argv
        sys.path[:] = [entry for entry in sys.path if entry != folder]
        os.environ.update(settings)


def _own_plugins(project: str, installed: Tuple[str, ...]) -> List[str]:
    """Entry points of pytest plugins whose code is the project's: a run must load those afresh."""
    from importlib import metadata

    found: List[str] = []
    for distribution in metadata.distributions():
        for point in distribution.entry_points:
            if point.group != "pytest11":
                continue
            with contextlib.suppress(ImportError, ValueError, AttributeError):
                spec = importlib.util.find_spec(point.value.partition(":")[0].partition(".")[0])
                if spec is None:
                    continue
                places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
                if not all(is_installed(str(place), project, installed) for place in places):
                    found.append(point.name)
    return found


class _Rehearsal:
    """Imports what is asked for when the plugins are loaded, and ends before any of them configures itself.

    Then, because what they do next is for the run: some start threads or servers, which a fork would not have. Not
    later, because modules of plugins must pass through the import hook with which pytest rewrites assertions.
    """

    def __init__(self, payload: Dict[str, Any]) -> None:
        self._payload = payload
        self.report: Dict[str, Any] = {"warned": {}, "threads": {}, "failed": {}}

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self) -> int:
        """The first answer is the run's."""
        self.report = _import_all(self._payload["modules"], set(self._payload["avoid"]))
        return 0


def _rehearse(project: str, installed: Tuple[str, ...], rehearsal: _Rehearsal) -> None:
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        with open(os.path.join(folder, "pytest.ini"), "w", encoding="ascii") as file:
            file.write("[pytest]\n")
        arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", folder]
        for name in _own_plugins(project, installed):
            arguments += ["-p", "no:" + name]
        with _elsewhere(folder):
            pytest.main([*arguments, folder], plugins=[rehearsal])


def _import_all(names: List[str], avoid: Set[str]) -> Dict[str, Any]:
    """Import what can be imported; say what warned and what left native threads behind, by top-level name."""
    warned: Dict[str, List[str]] = {}
    threads: Dict[str, List[str]] = {}
    failed: Dict[str, List[str]] = {}
    count = processes.tasks()
    for name in names:
        top = name.partition(".")[0]
        if name in sys.modules or top in avoid or top in UNSAFE:
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                importlib.import_module(name)
            except BaseException as error:  # a broken package may raise anything, SystemExit included
                failed.setdefault(top, []).append("%s: %s" % (name, error))
        if caught:
            warned.setdefault(top, []).extend(str(item.message)[:200] for item in caught[:3])
        now = processes.tasks()
        if now > count:
            threads.setdefault(top, []).append(name)
        count = now
    return {"warned": warned, "threads": threads, "failed": failed}


def warm_up(payload: Dict[str, Any]) -> Dict[str, Any]:
    """Load everything there is to load, and report on it."""
    project = payload["cwd"]
    installed = roots()
    at_start = set(sys.modules)
    rehearsal = _Rehearsal(payload)
    _rehearse(project, installed, rehearsal)
    report = dict(rehearsal.report)
    main = sys.modules["__main__"]
    report["own"] = [
        name
        for name, module in list(sys.modules.items())
        if name not in at_start
        and not name.startswith("_quarterdeck")
        # Under this name multiprocessing, too, knows the main module; that is this agent, not the project.
        and module is not main
        and isinstance(getattr(module, "__file__", None), str)
        and not is_installed(str(module.__file__), project, installed)
    ]
    report["loaded"] = len(sys.modules)
    return report


def reseed() -> None:
    """Give a forked child random numbers of its own, as a new interpreter would have."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    mtrand = sys.modules.get("numpy.random.mtrand")
    if mtrand is not None:
        mtrand.seed()
    randomly = sys.modules.get("pytest_randomly")
    if randomly is not None and random is not None and hasattr(randomly, "default_seed"):
        vars(randomly)["default_seed"] = random.Random().getrandbits(32)
