"""What the sources of a template's context are asked with, from the configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app import paths
from app.content.context.registry import Ask
from app.content.model import Template
from app.settings import Settings, absolute, retrain_pipelines

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.git.model import RepositorySpec

FOLDER = "content"
_LOCAL = Path("/etc/localtime")


def templates_folder(settings: Settings, base: Path) -> Path:
    """The user's folder of templates; it need not exist."""
    given = settings.content.templates
    return absolute(given, base) if given else paths.config_dir() / FOLDER


def zone_of(settings: Settings) -> ZoneInfo:
    """The time zone of texts: as configured, else this machine's, else UTC."""
    names = (
        settings.content.time_zone,
        os.environ.get("TZ", "").lstrip(":"),
        os.path.realpath(_LOCAL).partition("zoneinfo/")[2],
    )
    for name in filter(None, names):
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            continue
    return ZoneInfo("UTC")


def asker(
    settings: Settings, base: Path, db: Database | None, repositories: Sequence[RepositorySpec]
) -> Callable[[Template], Ask]:
    """What asks for a template now."""

    def ask(template: Template) -> Ask:
        return Ask(
            template=template.id,
            now=datetime.now(UTC),
            zone=zone_of(settings),
            author=settings.content.author,
            db=db,
            repositories=repositories,
            projects=tuple(project.name for project in settings.projects),
            pipelines=retrain_pipelines(settings, base),
            data=paths.data_dir(),
        )

    return ask
