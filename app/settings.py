"""The settings: one typed tree, read from `config.toml` and the environment, with the origin of every value."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from app.config import environment, secrets
from app.config.lookup import Located, locate, shown
from app.config.model import (
    DatabaseSettings,
    LogSettings,
    ProjectSettings,
    Settings,
    TestsSettings,
    UiSettings,
)
from app.config.origins import Origins, in_order
from app.config.positions import KeyPath
from app.config.problems import Problem, SettingsError
from app.config.reading import read
from app.config.shape import leaves
from app.config.wording import sentence, unknown
from app.testing.ignore import DEFAULT_WATCH
from app.testing.model import ProjectSpec

__all__ = [
    "DatabaseSettings",
    "Loaded",
    "LogSettings",
    "Problem",
    "ProjectSettings",
    "Settings",
    "SettingsError",
    "SettingsFile",
    "TestsSettings",
    "UiSettings",
    "load",
    "project_specs",
]


@dataclass(frozen=True)
class Loaded:
    """Settings that are valid, and where they came from."""

    settings: Settings
    located: Located
    path: Path | None = None
    """The file that was read; None when there is none."""
    _origins: Mapping[str, str] = field(default_factory=dict)
    _secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the file's, or the current one when there is no file."""
        return self.path.parent if self.path is not None else Path.cwd()

    def origin(self, key: str) -> str:
        """`config.toml:14`, `environment QUARTERDECK_DATABASE__URL` or `default`, for a dotted key."""
        return self._origins.get(key, "default")

    def secrets(self) -> tuple[str, ...]:
        """All secret texts of the settings, for the log to leave out."""
        return self._secrets


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read, join and check everything; raises `SettingsError` with all problems at once."""
    located = locate(path, environ)
    document = read(located)
    variables = environment.read(environ)
    data = _joined(document.data, variables.values)
    origins = Origins(document, variables)
    problems = list(variables.problems)
    for key in [key for key in data if key not in Settings.model_fields]:
        problems.append(origins.problem((key,), unknown((key,))))
        del data[key]
    problems += _resolve_secrets(data, environ, origins)
    settings, found = _validated(data, origins)
    problems += found
    if settings is None or problems:
        raise SettingsError(in_order(problems))
    return Loaded(settings, located, document.path, origins.table(), tuple(_secret_texts(settings)))


def project_specs(settings: Settings, base: Path) -> tuple[ProjectSpec, ...]:
    """The projects with every path absolute; relative ones start from `base`."""
    return tuple(_spec(project, base) for project in settings.projects)


class SettingsFile:
    """The settings in force, and the file they are read from again when it changes."""

    def __init__(self, path: Path | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._asked, self._environ = path, environ
        self._seen = self._read = self._signature()
        self.current = load(path, environ)

    @property
    def watched(self) -> Path:
        """The file, which need not exist."""
        return locate(self._asked, self._environ).path

    def changed(self) -> bool:
        """Whether the file differs from what was read, and has not changed since the last call (it is saved whole)."""
        now = self._signature()
        settled, self._seen = now == self._seen, now
        return settled and now != self._read

    def reload(self) -> str:
        """Read again. On success `current` is new and the answer is empty; else it says why the old ones stay."""
        signature = self._signature()
        self._seen = self._read = signature
        try:
            if signature is None and self.current.path is not None:
                raise SettingsError([Problem(shown(self.watched), "", "the file is gone; put it back")])
            self.current = load(self._asked, self._environ)
        except SettingsError as error:
            return f"{error}\nThe settings from before stay in force."
        return ""

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            status = self.watched.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _joined(data: Mapping[str, Any], values: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """The file's values with those of the environment over them."""
    joined = copy.deepcopy(dict(data))
    for path, value in values.items():
        table: Any = joined
        for part in path[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            old = table.get(path[-1])
            both = isinstance(old, dict) and isinstance(value, dict)
            table[path[-1]] = {**old, **value} if both and isinstance(old, dict) else copy.deepcopy(value)
    return joined


def _resolve_secrets(data: dict[str, Any], environ: Mapping[str, str], origins: Origins) -> list[Problem]:
    problems = []
    for path, shape in leaves():
        table = _table(data, path[:-1])
        value = table.get(path[-1]) if table is not None else None
        if shape.kind != "secret" or not isinstance(value, str) or not secrets.is_reference(value):
            continue
        assert table is not None
        try:
            table[path[-1]] = secrets.resolve(value, environ)
            origins.resolved(path, value)
        except secrets.MissingSecretError as error:
            problems.append(origins.problem(path, str(error)))
            del table[path[-1]]
    return problems


def _table(data: Any, path: KeyPath) -> dict[Any, Any] | None:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else None


def _validated(data: dict[str, Any], origins: Origins) -> tuple[Settings | None, list[Problem]]:
    try:
        settings = Settings(**data)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False):
            path = tuple(part for part in detail["loc"] if part != "[key]")
            problems.append(origins.problem(path, sentence(detail)))
        return None, problems
    return settings, _duplicates(settings, origins)


def _duplicates(settings: Settings, origins: Origins) -> list[Problem]:
    """Two projects whose names differ at most in case: commands and the history tell projects apart by name."""
    first: dict[str, int] = {}
    problems = []
    for number, project in enumerate(settings.projects):
        earlier = first.setdefault(project.name.casefold(), number)
        if earlier != number:
            place = origins.where(("projects", earlier, "name"))
            text = f'the name "{project.name}" is taken by another project ({place}); give each its own'
            problems.append(origins.problem(("projects", number, "name"), text))
    return problems


def _secret_texts(settings: Settings) -> Iterable[str]:
    """Each secret, and the password inside it as it is written there and as it is sent."""
    for path, shape in leaves():
        if shape.kind == "secret":
            value: Any = settings
            for part in path:
                value = getattr(value, str(part))
            secret = str(value.get_secret_value())
            address, _, _ = secret.partition("://")[2].rpartition("@")
            password = address.partition(":")[2]
            yield from dict.fromkeys(text for text in (secret, password, unquote(password)) if text)


def _spec(project: ProjectSettings, base: Path) -> ProjectSpec:
    path = _absolute(str(project.path), base)
    python = project.python
    if os.sep in python or python.startswith("~"):
        python = str(_absolute(python, path))
    elif python:
        python = shutil.which(python) or python
    return ProjectSpec(
        name=project.name,
        path=path,
        python=python,
        args=project.args,
        env=dict(project.env),
        watch=project.watch or DEFAULT_WATCH,
        ignore=project.ignore,
    )


def _absolute(path: str, base: Path) -> Path:
    return Path(os.path.abspath(base / os.path.expanduser(path)))  # noqa: PTH100, PTH111 - `~name` of nobody must not raise
