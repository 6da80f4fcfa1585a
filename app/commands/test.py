"""`qd test`: run, watch and look back."""

from __future__ import annotations

import click

from app.commands.test_history import history
from app.commands.test_run import run
from app.commands.test_watch import watch


@click.group()
def test() -> None:
    """Run, watch and look back on the tests of a project."""


for command in (run, watch, history):
    test.add_command(command)
