"""What the Feedback area speaks of. Values only; imports nothing of the app and no heavy library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

Verdict = Literal["accept", "reject", "skip"]
State = Literal["waiting", "accepted", "rejected", "skipped"]
Order = Literal["oldest", "worst", "uncertain", "cluster", "newest_model"]
DecisionKind = Literal["decide", "undo", "redo"]
QuarantineState = Literal["open", "mended", "dropped"]
ImportState = Literal["running", "done"]
Extra = Literal["forbid", "context"]
"""What becomes of fields that the contract does not know: a violation, or a part of `context`."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
STATES: tuple[State, ...] = get_args(State)
ORDERS: tuple[Order, ...] = get_args(Order)
STATE_OF: Mapping[Verdict, State] = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}
"""The state that a verdict leads to."""
HEAD_LENGTH = 200
"""Characters of the output that lists show."""


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """A row as captured, with its present state. `score` is normalised to -1 (bad) … 1 (good), None where unknown.

    `uncertainty` is 0 (sure) … 1, None where unknown; `cluster` is the same for rows whose outputs have one shape.
    """

    id: str
    source: str
    input: str
    output: str
    captured_at: datetime
    received_at: datetime
    source_event_id: str | None = None
    author: str | None = None
    channel: str | None = None
    model: str | None = None
    model_version: str | None = None
    prompt_version: str | None = None
    run_id: str | None = None
    score: float | None = None
    score_raw: Any = None
    comment: str | None = None
    tags: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    uncertainty: float | None = None
    cluster: int = 0
    state: State = "waiting"
    decided_at: datetime | None = None
    dedupe_hash: str = ""
    input_hash: str = ""
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class RowHead:
    """A line of a list: what an index and the narrow columns tell of a row."""

    id: str
    source: str
    captured_at: datetime
    state: State
    score: float | None
    model: str | None
    model_version: str | None
    head: str
    decided_at: datetime | None = None
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the append-only log. `kind` undo and redo name the decision they concern in `supersedes`.

    `tags` None means that the row's tags stay; `duration_ms` is how long the row was looked at. `undone_by` is the
    undo that holds now. A decision with `reshow` measures agreement and changes nothing of the row.
    """

    id: str
    feedback_id: str
    kind: DecisionKind
    decided_at: datetime
    reviewer: str
    verdict: Verdict | None = None
    score: float | None = None
    tags: tuple[str, ...] | None = None
    correction: str | None = None
    note: str | None = None
    duration_ms: int | None = None
    rubric_version: str = ""
    reshow: bool = False
    supersedes: str | None = None
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class QueueItem:
    """The row to review now, why it comes at this place, and until when it is claimed."""

    row: FeedbackRow
    why: str
    claimed_until: datetime
    decisions: tuple[Decision, ...] = ()
    reshow: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """Why something broke the contract: the field (empty: the whole), and what is wrong."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


@dataclass(frozen=True, slots=True)
class Refused:
    """A line of an import that was quarantined."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What broke the contract, as it came: at most the first 4 MiB are kept, of which `raw` is the beginning where the
    entry is one of a list. `raw_size` and `raw_hash` are those of all that came."""

    id: str
    batch: str
    source: str
    line: int
    reason: str
    field: str
    raw: bytes
    raw_size: int
    raw_hash: str
    at: datetime
    state: QuarantineState
    kept: int
    """Bytes that are kept."""

    @property
    def complete(self) -> bool:
        """Nothing of it was cut."""
        return self.kept == self.raw_size

    @property
    def origin(self) -> str:
        """`line 3 of rows.jsonl`; what came without lines has none."""
        return f"line {self.line:,} of {self.source}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every row: `rows` is the sum of created, duplicate and quarantined.

    `conflicts` are those of `refused` that had an id seen before and another content. Both lists hold the first ones
    only, the counts hold all.
    """

    batch: str
    rows: int = 0
    created: int = 0
    duplicate: int = 0
    quarantined: int = 0
    refused: tuple[Refused, ...] = ()
    conflicts: tuple[Refused, ...] = ()
    resumed_at: int = 0
    """The line after which an earlier, interrupted import was taken up again; 0 when there was none."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by state."""

    waiting: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        """All rows."""
        return self.waiting + self.accepted + self.rejected + self.skipped


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of the area; `agreement` is the share of equal verdicts on rows shown again, None without any."""

    counts: Counts
    per_minute: float | None = None
    agreement: float | None = None
    kappa: float | None = None
