"""The settings: one typed tree, read from `config.toml` and the environment, with the origin of every value."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from app.config import environment, secrets
from app.config.content import ContentSettings, StyleSettings
from app.config.lookup import Located, locate, shown
from app.config.model import (
    BroadcastSettings,
    DatabaseSettings,
    DiscordSettings,
    FeedbackSettings,
    GitSettings,
    LogSettings,
    NamingSettings,
    ProjectSettings,
    ReceiverSettings,
    RepositorySettings,
    Settings,
    TestsSettings,
    UiSettings,
)
from app.config.origins import Origins, in_order
from app.config.positions import KeyPath
from app.config.problems import Problem, SettingsError
from app.config.reading import read
from app.config.retrain import RetrainSettings
from app.config.shape import leaves, shape_at
from app.config.wording import sentence, unknown
from app.content.style.model import Options, Override
from app.feedback.retrain.model import Pipeline
from app.git.model import RepositorySpec, Rules
from app.testing.ignore import DEFAULT_WATCH
from app.testing.model import ProjectSpec

__all__ = [
    "BroadcastSettings",
    "ContentSettings",
    "DatabaseSettings",
    "DiscordSettings",
    "FeedbackSettings",
    "GitSettings",
    "Loaded",
    "LogSettings",
    "NamingSettings",
    "Problem",
    "ProjectSettings",
    "ReceiverSettings",
    "RepositorySettings",
    "RetrainSettings",
    "Settings",
    "SettingsError",
    "SettingsFile",
    "StyleSettings",
    "TestsSettings",
    "UiSettings",
    "absolute",
    "broadcast_templates",
    "content_style",
    "git_rules",
    "load",
    "named_values",
    "project_specs",
    "repository_specs",
    "retrain_pipelines",
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
    unset: tuple[Problem, ...] = ()
    """References to secrets that lead nowhere: they stand in the settings as they were written, and what needs one of
    them says so (`app.config.secrets.revealed`)."""

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
    wrong, unset = _resolve_secrets(data, environ, origins)
    problems += wrong
    settings, found = _validated(data, origins)
    problems += found
    if settings is None or problems:
        raise SettingsError(in_order([*problems, *unset]))
    texts = tuple(_secret_texts(settings))
    return Loaded(settings, located, document.path, origins.table(), texts, tuple(in_order(unset)))


def named_values(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Loaded:
    """What names things of the app, where it can be read: `[ui]` and `[keys]`, and defaults for all that is wrong.

    For naming every problem at once, however many others there are; nothing can run on these settings. Raises
    `SettingsError` when the file cannot be read at all.
    """
    located = locate(path, environ)
    document = read(located)
    variables = environment.read(environ)
    data = _joined(document.data, variables.values)
    ui, keys = _table(data, ("ui",)) or {}, _table(data, ("keys",)) or {}
    texts = {name: ui[name] for name in ("theme", "start") if isinstance(ui.get(name), str)}
    keys = {action: key for action, key in keys.items() if isinstance(key, str)}
    settings = Settings(ui=UiSettings(**texts), keys=keys)
    return Loaded(settings, located, document.path, Origins(document, variables).table())


def project_specs(settings: Settings, base: Path) -> tuple[ProjectSpec, ...]:
    """The projects with every path absolute; relative ones start from `base`."""
    return tuple(_spec(project, base) for project in settings.projects)


def repository_specs(settings: Settings, base: Path) -> tuple[RepositorySpec, ...]:
    """Every repository to follow, once: the configured ones first, then those that hold the projects.

    A project's repository is the nearest folder at or above it with a `.git`; it is called as the project when the
    project is its top folder, else as that folder is. Relative paths start from `base`. Nothing is run, and what a
    path leads to need not exist.
    """
    found: dict[str, RepositorySpec] = {}
    names: set[str] = set()
    for given in settings.repositories:
        path = absolute(str(given.path), base)
        every_s = given.fetch_every_s or settings.git.fetch_every_s
        spec = RepositorySpec(given.name, path, given.remote, given.default_branch, max(0.0, every_s))
        if found.setdefault(os.path.realpath(path), spec) is spec:
            names.add(given.name.casefold())
    for project in settings.projects:
        folder = absolute(str(project.path), base)
        top = next((place for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), None)
        if top is None or os.path.realpath(top) in found:
            continue
        wanted = name = project.name if top == folder else top.name or project.name
        number = 1
        while name.casefold() in names:
            number += 1
            name = f"{wanted}-{number}"
        names.add(name.casefold())
        found[os.path.realpath(top)] = RepositorySpec(name, top, fetch_every_s=settings.git.fetch_every_s)
    return tuple(found.values())


def retrain_pipelines(settings: Settings, base: Path) -> tuple[Pipeline, ...]:
    """The pipelines of `[[feedback.retrain]]`, their folders absolute; relative ones start from `base`."""
    found = []
    for given in settings.feedback.retrain:
        values = {name: getattr(given, name) for name in RetrainSettings.model_fields}
        values |= {"folder": absolute(str(given.folder), base), "secret": given.secret.get_secret_value()}
        found.append(Pipeline(**values))
    return tuple(found)


def broadcast_templates(settings: Settings, base: Path) -> Path | None:
    """The folder of the user's own templates for summaries; None for the built-in ones alone."""
    given = settings.git.broadcast.templates
    return absolute(given, base) if given else None


