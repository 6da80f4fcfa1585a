"""What the commands of drafts share: the storage, the repositories of the context, the forms of their documents."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import paths
from app.commands.feedback_storage import FLUSH_S, opened
from app.commands.git_repository import choose_many
from app.commands.retrain_text import time
from app.content.asking import asker, templates_folder
from app.content.drafts.drafts import Drafts
from app.content.making import Maker
from app.content.model import Draft, DraftHead, DraftVersion, Template
from app.content.templates.catalogue import Catalogue, Entry
from app.errors import UserError

if TYPE_CHECKING:
    from app.db.paging import Cursor
    from app.git.model import RepositorySpec
    from app.settings import Loaded
    from app.storage import Storage


@dataclass(frozen=True, slots=True)
class Opened:
    """Drafts and templates, with the storage behind them."""

    storage: Storage
    drafts: Drafts
    maker: Maker

    async def settled(self) -> bool:
        """Whether what was written has reached the database; else it is in the journal."""
        return await self.storage.spool.flush(FLUSH_S)


@asynccontextmanager
async def drafting(loaded: Loaded, repositories: Sequence[RepositorySpec] = ()) -> AsyncIterator[Opened]:
    """The drafts of the configured database; what waits in the journal has reached it, if it can."""
    async with opened(loaded) as storage:
        ask = asker(loaded.settings, loaded.base, storage.db, repositories)
        drafts = Drafts(storage.db, storage.spool)
        both = Opened(storage, drafts, Maker(catalogue(loaded), drafts, ask, paths.state_dir()))
        await both.settled()
        yield both


def catalogue(loaded: Loaded) -> Catalogue:
    """The templates, with the user's."""
    return Catalogue(templates_folder(loaded.settings, loaded.base))


def repositories_of(loaded: Loaded, repo: str | None, path: Path | None) -> tuple[RepositorySpec, ...]:
    """The repositories that the context tells of; none where nothing names any."""
    try:
        return choose_many(loaded, repo, path)
    except UserError:
        if repo is not None or path is not None:
            raise
        return ()


def place(cursor: Cursor | None) -> str | None:
    """Where the next page of the list begins, as text."""
    if cursor is None:
        return None
    return base64.urlsafe_b64encode(json.dumps([cursor[0].isoformat(), cursor[1]]).encode()).decode().rstrip("=")


def read_place(text: str) -> Cursor | None:
    """The cursor of such a text."""
    if not text:
        return None
    try:
        moment, identity = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at = datetime.fromisoformat(moment)
        if not isinstance(identity, str) or at.tzinfo is None:
            raise ValueError
    except (ValueError, TypeError):
        fix = "give the `next` of a list of the same kind"
        raise UserError(f"`{text[:60]}` is no place in this list", where="--after", fix=fix) from None
    return (at, identity)


def entry_document(entry: Entry) -> dict[str, Any]:
    """A template; a broken one has its error and no more than its name."""
    template = entry.template
    document: dict[str, Any] = {
        "id": entry.id,
        "path": entry.path,
        "origin": entry.origin,
        "error": None if entry.error is None else str(entry.error),
    }
    return {**document, **_template(template)} if template is not None else document


def _template(template: Template) -> dict[str, Any]:
    plain = ("kind", "title", "help", "egress", "numbered", "html", "trusted", "hash")
    return {
        **{name: getattr(template, name) for name in plain},
        "targets": list(template.targets),
        "context": list(template.context),
        "style": dict(template.style),
        "fields": [
            {
                **{name: getattr(field, name) for name in ("name", "kind", "label", "help", "default", "required")},
                "choices": list(field.choices),
            }
            for field in template.fields
        ],
    }


def head_document(head: DraftHead | Draft) -> dict[str, Any]:
    """A line of the list."""
    plain = ("id", "template", "kind", "number", "title", "state", "version")
    return {**{name: getattr(head, name) for name in plain}, "updated_at": time(head.updated_at)}


def draft_document(draft: Draft) -> dict[str, Any]:
    """A whole draft."""
    return {
        **head_document(draft),
        "created_at": time(draft.created_at),
        "template_hash": draft.template_hash,
        "fields": dict(draft.fields),
        "context": {name: _part(part) for name, part in draft.context.items()},
        "body": draft.body,
    }


def version_document(version: DraftVersion) -> dict[str, Any]:
    """A version without its text."""
    plain = ("number", "reason", "title", "words")
    return {**{name: getattr(version, name) for name in plain}, "at": time(version.at)}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    at = time(datetime.fromisoformat(part["captured_at"]))
    return {"captured_at": at, "hash": part["hash"], "why": part.get("why", ""), "data": part["data"]}


def version_of(versions: Sequence[DraftVersion], number: int, where: str) -> DraftVersion:
    """The version of this number, the last kept where two have it. Raises UserError."""
    for version in versions:
        if version.number == number:
            return version
    known = f"1 to {versions[0].number}" if versions else "none"
    raise UserError(f"there is no version {number}", where=where, fix=f"there are: {known}")
