"""`qd config`: the configuration in force, what is wrong with it, and where it is."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import SecretStr

from app.commands.common import config_option, emit, json_option
from app.commands.table import AREAS
from app.config import toml
from app.config.lookup import locate, shown
from app.config.origins import in_order
from app.config.secrets import is_reference
from app.config.shape import dotted, leaves
from app.errors import UserError
from app.redact import MASK, names_a_secret, redact
from app.settings import (
    Loaded,
    Problem,
    ProjectSettings,
    RepositorySettings,
    SettingsError,
    absolute,
    content_style,
    load,
    named_values,
    project_specs,
)

if TYPE_CHECKING:
    from app.commands.root import Front


@click.group()
def config() -> None:
    """Show, check and find the configuration.

    It is read from --config, else $QUARTERDECK_CONFIG, else your configuration folder; variables such as
    QUARTERDECK_TESTS__POLL_S are stronger than the file.
    """


@config.command(
    epilog="\b\nExamples:\n  qd config show\n  qd config show --json | jq '.values[] | select(.origin != \"default\")'"
)
@config_option
@json_option
def show(config: Path | None, as_json: bool) -> int:
    """Every value in force and where it came from; secrets are masked."""
    loaded = load(config)
    rows = [(dotted(path), masked(path[-1], value)) for path, value in _values(loaded)]
    if as_json:
        values = [{"key": key, "value": value, "origin": loaded.origin(key)} for key, value in rows]
        emit({"path": str(loaded.path) if loaded.path else None, "values": values})
        return 0
    lines = [f"{key} = {toml.value(value)}" for key, value in rows]
    width = min(60, max(len(line) for line in lines))
    for (key, _), line in zip(rows, lines, strict=True):
        click.echo(f"{line:{width}}  # {loaded.origin(key)}")
    return 0


@config.command(epilog="\b\nExamples:\n  qd config check\n  qd config check --config config.toml --json")
@config_option
@json_option
@click.pass_obj
def check(front: Front, config: Path | None, as_json: bool) -> int:
    """Whether the configuration is right; exit code 2 when it is not.

    Folders and interpreters that are not there now are told as warnings: they may come back.
    """
    located = locate(config)
    try:
        loaded = _checked(config, front)
    except SettingsError as error:
        if not as_json:
            raise
        emit({"ok": False, "path": str(located.path), "problems": _documents(error.problems), "warnings": []})
        return 2
    warnings = list(missing(loaded))
    if as_json:
        path = str(loaded.path) if loaded.path else None
        emit({"ok": True, "path": path, "problems": [], "warnings": _documents(warnings)})
        return 0
    for warning in warnings:
        click.echo(f"warning: {warning}")
    name = shown(loaded.path) if loaded.path else f"no file at {shown(located.path)}, all defaults"
    number = len(loaded.settings.projects)
    click.echo(f"{name}: in order, {number} project{'' if number == 1 else 's'}")
    return 0


@config.command(epilog='\b\nExamples:\n  qd config path\n  $EDITOR "$(qd config path)"')
@config_option
@json_option
def path(config: Path | None, as_json: bool) -> int:
    """Which file the configuration is read from."""
    located = locate(config)
    exists = located.path.exists()
    if as_json:
        emit({"path": str(located.path), "exists": exists, "named_by": located.named or None})
        return 0
    click.echo(located.path)
    if not exists:
        click.echo("There is no such file yet; `qd init` writes it.", err=True)
    return 0


def masked(name: object, value: Any) -> Any:
    """A value as it may be shown."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if is_reference(secret):
            return secret
        return redact(secret) if "://" in secret else MASK if secret else ""
    if isinstance(value, dict):
        return {key: masked(key, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(name, inner) for inner in value]
    if isinstance(value, (str, Path)):
        return MASK if str(value) and names_a_secret(str(name)) else redact(str(value))
    return value


def missing(loaded: Loaded) -> Iterator[Problem]:
    """What the configuration names and this machine does not have now."""
    for number, repository in enumerate(loaded.settings.repositories):
        path = absolute(str(repository.path), loaded.base)
        if not path.is_dir():
            key = f"repositories[{number}].path"
            yield Problem(loaded.origin(key), key, f"no such folder: {path}")
    for number, spec in enumerate(project_specs(loaded.settings, loaded.base)):
        for name, there in (("path", spec.path.is_dir()), ("python", _runs(spec.python))):
            if not there:
                key = f"projects[{number}].{name}"
                target = spec.path if name == "path" else spec.python
                kind = "no such folder" if name == "path" else "no such interpreter"
                yield Problem(loaded.origin(key), key, f"{kind}: {target}")


def _checked(config: Path | None, front: Front) -> Loaded:
    """The settings, with their names looked up as well; raises `SettingsError` with all that is wrong in both."""
    try:
        loaded = load(config)
    except SettingsError as error:
        problems = [*error.problems, *_wrong_names(_legible(config, error), front)]
        raise SettingsError(in_order(problems)) from None
    if found := [*_wrong_names(loaded, front), *_wrong_style(loaded), *loaded.unset]:
        raise SettingsError(in_order(found))
    return loaded


def _legible(config: Path | None, error: SettingsError) -> Loaded:
    """What can be read of the names in a configuration that is wrong; the same error where that is nothing."""
    try:
        return named_values(config)
    except SettingsError:
        raise error from None


def _wrong_names(loaded: Loaded, front: Front) -> list[Problem]:
    """What only the app knows: areas, themes, actions and their keys."""
    found = front.wrong_names(loaded.settings.ui.theme, loaded.settings.keys)
    start = loaded.settings.ui.start
    if start and start.casefold() not in {name.casefold() for area in AREAS.items() for name in area}:
        near = difflib.get_close_matches(start.casefold(), AREAS, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f'write "" or one of: {", ".join(AREAS)}'
        found.insert(0, (("ui", "start"), f'unknown area "{start}"; {hint}'))
    return [Problem(loaded.origin(dotted(path)), dotted(path), what) for path, what in found]


def _wrong_style(loaded: Loaded) -> list[Problem]:
    """What only the style engine knows: its rules."""
    from app.content.style.rules import style

    try:
        style(content_style(loaded.settings))
    except UserError as error:
        # Of a rule all keys are meant: the line of the first one is shown.
        key = error.where if loaded.origin(error.where) != "default" else f"{error.where}.id"
        return [Problem(loaded.origin(key), error.where, f"{error.what}; {error.fix}")]
    return []


def _runs(python: str) -> bool:
    return not python or shutil.which(python) is not None


def _values(loaded: Loaded) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    settings = loaded.settings
    for path, _ in leaves():
        if path[0] not in ("keys", "projects", "repositories"):
            value: Any = settings
            for part in path:
                value = getattr(value, str(part))
            yield path, value
    for name, keys in settings.keys.items():
        yield ("keys", name), keys
    for number, repository in enumerate(settings.repositories):
        for field in RepositorySettings.model_fields:
            yield ("repositories", number, field), getattr(repository, field)
    for number, project in enumerate(settings.projects):
        for field in ProjectSettings.model_fields:
            yield ("projects", number, field), getattr(project, field)


def _documents(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [{"where": problem.where, "key": problem.key, "text": problem.text} for problem in problems]
