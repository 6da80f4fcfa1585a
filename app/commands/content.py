"""`qd content`: texts, and the style they are written in."""

from __future__ import annotations

import click

from app.commands.content_style import fix, lint


@click.group()
def content() -> None:
    """Check texts against the style guide, and put right what can be by itself."""


for command in (lint, fix):
    content.add_command(command)
