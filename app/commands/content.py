"""`qd content`: texts, what they are made of, and the style they are written in."""

from __future__ import annotations

import click

from app.commands.content_ai import ai
from app.commands.content_drafts import diff, list_, render, show
from app.commands.content_keeping import archive, edit, rename, restore, trash
from app.commands.content_new import new, templates
from app.commands.content_publish import deliveries, dispatch, publish, resolve, targets, unpublish
from app.commands.content_style import fix, lint


@click.group()
def content() -> None:
    """Make drafts from templates, show them in every form, and check texts against the style guide."""


KEEPING = (edit, rename, restore, archive, trash)
PUBLISHING = (publish, deliveries, dispatch, resolve, unpublish, targets)

for command in (templates, new, list_, show, render, diff, *KEEPING, lint, fix, ai, *PUBLISHING):
    content.add_command(command)
