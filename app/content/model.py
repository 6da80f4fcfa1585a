"""What the Content area speaks of. Values only; imports nothing of the app and no heavy library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

FieldKind = Literal["text", "long", "number", "date", "choice", "multi", "toggle"]
DraftState = Literal["draft", "scheduled", "published", "archived", "trashed"]
VersionReason = Literal["created", "saved", "fixed", "ai", "restored", "edited", "published"]
Egress = Literal["any", "local"]
"""Where a template's text may be sent for AI: anywhere, or to endpoints on this machine only."""
TargetKind = Literal["discord", "notion", "email", "files", "apprise"]
PublicationState = Literal[
    "scheduled",
    "leased",
    "sending",
    "sent",
    "failed_transient",
    "failed_permanent",
    "unknown",
    "missed",
    "cancelled",
    "deleted",
]
NoteState = Literal["active", "trashed"]
NoteReason = Literal["created", "saved", "renamed", "mended", "imported"]
NoteChange = Literal[
    "same", "imported", "taken", "exported", "written", "moved", "trashed", "restored", "conflict", "left"
]
"""What a note and its file go through in step with a folder: `taken` is the file's text, `written` the note's."""

FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)
PUBLICATION_STATES: tuple[PublicationState, ...] = get_args(PublicationState)
WAITING: frozenset[PublicationState] = frozenset({"scheduled", "leased", "sending", "failed_transient"})
"""States from which a publication goes on by itself."""


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A question that a template asks. `default` is a Jinja expression's text or a plain value, None where unset."""

    name: str
    kind: FieldKind = "text"
    label: str = ""
    help: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    required: bool = False
    line: int = 1


@dataclass(frozen=True, slots=True)
class Template:
    """A template of drafts: its front matter and body. `hash` is the SHA-256 of the whole file, in hex.

    `line` is that of the file on which the body begins, `name` the Jinja text of what a draft is called, with its line
    as `name_line`; a field's default stands on the field's `line`. `root` is the folder that includes stay within.
    `trusted` templates were shipped or written on this machine; others are rendered in a process of their own.
    """

    id: str
    kind: str
    title: str
    help: str
    fields: tuple[TemplateField, ...]
    body: str
    path: str
    hash: str
    targets: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    style: Mapping[str, Any] = field(default_factory=dict)
    egress: Egress = "any"
    numbered: bool = False
    name: str = ""
    html: str = "page"
    trusted: bool = True
    root: str = ""
    line: int = 1
    name_line: int = 1


@dataclass(frozen=True, slots=True)
class ContextPart:
    """What one source said at one moment. `data` is plain JSON, None where the source has none; `why` tells so."""

    source: str
    data: Any
    captured_at: datetime
    hash: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with its latest text. `context` is the snapshot (source → ContextPart as JSON) that it was made of."""

    id: str
    template: str
    template_hash: str
    kind: str
    title: str
    body: str
    state: DraftState
    version: int
    revision: int
    created_at: datetime
    updated_at: datetime
    number: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> DraftHead:
        """Its line in the list."""
        return DraftHead(
            self.id, self.template, self.kind, self.title, self.state, self.version, self.updated_at, self.number
        )


@dataclass(frozen=True, slots=True)
class DraftHead:
    """A line of the list of drafts."""

    id: str
    template: str
    kind: str
    title: str
    state: DraftState
    version: int
    updated_at: datetime
    number: int | None = None


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """A text of a draft that was kept; never changed afterwards. Numbers run from 1."""

    id: str
    draft_id: str
    number: int
    reason: VersionReason
    title: str
    body: str
    words: int
    at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a publication: `text` is the final text, `data` what goes beside it (embeds, blocks, headers)."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be sent, or was sent, to one target. `remote` holds the ids of the parts sent, in order."""

    id: str
    target: str
    kind: TargetKind
    state: PublicationState
    title: str
    payload_hash: str
    parts: int
    parts_sent: int
    due_at: datetime
    zone: str
    created_at: datetime
    updated_at: datetime
    draft_id: str | None = None
    version_id: str | None = None
    template: str = ""
    attempts: int = 0
    remote: tuple[str, ...] = ()
    url: str = ""
    error: str = ""
    override: str = ""
    replaces: str | None = None
    sent_at: datetime | None = None
    again_at: datetime | None = None
    """Of one that failed and is tried again: not before this moment."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note with its latest text. `slug` is what `[[links]]` name, `links` are the slugs that its own links name.

    `path` is its file within the folder that it is kept in step with, empty where it has none; `front` the front matter
    of that file as it was written, with the lines around it. `hash` is the SHA-256 of title, tags, front and body.
    """

    id: str
    slug: str
    title: str
    body: str
    tags: tuple[str, ...]
    hash: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: NoteState = "active"
    revision: int = 1
    path: str = ""
    front: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteVersion:
    """A text of a note that was kept; never changed afterwards. Numbers run from 1."""

    id: str
    note_id: str
    number: int
    reason: NoteReason
    title: str
    front: str
    body: str
    tags: tuple[str, ...]
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteHead:
    """A line of the list of notes, or a hit of the search with the place that was found."""

    id: str
    slug: str
    title: str
    tags: tuple[str, ...]
    updated_at: datetime
    snippet: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class ContentSnapshot:
    """What the tab tells: drafts in progress, publications that wait for their time, and those that went wrong."""

    drafts: int = 0
    scheduled: int = 0
    failed: int = 0
    up: bool = True
    problem: str = ""
    """Why the counts are not known, or are those of an earlier moment."""
