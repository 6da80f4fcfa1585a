"""Summaries of pushes, merges and tags: rendered from a template, and sent where the user has said.

A target is named `scheme:rest`, or `scheme` alone. `file` and `stdout` are here; others join with `register`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, Protocol

from app.errors import UserError
from app.git.cli import Git
from app.git.model import RepositorySpec
from app.git.news import News, default_of, latest, remote_of
from app.git.words import shown

_MARKS = re.compile(r"([\\`*_~|\[\]<>])")
_LEADING = re.compile(r"^(\d*)([#+=.)-])")
_BLANK_LINES = re.compile(r"\n{3,}")


class Target(Protocol):
    """Where a summary can go."""

    async def deliver(self, text: str) -> None:
        """Send it. Raises UserError when that is not possible."""


Factory = Callable[[str, Path], Target]
"""Makes a target of what follows the scheme, and of the folder that relative paths start from. Raises UserError."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one target."""

    target: str
    state: Literal["sent", "failed"]
    error: str = ""


_factories: dict[str, Factory] = {}


def register(scheme: str, factory: Factory) -> None:
    """Add a kind of target, or replace it."""
    _factories[scheme] = factory


def target(name: str, base: Path) -> Target:
    """The target of this name. Raises UserError for one that there is not."""
    check_targets((name,))
    scheme, _, rest = name.partition(":")
    return _factories[scheme](rest, base)


def check_targets(names: Iterable[str]) -> None:
    """Raise UserError for a target of a kind that there is not: nothing is sent then."""
    for name in names:
        scheme = name.partition(":")[0]
        if scheme not in _factories:
            known = ", ".join(sorted(_factories))
            raise UserError(
                f"there is no target {shown(name)}", fix=f"name one of: {known}, such as file:~/broadcast.md"
            )


async def send(text: str, to: Iterable[str], base: Path) -> tuple[Delivery, ...]:
    """Send a text to every target; one that fails stops no other."""
    deliveries = []
    for name in to:
        try:
            await target(name, base).deliver(text)
        except UserError as error:
            deliveries.append(Delivery(name, "failed", str(error)))
        else:
            deliveries.append(Delivery(name, "sent"))
    return tuple(deliveries)


async def summary(spec: RepositorySpec, what: str = "", templates: Path | None = None) -> tuple[News, str]:
    """What is told by hand of a repository (see `news.latest`), and its text. Raises UserError."""
    git = Git(spec.path)
    remote = await remote_of(git, spec.remote)
    default = await default_of(git, remote, spec.default_branch)
    news = await latest(git, spec.name, what, remote=remote, default=default)
    return news, render(news, templates)


def render(news: News, templates: Path | None = None) -> str:
    """The summary as Markdown, ending with one line end. `templates` is a folder whose files replace the built-in ones.

    Raises UserError for a template that is wrong. Templates can neither change anything nor reach the system.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folders = [str(folder) for folder in (templates, files("templates").joinpath("git")) if folder is not None]
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update(md=md, count_of=count_of)
    name = f"{news.event}.md.j2"
    try:
        text = environment.get_template(name).render(news=news)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or name}:{error.lineno}"
        raise UserError(f"the template is wrong: {error.message}", where=where, fix="correct it") from None
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        where = str(templates / name) if templates is not None else name
        raise UserError(f"the template cannot be filled: {error}", where=where, fix="correct it") from None
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


def md(text: object) -> str:
    """Foreign text as plain words of Markdown: one line, no marks, no controls, nobody called by `@`."""
    escaped = _LEADING.sub(r"\1\\\2", _MARKS.sub(r"\\\1", shown(str(text), 300)))
    return escaped.replace("@", "@\u200b")


def count_of(number: int, noun: str) -> str:
    """`1 commit`, `3 commits`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class FileTarget:
    """Adds summaries to the end of a file, which is made when there is none."""

    path: Path

    async def deliver(self, text: str) -> None:
        """One write, so that two at once do not mix."""
        try:
            number = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            with os.fdopen(number, "wb", buffering=0) as file:
                before = "\n" if file.tell() or os.fstat(number).st_size else ""
                file.write((before + text).encode("utf-8", "backslashreplace"))
        except OSError as error:
            fix = "name another file, or make its folder"
            raise UserError(f"cannot be written: {error.strerror}", where=str(self.path), fix=fix) from None


class StdoutTarget:
    """Prints summaries."""

    async def deliver(self, text: str) -> None:
        """At once, whatever the terminal's encoding."""
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()


def _file(rest: str, base: Path) -> Target:
    if not rest or "\0" in rest:
        raise UserError("a file to add to is missing", fix="write file:PATH, such as file:~/broadcast.md")
    return FileTarget(Path(os.path.abspath(base / os.path.expanduser(rest))))  # noqa: PTH100, PTH111 - `~` of nobody


def _stdout(rest: str, base: Path) -> Target:
    return StdoutTarget()


register("file", _file)
register("stdout", _stdout)
