"""What publishing speaks of beside the area's model. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from app.content.model import Part, Publication, TargetKind

OutcomeKind = Literal["accepted", "retry", "permanent", "disabled", "unknown"]
"""Of one attempt. `retry`: certainly not accepted, may be later. `disabled`: the target itself is no longer there.
`unknown`: it was sent, and nobody knows whether it arrived."""
ProblemKind = Literal["empty", "length", "limit", "disabled", "secret", "style", "published", "taken"]
Change = Literal["edit", "delete"]
"""What is done with something that was sent."""
NO_ID = "no id came back: it can be neither edited nor deleted from here"
OVERRIDABLE: frozenset[ProblemKind] = frozenset({"secret", "style"})


@dataclass(frozen=True, slots=True)
class Target:
    """A place to publish, as configured. `queue` stands for its channel and tells none of its secrets."""

    name: str
    kind: TargetKind
    queue: str
    options: Mapping[str, Any] = field(repr=False)
    missing: str = ""
    """The reference of a secret that is not known here, so that it cannot be spoken to: what is due waits for a process
    that knows it."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be published, before it has the form of any target. `page` is the whole HTML page."""

    title: str
    body: str
    page: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Final:
    """The text in the form of a target: `parts` are sent one by one. `markdown` is what the style guide looks at."""

    title: str
    parts: tuple[Part, ...]
    markdown: str
    titled: bool
    """Readers see the title apart from the text, so that it is checked too."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text may not be published as it is."""

    kind: ProblemKind
    what: str
    delivery: str = ""
    """Of `published`: the id of the publication that stands there."""

    @property
    def overridable(self) -> bool:
        """Whether a reason lets it through."""
        return self.kind in OVERRIDABLE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `pause_s` is how long the channel wants to be left alone afterwards."""

    kind: OutcomeKind
    error: str = ""
    status: int | None = None
    remote_id: str = ""
    url: str = ""
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class When:
    """A moment to publish at: in UTC, and the zone it was named in. `told` says how a clock change was decided."""

    at: datetime
    zone: str
    told: str = ""


class Adapter(Protocol):
    """A kind of target at work. Nothing here raises for what a server does: that is an Outcome."""

    def final(self, text: Text) -> Final:
        """The text as it will be sent."""

    def problems(self, final: Final) -> list[Problem]:
        """What of it the target would refuse."""

    def refuses(self, change: Change) -> str:
        """Why nothing that was sent can be changed so; empty where it can."""

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Send part `number` (from 0), once. Those before it have their ids in the publication's `remote`."""

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Put `part` in place of what was sent under `remote_id`. `publication` is the new one."""

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Take away what was sent."""

    async def close(self) -> None:
        """Close connections."""
