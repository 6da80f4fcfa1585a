"""`qd feedback`: rows of feedback, from where they come to where they go."""

from __future__ import annotations

import click

from app.commands.feedback_client import client
from app.commands.feedback_decide import decide, redo, undo
from app.commands.feedback_import import import_
from app.commands.feedback_quarantine import quarantine
from app.commands.feedback_review import next_, review, stats
from app.commands.feedback_rows import export, list_
from app.commands.feedback_serve import poll, serve
from app.commands.feedback_take import add


@click.group()
def feedback() -> None:
    """Take in feedback on what models answered."""


for command in (
    *(add, import_, export, list_, next_, review, decide, undo, redo, stats, quarantine),
    *(serve, poll, client),
):
    feedback.add_command(command)
