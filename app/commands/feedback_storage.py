"""What the commands of feedback share: the storage with its journal draining, reviewers, filters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.errors import UserError
from app.feedback.filters import Filter, FilterError, Term, moment, parse, suggestions
from app.feedback.model import STATES

if TYPE_CHECKING:
    from app.settings import Loaded
    from app.storage import Storage

FLUSH_S = 10.0
"""How long a write that is kept already may take to reach the database before the command says so and ends."""

Function = TypeVar("Function", bound=Callable[..., Any])


@asynccontextmanager
async def opened(loaded: Loaded) -> AsyncIterator[Storage]:
    """The storage, with what waits in the journal on its way to the database."""
    from app.events import Bus
    from app.storage import Storage

    async with Storage.opened(loaded.settings) as storage:
        storage.spool.start(storage.db, Bus())
        yield storage


def reviewer_of(loaded: Loaded, given: str) -> str:
    """Who reviews: as given, as configured, or the user of this machine. Raises UserError for what is no name."""
    from app.feedback import texts
    from app.feedback.service import user_name
    from app.feedback.tables import NAME_LENGTH

    if not given:
        return loaded.settings.feedback.reviewer or user_name()
    name = texts.name(given)
    if not 0 < len(name) <= NAME_LENGTH:
        raise UserError(f"a name has 1 to {NAME_LENGTH} characters", where="--reviewer", fix="write another one")
    return name


def reviewer_option(function: Function) -> Function:
    """`--reviewer NAME`."""
    about = "Who reviews [default: as configured, else the user of this machine]."
    return click.option("--reviewer", metavar="NAME", default="", help=about)(function)


def complete_filter(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Words of the filter language."""
    return suggestions(incomplete)


def filter_options(function: Function) -> Function:
    """`--where FILTER --state STATE --since TIME`, as `where`, `states` and `since`."""
    for option in (
        click.option("--since", metavar="TIME", help="Captured then or later: 2026-11-01, today, 7d."),
        click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="In this state; may repeat."),
        click.option(
            "--where", metavar="FILTER", default="", shell_complete=complete_filter, help="Such as 'model:v3 score:<0'."
        ),
    ):
        function = option(function)
    return function


def filter_of(where: str, states: tuple[str, ...] = (), since: str | None = None) -> Filter:
    """The filter that the options make together. Raises UserError, which is a FilterError where a term is wrong."""
    given = parse(where)
    more = parse(f"state:{','.join(states)}").terms if states else ()
    if since is not None:
        try:
            more = (*more, Term("after", moment(since)))
        except FilterError as error:
            # It is no place in a filter that the user wrote.
            raise UserError(error.what, where="--since", fix=error.fix) from None
    return Filter(given.terms + more)
