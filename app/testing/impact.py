"""Which test files a change most likely affects, nearest first.

The answer orders tests; it never leaves one out. Nearness is, in this order: the test file itself was edited; its name
matches; how many imports lie between the two.
"""

from __future__ import annotations

import ast
import contextlib
import heapq
import os
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.testing.contents import Contents
from app.testing.ignore import IgnoreRules, Patterns
from app.testing.imports import Scanned, scan
from app.testing.modules import DIRECT, IMPLICIT, Modules
from app.testing.nearness import NEAR, degree

CONFIGURATION = frozenset({".toml", ".ini", ".cfg", ".lock", ".env", ""})
"""Changes of these affect every test alike, unless some file mentions them."""
MOST_COMPARED = 200
"""With more changed files than this, names say nothing any more."""
UNKNOWN_S = 0.2
"""What a test file is taken to need before it has run once."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A test file that a change may affect. `distance` counts imports; None when only its name or place is near."""

    path: str
    distance: int | None
    why: str
    near: bool = False
    """True when its name says that it tests what changed."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Who imports whom. Never changed once it is in use: an update puts another one in its place."""

    edges: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    importers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mentions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of data files, and the files that mention them."""


class ImpactIndex:
    """The imports of one project. `update` belongs into a thread; `rank` may be called meanwhile."""

    def __init__(self, root: Path, *, ignore: Sequence[str] = ()) -> None:
        self._root = str(root.absolute())
        self._ignore = tuple(ignore)
        self._lock = threading.Lock()
        self._files: dict[str, Scanned] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._gone: set[str] = set()
        """Deleted files, which others may still import: those are affected."""
        self._modules: Modules | None = None
        self._graph = _Graph()

    def update(self, changed: Iterable[Path] | None) -> None:
        """Read the imports of these files again; None: of all files that are not as they were."""
        with self._lock:
            if changed is None:
                self._update_all()
                return
            dirty: set[str] = set()
            structure = False
            for path in changed:
                relative = self._relative(path)
                if relative is None or not relative.endswith(".py"):
                    continue
                before = self._files.get(relative)
                known = before is not None and relative not in self._gone
                after = self._read(relative)
                structure |= (after is not None) != known
                if after is not None and after != before:
                    self._files[relative] = after
                    dirty.add(relative)
                    structure |= relative.endswith("__init__.py")
                if after is None and known:
                    self._gone.add(relative)
                elif after is not None:
                    self._gone.discard(relative)
            if structure or self._modules is None:
                self._rebuild()
            elif dirty:
                self._replace(dirty)

    def rank(self, changed: Sequence[Path], test_files: Sequence[str]) -> tuple[Ranked, ...]:
        """The test files that these changes reach or that are named like them, nearest first.

        `test_files` are relative to the root, and come back as they were given.
        """
        graph = self._graph
        names = {relative for relative in map(self._relative, changed) if relative is not None}
        tests = {os.path.normpath(name).replace(os.sep, "/"): name for name in test_files}
        starts = dict.fromkeys(names, 0)
        for name in names:
            for user in graph.mentions.get(name.rpartition("/")[2], ()) if not name.endswith(".py") else ():
                starts.setdefault(user, DIRECT)
        distances, through = _spread(graph, starts, tests)
        named = sorted(name for name in names if name.endswith(".py")) if len(names) <= MOST_COMPARED else []
        ranked: list[tuple[tuple[int, int, int, str], Ranked]] = []
        for path, given in tests.items():
            best = max(((degree(name, path), name) for name in named), default=(0, ""), key=lambda item: item[0])
            distance = distances.get(path)
            near = best[0] >= NEAR
            if path in names:
                item = Ranked(given, 0, "edited", near=True)
                ranked.append(((0, 0, 0, path), item))
            elif distance is not None or near:
                why = f"named like {best[1]}" if near else _reason(path, through, names)
                far = 1_000_000 if distance is None else distance
                key = (1 if near else max(1, far), -best[0], far, path)
                ranked.append((key, Ranked(given, distance, why, near=near)))
        if not ranked:
            return _beside(names, tests)
        return tuple(item for _key, item in sorted(ranked, key=lambda pair: pair[0]))

    # Reading

    def _update_all(self) -> None:
        rules = IgnoreRules(Path(self._root), self._ignore)
        tree = Contents(self._root, rules, Patterns(("*.py",)), lambda _folder: None, lambda _folder: None)
        stamps: dict[str, tuple[int, int]] = {}
        for relative, status in tree.walk():
            stamp = (status.st_mtime_ns, status.st_size)
            if self._stamps.get(relative) == stamp and relative not in self._gone:
                stamps[relative] = stamp
                continue
            scanned = self._read(relative)
            if scanned is not None:
                stamps[relative] = stamp
                self._files[relative] = scanned
        self._gone = self._files.keys() - stamps.keys()
        self._stamps = stamps
        self._rebuild()

    def _read(self, relative: str) -> Scanned | None:
        try:
            with open(os.path.join(self._root, relative), "rb") as file:
                source = file.read()
        except OSError:
            return None
        self._stamps.pop(relative, None)
        after = scan(source)
        before = self._files.get(relative)
        if before is not None and not before.imports <= after.imports and not _is_python(source):
            return Scanned(before.imports | after.imports, after.data)
        return after

    def _rebuild(self) -> None:
        self._modules = Modules(self._files, self._import_roots())
        edges = {path: self._modules.edges(path) for path in self._files}
        importers: dict[str, dict[str, int]] = {}
        for path, targets in edges.items():
            for target, cost in targets.items():
                importers.setdefault(target, {})[path] = cost
        self._graph = _Graph(edges, importers, self._mentions())

    def _replace(self, dirty: set[str]) -> None:
        assert self._modules is not None
        edges, importers = dict(self._graph.edges), dict(self._graph.importers)
        for path in dirty:
            self._modules.forget(path)
            before, after = edges.get(path, {}), self._modules.edges(path)
            for target in before.keys() | after.keys():
                users = dict(importers.get(target, {}))
                users.pop(path, None)
                if target in after:
                    users[path] = after[target]
                importers[target] = users
            edges[path] = after
        self._graph = _Graph(edges, importers, self._mentions())

    def _mentions(self) -> dict[str, tuple[str, ...]]:
        mentions: dict[str, list[str]] = {}
        for path in sorted(self._files):
            for name in self._files[path].data:
                mentions.setdefault(name, []).append(path)
        return {name: tuple(paths) for name, paths in mentions.items()}

    def _import_roots(self) -> list[str]:
        """pytest's `pythonpath`, wherever it may be configured."""
        import configparser
        import tomllib

        found = ""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            text = Path(self._root, "pyproject.toml").read_text(encoding="utf-8")
            value = tomllib.loads(text)["tool"]["pytest"]["ini_options"]["pythonpath"]
            found = value if isinstance(value, str) else " ".join(value)
        for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
            parser = configparser.ConfigParser(interpolation=None)
            with contextlib.suppress(OSError, ValueError, configparser.Error):
                parser.read(os.path.join(self._root, name), encoding="utf-8")
                found += " " + parser.get(section, "pythonpath", fallback="")
        roots = (os.path.normpath(part).replace(os.sep, "/") for part in found.split())
        return ["" if root == "." else root for root in roots]

    def _relative(self, path: Path) -> str | None:
        text = str(path)
        if not os.path.isabs(text):
            return text.replace(os.sep, "/")
        prefix = os.path.join(self._root, "")
        return text[len(prefix) :].replace(os.sep, "/") if text.startswith(prefix) else None


