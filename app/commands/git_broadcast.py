"""`qd git broadcast`: a summary of a push, a merge or a tag, for others to read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.git_repository import choose, repository_options
from app.git.broadcast import Delivery, check_targets, send, summary
from app.git.model import RepositorySpec
from app.git.news import News
from app.settings import broadcast_templates

EPILOG = """\b
Examples:
  qd git broadcast
  qd git broadcast v1.2 --to file:CHANGES.md
  qd git broadcast main~5..main --to stdout
"""


@click.command(epilog=EPILOG)
@click.argument("what", default="", metavar="[TAG|BRANCH|A..B]")
@click.option(
    "--to", multiple=True, metavar="TARGET", help="file:PATH, stdout or the name of a [[content.targets]]; may repeat."
)
@repository_options
@json_option
@config_option
def broadcast(
    what: str, to: tuple[str, ...], repo: str | None, path: Path | None, as_json: bool, config: Path | None
) -> int:
    """Tell of a tag, a range, or what was last pushed of a branch (the current one).

    Without --to it goes where [git.broadcast] says, and is printed when that says nothing. Exit code 1 when it did not
    reach a target, 2 when there is no such kind of target.
    """
    loaded = load_settings(config)
    spec = choose(loaded, repo, path)
    configured = loaded.settings.git.broadcast.to
    targets, base = (to, Path.cwd()) if to or not configured else (configured, loaded.base)
    if loaded.settings.content.targets:
        from app.content.publishing.broadcasting import join

        join(loaded)
    check_targets(targets)
    if as_json:
        # The document has the text already, and standard output belongs to it.
        targets = tuple(target for target in targets if target != "stdout")
    elif not targets:
        targets = ("stdout",)
    work = _told(spec, what, broadcast_templates(loaded.settings, loaded.base), targets, base)
    news, text, deliveries = asyncio.run(work)
    if as_json:
        emit(
            {
                "repository": spec.name,
                "event": news.event,
                "name": news.name,
                "old": news.old or None,
                "new": news.new,
                "text": text,
                "deliveries": [
                    {"target": each.target, "state": each.state, "error": each.error or None} for each in deliveries
                ],
            }
        )
    else:
        for each in deliveries:
            if each.target != "stdout":
                click.echo(f"{each.target}: {each.error or each.state}", err=each.state == "failed")
    return 1 if any(each.state == "failed" for each in deliveries) else 0


async def _told(
    spec: RepositorySpec, what: str, templates: Path | None, to: tuple[str, ...], base: Path
) -> tuple[News, str, tuple[Delivery, ...]]:
    news, text = await summary(spec, what, templates)
    return news, text, await send(text, to, base)
