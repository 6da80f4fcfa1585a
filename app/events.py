"""The typed events that services publish, and the bus that carries them to whoever follows.

The bus belongs to the event loop's thread: publish and subscribe there. A subscriber that raises is logged and does
not keep the others from hearing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from app.content.model import ContentSnapshot
    from app.feedback.retrain.model import RetrainSnapshot
    from app.feedback.review import FeedbackSnapshot
    from app.git.model import GitSnapshot, RepositoryState
    from app.testing.model import ProjectSnapshot

log = logging.getLogger(__name__)

StreamEvent = Literal[
    "ready", "changed", "started", "result", "affected_done", "finished", "superseded", "level", "problem"
]
Tone = Literal["plain", "good", "warn", "bad", "busy"]


@dataclass(frozen=True, slots=True)
class Badge:
    """An area's whole state in at most four characters, for the tab bar."""

    area: str
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class ProjectChanged:
    """A watched project has a new snapshot; `changed` names the tests whose state differs (None: any may)."""

    snapshot: ProjectSnapshot
    changed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TestStream:
    """Something happened in a watched project, as `qd test watch --json` prints it. `t` is time.monotonic()."""

    __test__ = False

    project: str
    event: StreamEvent
    t: float
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DataMove:
    """The copy of the embedded data to a server: how many of `total` rows are done. `text` says what went wrong."""

    state: Literal["none", "offered", "running", "done", "failed"]
    rows: int = 0
    total: int = 0
    left_s: float | None = None
    text: str = ""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.rows / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class GitChanged:
    """A followed repository has a new state."""

    state: RepositoryState


@dataclass(frozen=True, slots=True)
class GitRepositories:
    """Other repositories are followed now, or in another order."""

    snapshot: GitSnapshot


@dataclass(frozen=True, slots=True)
class FeedbackChanged:
    """The review of feedback stands otherwise now."""

    snapshot: FeedbackSnapshot


@dataclass(frozen=True, slots=True)
class RetrainChanged:
    """The pipelines of the retrain trigger stand otherwise now."""

    snapshot: RetrainSnapshot


@dataclass(frozen=True, slots=True)
class RetrainEnded:
    """A run of the retrain trigger has come to its end: how, in a sentence."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class SourcesChanged:
    """What keeps feedback from coming in is otherwise now: where, what, and what to do, a line for each source."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContentChanged:
    """Drafts or publications were written, or counted anew."""

    snapshot: ContentSnapshot


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """State of the database as the tab bar shows it; `waiting` counts writes that are only in the local journal."""

    backend: str
    up: bool
    waiting: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The configuration was read again; with `error`, the new one was refused and the old one stays."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class LoopLag:
    """The event loop was late by `seconds` (the worst of the last probe period)."""

    seconds: float


Event = TypeVar("Event")


class Bus:
    """Calls every subscriber of an event's type, in the order they subscribed."""

    def __init__(self) -> None:
        self._subscribers: dict[type[Any], list[Callable[[Any], None]]] = {}

    def subscribe(self, kind: type[Event], callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with each event of exactly this type; returns the function that ends it."""
        followers = self._subscribers.setdefault(kind, [])
        followers.append(callback)

        def unsubscribe() -> None:
            if callback in followers:
                followers.remove(callback)

        return unsubscribe

    def publish(self, event: object) -> None:
        """Hand `event` to all who follow its type."""
        for callback in tuple(self._subscribers.get(type(event), ())):
            try:
                callback(event)
            except Exception:
                log.exception("a follower of %s failed", type(event).__name__)