def choose_first(
    ranked: Sequence[Ranked], durations: Mapping[str, float], budget_s: float = 1.5, most: int = 12
) -> tuple[str, ...]:
    """The test files that answer a save: as many of the nearest as have run within `budget_s` before.

    Edited test files and those named like what changed are always among them, however long they take. A file that
    does not fit the budget lets only others of its own distance take its place, none from farther away. There is at
    least one file if any is near at all, and at most `most` beyond the edited ones. A file that has never run is taken
    to need 0.2 s.
    """
    chosen: list[str] = []
    spent = 0.0
    others = 0
    farthest = float("inf")
    for item in ranked:
        edited = item.distance == 0
        distance = float("inf") if item.distance is None else item.distance
        takes = durations.get(item.path, UNKNOWN_S)
        if edited or (others < most and (item.near or not chosen)):
            fits = True
        else:
            fits = others < most and distance <= farthest and spent + takes <= budget_s
        if fits:
            chosen.append(item.path)
            spent += takes
            others += not edited
        else:
            farthest = min(farthest, distance)
    return tuple(chosen)


def _spread(
    graph: _Graph, starts: Mapping[str, int], tests: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """How far each file is from the nearest start, and the next file on the way there."""
    distances: dict[str, int] = {}
    through: dict[str, str] = {}
    queue = [(distance, path, path) for path, distance in starts.items()]
    heapq.heapify(queue)
    while queue:
        distance, path, origin = heapq.heappop(queue)
        if path in distances:
            continue
        distances[path] = distance
        if origin != path:
            through[path] = origin
        for user, cost in graph.importers.get(path, {}).items():
            if user not in distances:
                heapq.heappush(queue, (distance + cost, user, path))
        folder, _, name = path.rpartition("/")
        if name == "conftest.py":
            below = f"{folder}/" if folder else ""
            for test in tests:
                if test not in distances and test.startswith(below):
                    heapq.heappush(queue, (distance + IMPLICIT, test, path))
    return distances, through


def _reason(path: str, through: Mapping[str, str], names: set[str]) -> str:
    first = last = through.get(path, "")
    if not first:
        return "reads what changed"
    while last not in names and last in through:
        last = through[last]
    verb = "uses" if first.endswith("conftest.py") else "imports"
    return f"{verb} {first}" if first == last else f"{verb} {first}, which leads to {last}"


def _beside(names: set[str], tests: Mapping[str, str]) -> tuple[Ranked, ...]:
    """Test files that lie nearest to data that nothing mentions."""
    scores: dict[str, tuple[int, str]] = {}
    for name in sorted(names):
        folders = name.split("/")[:-1]
        if name.endswith(".py") or not folders or os.path.splitext(name)[1] in CONFIGURATION:
            continue
        for test in tests:
            score = len(set(folders) & set(test.split("/")[:-1]))
            if score > scores.get(test, (0, ""))[0]:
                scores[test] = (score, name)
    best = max((score for score, _name in scores.values()), default=0)
    chosen = sorted((path, name) for path, (score, name) in scores.items() if score == best)
    return tuple(Ranked(tests[path], None, f"lies near {name}") for path, name in chosen)


def _is_python(source: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "edited", "exec", dont_inherit=True, flags=ast.PyCF_ONLY_AST)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
