"""The sources of context: gathered at once, each within its time, none of them able to spoil a draft."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from app.content.model import ContextPart
from app.content.templates.fill import OCCASION, plain

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.feedback.retrain.model import Pipeline
    from app.git.model import RepositorySpec

log = logging.getLogger(__name__)

WITHIN_S = 2.0
"""How long a source may take; what comes later is no data."""
UNPUBLISHED = timedelta(hours=24)
"""How far back a template looks that nothing was published of."""
NOTHING = "there is none"


@dataclass(frozen=True, slots=True)
class Ask:
    """What sources may use, and for whom they gather: `since` is when an item of `template` was last published."""

    template: str
    now: datetime
    zone: ZoneInfo
    author: str = ""
    db: Database | None = None
    repositories: Sequence[RepositorySpec] = ()
    projects: Sequence[str] = ()
    pipelines: Sequence[Pipeline] = ()
    data: Path = Path()
    since: datetime | None = None

    @property
    def after(self) -> datetime:
        """The moment from which on things are new."""
        return self.since or self.now - UNPUBLISHED


Gather = Callable[[Ask], Awaitable[Any]]
"""Plain data for a template, None where there is none. May raise whatever it likes."""

_SHIPPED = {
    "git": "app.content.context.git:gather",
    "tests": "app.content.context.tests:gather",
    "coverage": "app.content.context.tests:coverage",
    "feedback": "app.content.context.feedback:gather",
}
_joined: dict[str, Gather] = {}


def register(name: str, gather: Gather) -> None:
    """Add a source, or replace it."""
    _joined[name] = gather


def known() -> tuple[str, ...]:
    """The sources that there are."""
    return tuple(sorted({*_SHIPPED, *_joined}))


async def gather(names: Iterable[str], ask: Ask, *, within_s: float = WITHIN_S) -> dict[str, ContextPart]:
    """What each source says, at once; never raises. With it goes what every draft knows, as the part `draft`."""
    if ask.since is None and ask.db is not None:
        ask = replace(ask, since=await _last_published(ask.db, ask.template, within_s))
    wanted = tuple(dict.fromkeys(names))
    parts = await asyncio.gather(*(_part(name, ask, within_s) for name in wanted))
    return {OCCASION: occasion(ask), **dict(zip(wanted, parts, strict=True))}


def occasion(ask: Ask, number: int | None = None) -> ContextPart:
    """What every draft knows: the day and the time where its author is, its author, its number."""
    local = ask.now.astimezone(ask.zone)
    data = {
        "today": local.date().isoformat(),
        "now": local.isoformat(timespec="seconds"),
        "time_zone": ask.zone.key,
        "author": ask.author,
        "number": number,
    }
    return made(OCCASION, data, ask.now)


def made(source: str, data: Any, at: datetime, why: str = "") -> ContextPart:
    """A part with the SHA-256 of its data as JSON with sorted keys. Raises UserError for what is no plain data."""
    copy = plain(data, f"source {source}")
    text = json.dumps(copy, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return ContextPart(source, copy, at, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), why)


def as_json(parts: Mapping[str, ContextPart]) -> dict[str, Any]:
    """The snapshot as a draft keeps it."""
    return {name: {**asdict(part), "captured_at": part.captured_at.isoformat()} for name, part in parts.items()}


def from_json(kept: Mapping[str, Any]) -> dict[str, ContextPart]:
    """The snapshot of a draft."""
    return {
        name: ContextPart(
            source=part["source"],
            data=part["data"],
            captured_at=datetime.fromisoformat(part["captured_at"]),
            hash=part["hash"],
            why=part.get("why", ""),
        )
        for name, part in kept.items()
    }


async def _part(name: str, ask: Ask, within_s: float) -> ContextPart:
    try:
        source = _find(name)
        if source is None:
            return made(name, None, datetime.now(UTC), "there is no such source")
        async with asyncio.timeout(within_s):
            data = await source(ask)
        return made(name, data, datetime.now(UTC), NOTHING if data is None else "")
    except TimeoutError:
        return made(name, None, datetime.now(UTC), f"it took longer than {within_s:g} s")
    except Exception as error:
        # A draft is made whatever its sources do.
        log.info("the source %s of a draft's context failed: %s", name, error)
        return made(name, None, datetime.now(UTC), " ".join(str(error).split())[:300] or type(error).__name__)


def _find(name: str) -> Gather | None:
    if name in _joined or name not in _SHIPPED:
        return _joined.get(name)
    module, _, function = _SHIPPED[name].partition(":")
    found: Gather = getattr(import_module(module), function)
    return found


async def _last_published(db: Database, template: str, within_s: float) -> datetime | None:
    from sqlalchemy import func, select

    from app.content.tables import publication

    columns = publication.c
    latest = select(func.max(columns.sent_at)).where(columns.template == template, columns.state == "sent")
    try:
        async with asyncio.timeout(within_s):
            found: datetime | None = await db.run(lambda conn: conn.scalar(latest))
            return found
    except Exception as error:
        # Where the database is away, the last day is looked at.
        log.info("when %s was last published is not known: %s", template, error)
        return None