def content_style(settings: Settings) -> Options:
    """What `[content.style]` says."""
    given = settings.content.style
    return Options(
        rules=tuple(rule.changes() for rule in given.rules),
        overrides=tuple(Override(**override.model_dump()) for override in given.overrides),
        on=given.on,
        off=given.off,
        severity=given.severity,
        dash=given.em_dash.replacement,
        ellipsis=given.ellipsis.form,
        emoji=given.emoji,
        quotes=given.quotes,
        vale=given.vale,
    )


def git_rules(settings: Settings) -> Rules:
    """What `[git]` and `[git.naming]` ask of branches and files."""
    git, naming = settings.git, settings.git.naming
    return Rules(
        pattern=naming.pattern,
        template=naming.template,
        examples=naming.examples,
        protected=git.protected,
        stale_days=git.stale_days,
        exempt=naming.exempt,
        large_file_mb=git.large_file_mb,
    )


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


def _resolve_secrets(
    data: dict[str, Any], environ: Mapping[str, str], origins: Origins
) -> tuple[list[Problem], list[Problem]]:
    """Put secrets in the place of their references. What is wrong with these, and which lead nowhere: all but the
    database can be done without, so those stay."""
    problems: list[Problem] = []
    unset: list[Problem] = []
    for path in _secret_places(data):
        table = _table(data, path[:-1])
        value = table.get(path[-1]) if table is not None else None
        if not isinstance(value, str) or not secrets.is_reference(value):
            continue
        assert table is not None
        try:
            table[path[-1]] = secrets.resolve(value, environ)
            origins.resolved(path, value)
        except secrets.MissingSecretError as error:
            found = origins.problem(path, str(error))
            if secrets.is_named(value) and path != ("database", "url"):
                unset.append(found)
            else:
                problems.append(found)
                del table[path[-1]]
    return problems, unset


def _secret_places(data: Any) -> Iterator[KeyPath]:
    """The path of every secret that there may be: of the tables, and of each table in the lists that `data` has."""
    for path, shape in leaves():
        if shape.kind == "secret":
            yield path
        elif shape.kind == "tables" and shape.table is not None:
            entries = _at(data, path)
            for number in range(len(entries) if isinstance(entries, list | tuple) else 0):
                for name in shape.table.model_fields:
                    inner = shape_at((*path, number, name))
                    if inner is not None and inner.kind == "secret":
                        yield (*path, number, name)


def _at(data: Any, path: KeyPath) -> Any:
    """What stands at a path of plain data or of settings; None where nothing does."""
    for part in path:
        if isinstance(part, int):
            data = data[part] if isinstance(data, list | tuple) and part < len(data) else None
        else:
            data = data.get(part) if isinstance(data, dict) else getattr(data, part, None)
    return data


def _table(data: Any, path: KeyPath) -> dict[Any, Any] | None:
    found = _at(data, path)
    return found if isinstance(found, dict) else None


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
    """Two of a kind whose names differ at most in case: commands and the history tell them apart by name."""
    problems = []
    for table, kind, entries in (
        (("feedback", "retrain"), "pipeline", settings.feedback.retrain),
        (("content", "ai", "profiles"), "profile", settings.content.ai.profiles),
        (("content", "targets"), "target", settings.content.targets),
        (("repositories",), "repository", settings.repositories),
        (("projects",), "project", settings.projects),
    ):
        first: dict[str, int] = {}
        for number, name in enumerate(entry.name for entry in entries):
            earlier = first.setdefault(name.casefold(), number)
            if earlier != number:
                place = origins.where((*table, earlier, "name"))
                text = f'the name "{name}" is taken by another {kind} ({place}); give each its own'
                problems.append(origins.problem((*table, number, "name"), text))
    return problems


def _secret_texts(settings: Settings) -> Iterable[str]:
    """Each secret, and the password inside it as it is written there and as it is sent."""
    for path in _secret_places(settings):
        secret = str(_at(settings, path).get_secret_value())
        if secrets.is_reference(secret):
            continue
        address, _, _ = secret.partition("://")[2].rpartition("@")
        password = address.partition(":")[2]
        yield from dict.fromkeys(text for text in (secret, password, unquote(password)) if text)


def _spec(project: ProjectSettings, base: Path) -> ProjectSpec:
    path = absolute(str(project.path), base)
    python = project.python
    if os.sep in python or python.startswith("~"):
        python = str(absolute(python, path))
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


def absolute(path: str, base: Path) -> Path:
    """A path as the configuration has it, from `base` where it is relative; `~` is the home."""
    return Path(os.path.abspath(base / os.path.expanduser(path)))  # noqa: PTH100, PTH111 - `~name` of nobody must not raise
