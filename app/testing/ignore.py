"""Which files of a project are worth watching: what git would ignore is not, and neither are caches and editor litter.

Patterns are those of .gitignore everywhere, in the settings too.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path

from app.testing.gitignore import Rules

DEFAULT_WATCH: tuple[str, ...] = (
    "*.py",
    # Configuration that changes what runs, and how.
    *("*.toml", "*.ini", "*.cfg", ".env", ".coveragerc", "requirements*.txt"),
    *("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "Pipfile", "Pipfile.lock"),
    # Data that tests and the code under test read.
    *("*.json", "*.jsonl", "*.yaml", "*.yml", "*.csv", "*.tsv", "*.sql", "*.xml", "*.graphql"),
    *("*.html", "*.htm", "*.j2", "*.jinja", "*.jinja2", "*.css", "*.tcss"),
    # Doctest files.
    *("test*.txt", "test*.rst"),
)
"""Compiled files, documentation and lock files of other programs come and go with every run, and change no outcome."""

PROBE_PREFIX = ".quarterdeck-probe-"

_FOLDERS = frozenset(
    {
        *(".git", ".hg", ".svn", ".jj", "node_modules", "site-packages", "__pycache__", "__pypackages__"),
        *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".pytype", ".pyre", ".benchmarks"),
        *(".tox", ".nox", ".eggs", ".ipynb_checkpoints", ".idea", ".vscode", ".vs", ".direnv"),
        *(".venv", ".virtualenv", "htmlcov"),
    }
)
_ENDINGS = (".pyc", ".pyo", "~", ".swp", ".swo", ".swx", ".swn", "___jb_tmp___", "___jb_old___", ".kate-swp")


def always_ignored(name: str, *, folder: bool = False) -> bool:
    """Nobody's tests depend on a file or folder of this name."""
    if folder:
        return name in _FOLDERS or name.endswith(".egg-info")
    return name.endswith(_ENDINGS) or name.startswith((".#", PROBE_PREFIX)) or name == "4913"


class Patterns:
    """Patterns of the `watch` setting. The common forms are looked up instead of matched."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names: set[str] = set()
        self._suffixes: set[str] = set()
        others = []
        for pattern in patterns:
            plain = pattern.removeprefix("**/")
            if plain.startswith("*.") and plain[1:].isprintable() and not set(plain[1:]) & set("*?[]\\/!# "):
                self._suffixes.add(plain[1:])
            elif plain and not set(plain) & set("*?[]\\/!# "):
                self._names.add(plain)
            else:
                others.append(pattern)
        self._endings = tuple(self._suffixes)
        # With a negation the order matters: then every pattern has to be matched in turn.
        negated = any(pattern.startswith("!") for pattern in patterns)
        self._rules = Rules(patterns if negated else others)
        self._in_order = negated

    def may_match(self, name: str) -> bool:
        """False when no file of this name is wanted in any folder."""
        return bool(self._rules) or name in self._names or name.endswith(self._endings)

    def match(self, relative: str) -> bool:
        """True when a file at this path, with `/` between folders, is wanted."""
        if not self._in_order:
            name = relative.rpartition("/")[2]
            if name in self._names or name.endswith(self._endings):
                return True
        if not self._rules:
            return False
        verdict = self._rules.verdict(relative, folder=False)
        while verdict is None and relative:
            relative = relative.rpartition("/")[0]
            verdict = self._rules.verdict(relative, folder=True)
        return verdict is True


class IgnoreRules:
    """The .gitignore files of a tree and of the repository around it, and the `ignore` setting, which is stronger.

    Not thread-safe. Paths are relative to the root, with `/` between folders; the root is "".
    """

    def __init__(self, root: Path, ignore: Sequence[str] = ()) -> None:
        self.root = str(root)
        self._setting = Rules(ignore)
        self.environments: set[str] = set()
        """Folders that hold a virtual environment, which only a look into them can tell."""
        self._inner: dict[str, Rules] = {}
        self._outer: list[tuple[str, Rules]] = []
        """Rules from outside the root, strongest first, each with the root's path below where they stand."""
        self.git_dir: str | None = None
        self._read_repository()

    def copy(self) -> IgnoreRules:
        """The rules as they are now, for comparing with later ones."""
        twin = copy.copy(self)
        twin._inner = dict(self._inner)
        twin.environments = set(self.environments)
        return twin

    def read(self, folder: str) -> None:
        """Read the .gitignore of this folder, again if it was read before."""
        rules = Rules(_lines(os.path.join(self.root, folder, ".gitignore")))
        if rules:
            self._inner[folder] = rules
        else:
            self._inner.pop(folder, None)

    def ignored(self, relative: str, *, folder: bool = False) -> bool:
        """True when this path is ignored, given that the folder it is in is not."""
        if always_ignored(relative.rpartition("/")[2], folder=folder) or (folder and relative in self.environments):
            return True
        verdict = self._setting.verdict(relative, folder=folder)
        base = relative
        while verdict is None and base and self._inner:
            base = base.rpartition("/")[0]
            rules = self._inner.get(base)
            if rules is not None:
                verdict = rules.verdict(relative[len(base) + 1 :] if base else relative, folder=folder)
        for prefix, rules in self._outer:
            if verdict is None:
                verdict = rules.verdict(prefix + relative, folder=folder)
        return verdict is True

    def hidden(self, relative: str, *, folder: bool = False) -> bool:
        """True when this path or a folder above it is ignored."""
        position = relative.find("/")
        while position != -1:
            if self.ignored(relative[:position], folder=True):
                return True
            position = relative.find("/", position + 1)
        return self.ignored(relative, folder=folder)

    def _read_repository(self) -> None:
        top = self.root
        above: list[str] = []
        while not os.path.lexists(os.path.join(top, ".git")):
            parent = os.path.dirname(top)
            if parent == top:
                return
            top = parent
            above.append(top)
        self.git_dir, common = _git_folders(os.path.join(top, ".git"))
        places = [(folder, os.path.join(folder, ".gitignore")) for folder in above]
        for folder, path in [*places, (top, os.path.join(common, "info", "exclude"))]:
            rules = Rules(_lines(path))
            if rules:
                inner = os.path.relpath(self.root, folder).replace(os.sep, "/")
                self._outer.append(("" if inner == "." else f"{inner}/", rules))
        if self._root_is_ignored():
            # The project itself was configured: a repository around it that ignores it has no say in it.
            self._outer.clear()

    def _root_is_ignored(self) -> bool:
        for prefix, rules in self._outer:
            parts = prefix.split("/")[:-1]
            if any(rules.verdict("/".join(parts[:depth]), folder=True) for depth in range(1, len(parts) + 1)):
                return True
        return False


def _git_folders(dot_git: str) -> tuple[str, str]:
    """The repository's own folder and the one it shares with other worktrees."""
    git_dir = dot_git
    if not os.path.isdir(dot_git):
        for line in _lines(dot_git):
            if line.startswith("gitdir:"):
                git_dir = os.path.join(os.path.dirname(dot_git), line.removeprefix("gitdir:").strip())
    shared = _lines(os.path.join(git_dir, "commondir"))
    return git_dir, os.path.join(git_dir, shared[0].strip()) if shared else git_dir


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return file.read().split("\n")
    except OSError:
        return []
