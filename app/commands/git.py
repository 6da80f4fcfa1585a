"""`qd git`: the state of repositories, and operations on their branches that can be undone."""

from __future__ import annotations

import click

from app.commands.git_broadcast import broadcast
from app.commands.git_hygiene import hooks, hygiene
from app.commands.git_journal import finish, journal, redo, undo
from app.commands.git_operations import align, new, prune, push, rename, switch, sync, track
from app.commands.git_status import status


@click.group()
def git() -> None:
    """State of repositories, and operations on their branches that can be undone."""


for command in (
    *(status, switch, new, rename, align, sync, push, track, prune),
    *(undo, redo, finish, journal, hygiene, hooks, broadcast),
):
    git.add_command(command)
