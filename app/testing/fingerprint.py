"""Whether anything has changed that the warm server was built on: interpreter, packages, configuration, environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

_CONFIGURATION = (
    "pyproject.toml",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    "tox.ini",
    "setup.cfg",
    "setup.py",
    ".env",
)
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt")
_PACKAGE_MARKS = (".dist-info", ".egg-info", ".pth", ".egg-link")
_MAX_HASHED = 4 << 20


class Fingerprint:
    """Computes the fingerprint of one project. What did not change since the last time is not read again."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def packages(self, python: str, site_packages: tuple[str, ...]) -> str:
        """Of the interpreter and the packages installed for it."""
        digest = hashlib.sha1(python.encode())
        for path in (python, os.path.realpath(python), str(Path(python).parent.parent / "pyvenv.cfg")):
            digest.update(repr(_stat(path)).encode())
        for folder in site_packages:
            digest.update(self._cached(folder, _list_packages).encode())
        return digest.hexdigest()

    def whole(self, python: str, site_packages: tuple[str, ...], env: Mapping[str, str]) -> str:
        """Of everything that a warm server depends on."""
        digest = hashlib.sha1(self.packages(python, site_packages).encode())
        for name in (*_CONFIGURATION, *_LOCKS):
            digest.update(self._cached(str(self._project / name), _hash_file).encode())
        for key in sorted(env):
            digest.update(f"{key}\0{env[key]}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _cached(self, path: str, read: Callable[[str], str]) -> str:
        stamp = _stat(path)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, read(path) if stamp else "")
        return known[1]


def _stat(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _hash_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.sha1(file.read(_MAX_HASHED)).hexdigest()
    except OSError:
        return ""


def _list_packages(folder: str) -> str:
    """Names and times of what installers leave behind; bytecode written beside it does not count."""
    marks: list[str] = []
    try:
        with os.scandir(folder) as entries:
            marks += [f"{e.name}:{e.stat().st_mtime_ns}" for e in entries if e.name.endswith(_PACKAGE_MARKS)]
    except OSError:
        return ""
    return hashlib.sha1("\n".join(sorted(marks)).encode("utf-8", "surrogateescape")).hexdigest()
