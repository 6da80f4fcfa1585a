"""Which repository a `qd git` command speaks of, and the service that answers for it."""

from __future__ import annotations

import difflib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from app import paths
from app.errors import UserError
from app.events import Bus
from app.git.model import RepositorySpec
from app.git.service import GitService
from app.settings import Loaded, git_rules, load, repository_specs
from app.storage import Storage

Function = TypeVar("Function", bound=Callable[..., Any])
KEEP_S = 5.0
"""How long the command waits for the database to take the journal's rows; what it does not take now, it takes later."""


def repository_options(function: Function) -> Function:
    """`--repo NAME | --path DIR`, as the arguments `repo` and `path`; the shell completes the names."""
    for option in (
        click.option(
            "--path", type=click.Path(path_type=Path), metavar="DIR", help="Any repository; needs no configuration."
        ),
        click.option("--repo", metavar="NAME", shell_complete=_names, help="A repository of the configuration."),
    ):
        function = option(function)
    return function


def choose(loaded: Loaded, repo: str | None, path: Path | None) -> RepositorySpec:
    """The repository meant: the one named, else the one that the current folder is in, else the only one configured."""
    if repo is not None and path is not None:
        raise UserError("--repo and --path exclude each other", fix="give one of them")
    specs = repository_specs(loaded.settings, loaded.base)
    if repo is not None:
        for spec in specs:
            if spec.name == repo:
                return spec
        names = [spec.name for spec in specs]
        near = difflib.get_close_matches(repo, names, n=1)
        fix = f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"
        raise UserError(f"no repository named {repo!r}", where=str(loaded.path or "no configuration"), fix=fix)
    folder = (path.expanduser() if path is not None else Path.cwd()).absolute()
    if not folder.is_dir():
        raise UserError("no such folder", where=str(folder), fix="--path takes the folder of a repository")
    top = _top(folder)
    if top is None:
        if path is None and len(specs) == 1:
            return specs[0]
        what = "no repository is meant: the current folder is in none" if path is None else "not in a git repository"
        raise UserError(what, where=str(folder), fix="say which: --repo NAME or --path DIR")
    for spec in specs:
        if os.path.realpath(spec.path) == os.path.realpath(top):
            return spec
    return RepositorySpec(top.name or str(top), top)


def choose_many(loaded: Loaded, repo: str | None, path: Path | None) -> tuple[RepositorySpec, ...]:
    """The repository named, or all that are configured, or the one of the current folder where none is."""
    if repo is None and path is None:
        specs = repository_specs(loaded.settings, loaded.base)
        if specs:
            return specs
    return (choose(loaded, repo, path),)


@asynccontextmanager
async def opened(loaded: Loaded, specs: Sequence[RepositorySpec], *, keeps: bool) -> AsyncIterator[GitService]:
    """A service for these repositories. With `keeps`, operations are kept in the database."""
    async with Storage.opened(loaded.settings) as storage:
        bus = Bus()
        service = GitService(
            specs,
            git_rules(loaded.settings),
            bus=bus,
            cache_dir=paths.cache_dir(),
            data_dir=paths.data_dir(),
            spool=storage.spool if keeps else None,
            config=loaded.path,
        )
        await service.start()
        try:
            yield service
        finally:
            await service.close()
            if keeps:
                storage.spool.start(storage.db, bus)
                await storage.spool.flush(KEEP_S)


def _top(folder: Path) -> Path | None:
    """The top of the repository that a folder is in: that with a `.git`, or a bare repository itself."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place / ".git") or ((place / "HEAD").is_file() and (place / "objects").is_dir()):
            return place
    return None


def _names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    try:
        loaded = load(ctx.params.get("config") or ctx.find_root().params.get("config"))
        names = [spec.name for spec in repository_specs(loaded.settings, loaded.base)]
    except UserError:
        return []  # a shell that completes has no place for a message
    return [name for name in names if name.startswith(incomplete)]
