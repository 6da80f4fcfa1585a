"""Which project a `qd test` command speaks of: one of the configuration, or any folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from app.config.lookup import shown
from app.errors import UserError
from app.settings import Loaded, load, project_specs
from app.testing.model import ProjectSpec

Function = TypeVar("Function", bound=Callable[..., Any])


def project_options(function: Function) -> Function:
    """`--project NAME | --path DIR [--python EXE]`."""
    for option in (
        click.option("--python", metavar="EXE", default="", help="Interpreter for --path (default: the folder's own)."),
        click.option(
            "--path", type=click.Path(path_type=Path), metavar="DIR", help="Any folder; needs no configuration."
        ),
        project_option,
    ):
        function = option(function)
    return function


def project_option(function: Function) -> Function:
    """`--project NAME`, as the argument `name`; the shell completes it."""
    return click.option(
        "--project", "name", metavar="NAME", shell_complete=_names, help="A project of the configuration."
    )(function)


def choose(
    loaded: Loaded, name: str | None, path: Path | None, python: str, *, any_folder: bool = True
) -> tuple[ProjectSpec, bool]:
    """The project, and whether the configuration knows it (so that its runs are kept).

    `any_folder`: the command takes --path, so what is missing from the configuration can be named with it.
    """
    if path is not None:
        if name is not None:
            raise UserError("--project and --path exclude each other", fix="give one of them")
        root = path.expanduser().absolute()
        if not root.is_dir():
            raise UserError("no such folder", where=str(root), fix="--path takes the folder that holds the tests")
        return ProjectSpec(root.name or str(root), root.resolve(), python=_interpreter(python)), False
    if python:
        raise UserError(
            "--python goes with --path", fix="a configured project names its interpreter in projects[].python"
        )
    specs = {spec.name: spec for spec in project_specs(loaded.settings, loaded.base)}
    if name is None and len(specs) == 1:
        return next(iter(specs.values())), True
    if name is None and specs:
        raise UserError("several projects are configured", fix=f"say which: --project with one of {', '.join(specs)}")
    if name is None:
        raise _no_project(loaded, "say which: --path DIR, or " if any_folder else "")
    if name not in specs:
        known = ", ".join(specs) or "none"
        raise UserError(
            f"no project named {name!r}", where=str(loaded.path or "no configuration"), fix=f"known: {known}"
        )
    return specs[name], True


def _no_project(loaded: Loaded, otherwise: str) -> UserError:
    """The configuration names no project: what is to be done depends on whether there is one at all."""
    if loaded.path is None:
        return UserError("no project is configured", fix=f"{otherwise}write a configuration with qd init")
    file = shown(loaded.path)
    fix = f"{otherwise}add [[projects]] with name and path to {file}"
    return UserError("no project is configured", where=file, fix=fix)


def absence(loaded: Loaded, spec: ProjectSpec) -> UserError | None:
    """What to say, with the line of the configuration, when a configured project's folder is gone."""
    if spec.path.is_dir():
        return None
    number = [project.name for project in loaded.settings.projects].index(spec.name)
    key = f"projects[{number}].path"
    return UserError(
        f"{key}: no such folder: {spec.path}", where=loaded.origin(key), fix="bring it back or correct the path"
    )


def _names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    try:
        loaded = load(ctx.params.get("config") or ctx.find_root().params.get("config"))
    except UserError:
        return []  # a shell that completes has no place for a message
    return [project.name for project in loaded.settings.projects if project.name.startswith(incomplete)]


def _interpreter(python: str) -> str:
    """A relative path counts from where the command was typed, a bare name is looked up on the PATH."""
    return str(Path(python).expanduser().absolute()) if "/" in python else python
