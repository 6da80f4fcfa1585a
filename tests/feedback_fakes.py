"""A Feedback service without a database, with rows of a trading bot. For tests of keys and for pictures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from app.errors import UserError
from app.events import Bus, FeedbackChanged
from app.feedback.model import (
    STATE_OF,
    Counts,
    Decision,
    FeedbackRow,
    Order,
    Quarantined,
    QueueItem,
    RowHead,
    State,
    Stats,
    Verdict,
)
from app.feedback.quarantine import Retried
from app.feedback.review import Alike, Done, FeedbackSnapshot, Given
from tests.fakes import NOW
from tests.retrain_fakes import FakeRetrain

AT = datetime.fromtimestamp(NOW, UTC)
OUTPUTS = (
    "The order was filled at 10.50, which is the **limit** you set.\n\nYou asked for cents: that is 1050.",
    '{"symbol": "AAPL", "side": "buy", "price": 10.5, "filled": true, "legs": [1, 2, null], "note": "late fill"}',
    (
        "# What happened\n\n- the fill came *late*\n- it was booked `twice`\n\n```python\ndef fill(quote):\n"
        '    return quote["bid"]\n```\n\n> Orders are matched at noon.'
    ),
    "symbol,side,price\nAAPL,buy,10.50\nMSFT,sell,302.10\nGOOG,buy,98.00",
    (
        "--- a/orders.py\n+++ b/orders.py\n@@ -110,3 +110,3 @@\n def fill(quote):\n"
        '-    return quote["bid"]\n+    return quote.bid'
    ),
    "\x1b[31mred\x1b[0m [bold]markup[/bold] \x07 and \u202ereversed\u202c, with a line " + "that goes on and on " * 40,
    "\n".join(f"line {n} of a long answer" for n in range(1, 80)),
)


def row(number: int, **more: Any) -> FeedbackRow:
    """One row; its output is one of every kind in turn."""
    values: dict[str, Any] = {
        "id": f"01J{number:023}",
        "source": "discord",
        "input": f"Why was my order {number} filled so late?",
        "output": OUTPUTS[number % len(OUTPUTS)],
        "captured_at": AT - timedelta(days=12, hours=-number),
        "received_at": AT,
        "author": "mara",
        "model": "fill",
        "model_version": "v3",
        "prompt_version": "p7",
        "score": (-0.5, None, 0.25)[number % 3],
        "score_raw": "thumbs down" if number % 3 == 0 else None,
        "comment": "I asked for cents." if number % 2 == 0 else None,
        "tags": ("tone", "price") if number % 2 == 0 else (),
        "context": {"channel": "support", "latency_ms": 812} if number % 3 == 0 else {},
        "cluster": number,
    }
    return FeedbackRow(**{**values, **more})


def decided(number: int) -> tuple[Decision, ...]:
    """What was decided of a row before, and taken back."""
    values: dict[str, Any] = {"feedback_id": row(number).id, "reviewer": "jo"}
    return (
        Decision(
            id="D1",
            kind="decide",
            decided_at=AT - timedelta(days=3),
            verdict="reject",
            score=-0.5,
            tags=("tone",),
            correction=row(number).output.replace("filled", "booked"),
            note="not what was asked",
            undone_by="D2",
            **values,
        ),
        Decision(id="D2", kind="undo", decided_at=AT - timedelta(days=2), supersedes="D1", **values),
    )


REASONS = (("score", "input should be at most 1"), ("output", "is missing"), ("colour", "is no field of the contract"))


def refused(number: int) -> Quarantined:
    """A row that broke the contract."""
    field_name, why = REASONS[number % len(REASONS)]
    raw = json.dumps({"source": "cli", "input": f"question {number}", "output": "10.50", "score": 7}).encode()
    return Quarantined(
        id=f"01Q{number:023}",
        batch="01B",
        source="/data/november/rows.jsonl",
        line=12 + number,
        reason=why,
        field=field_name,
        raw=raw,
        raw_size=len(raw),
        raw_hash="",
        at=AT - timedelta(hours=3 + number),
        state="open",
        kept=len(raw),
    )


@dataclass
class FakeQuarantine:
    """The quarantine from memory. A row is right once its text says `right`."""

    open: list[Quarantined] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    problem: str = ""
    whole: bytes = b""
    """What an entry holds of which the page has the beginning."""

    def __post_init__(self) -> None:
        self.dropped: dict[str, Quarantined] = {}

    async def page(self, after: str = "") -> tuple[Quarantined, ...]:
        if self.problem:
            raise UserError(self.problem)
        start = next((n + 1 for n, each in enumerate(self.open) if after == each.id), 0)
        return tuple(self.open[start : start + 100])

    async def one(self, identity: str) -> Quarantined:
        return replace(next(each for each in self.open if each.id == identity), raw=self.whole)

    async def mend(self, identity: str, text: str) -> Retried:
        self.asked.append(text)
        if "right" not in text:
            raise UserError("score: still too large", fix="mend it and try again")
        self.open = [each for each in self.open if each.id != identity]
        return Retried(created=1)

    async def retry(self, ids: Sequence[str], extra: str = "forbid") -> Retried:
        self.asked.append(f"{extra} {len(ids)}")
        left = tuple(each for each in self.open if each.id in ids and (extra == "forbid" or each.field != "colour"))
        self.open = [each for each in self.open if each.id not in ids or each in left]
        return Retried(created=len(ids) - len(left), left=left)

    async def drop(self, ids: Sequence[str]) -> tuple[str, ...]:
        self.dropped |= {each.id: each for each in self.open if each.id in ids}
        self.open = [each for each in self.open if each.id not in ids]
        return tuple(ids)

    async def put_back(self, ids: Sequence[str]) -> None:
        self.open += [self.dropped.pop(identity) for identity in ids]


@dataclass
class FakeFeedback:
    """Answers as the service does, at once and from memory."""

    waiting: list[QueueItem] = field(default_factory=list)
    counts: Counts | None = None
    up: bool = True
    problem: str = ""
    order: Order = "oldest"
    configured: Order = "oldest"
    filter: str = ""
    decisions: list[tuple[str, Verdict, Given]] = field(default_factory=list)
    reading: bool = False
    opened: int = 0
    left: int = 0
    pages: list[str] = field(default_factory=list)
    millions: int = 250
    refuse_filter: str = ""
    all_here: bool = False
    fits_none: str = ""
    """A filter that no row fulfils."""
    retrain: FakeRetrain = field(default_factory=lambda: FakeRetrain())
    quarantine: FakeQuarantine = field(default_factory=lambda: FakeQuarantine())
    sources: tuple[str, ...] = ()
    slow: asyncio.Event | None = None
    """Until then a search for rows of the list goes on."""

    def __post_init__(self) -> None:
        self.bus = Bus()
        self.done: list[Done] = []
        self.undone: list[Done] = []
        self.returned: Done | None = None
        self.reviewed_by_others: set[str] = set()
        self.newer: dict[str, State] = {}
        self.reads: asyncio.Event | None = None

    @classmethod
    def of(cls, count: int = 60, **more: Any) -> FakeFeedback:
        """A queue of so many rows."""
        items = [
            QueueItem(row(n), f"waits {12 - n // 24} d", AT + timedelta(minutes=15), decided(n) if n == 0 else ())
            for n in range(count)
        ]
        return cls(items, **{"counts": Counts(count, 812, 96, 20), **more})

    def runtime(self) -> Any:
        """As much of a runtime as the pane needs."""
        return SimpleNamespace(
            bus=self.bus,
            feedback=self,
            retrain=self.retrain,
            discord=SimpleNamespace(problems=self.sources),
            settings=SimpleNamespace(feedback=SimpleNamespace(order=self.configured)),
        )

    def snapshot(self) -> FeedbackSnapshot:
        counts, decided = self.counts, len(self.decisions)
        if counts is not None:
            counts = replace(counts, waiting=max(counts.waiting - decided, 0), accepted=counts.accepted + decided)
        return FeedbackSnapshot(
            counts=counts,
            order=self.order,
            filter=self.filter,
            upcoming=tuple(self.waiting[:50]),
            reading=self.reading,
            exhausted=self.all_here or (not self.waiting and not self.reading),
            up=self.up,
            problem=self.problem,
            session=len(self.decisions),
            per_minute=24.0 if len(self.decisions) > 1 else 0.0,
            streak=len(self.decisions),
            last=self.done[-1] if self.done else None,
            returned=self.returned,
            undone=len(self.undone),
            reviewer="mara",
            quarantined=len(self.quarantine.open),
        )

    def publish(self) -> None:
        """Tell the pane."""
        self.bus.publish(FeedbackChanged(self.snapshot()))

    def open_review(self) -> None:
        self.opened += 1

    def leave_review(self) -> None:
        self.left += 1

    def decide(self, verdict: Verdict, given: Given, *, row: str | None = None) -> bool:
        if not self.waiting or row not in (None, self.waiting[0].row.id):
            return False
        self._decide([self.waiting.pop(0)], verdict, [given])
        return True

    def decide_many(self, rows: Sequence[FeedbackRow], verdict: Verdict, given: Mapping[str, Given]) -> None:
        ids = {each.id for each in rows}
        self.waiting = [item for item in self.waiting if item.row.id not in ids]
        self._decide([QueueItem(row, "", AT) for row in rows], verdict, [given.get(row.id, Given()) for row in rows])

    def _decide(self, items: list[QueueItem], verdict: Verdict, given: Sequence[Given]) -> None:
        each = zip(items, given, strict=True)
        self.decisions += [(item.row.id, verdict, replace(given, duration_ms=None)) for item, given in each]
        self.done.append(Done(tuple(items), tuple(item.row.id for item in items), verdict, tuple(given)))
        self.undone.clear()
        self.publish()

    def lose(self) -> None:
        """The last decision could not be kept."""
        self.returned = self.done.pop()
        self.waiting = [*self.returned.items, *self.waiting]
        del self.decisions[-len(self.returned.items) :]
        self.publish()

    async def undo(self) -> Done | None:
        if not self.done:
            return None
        last = self.done.pop()
        self.undone.append(last)
        self.waiting = [*last.items, *self.waiting]
        del self.decisions[-len(last.items) :]
        self.publish()
        return last

    async def redo(self) -> Done | None:
        if not self.undone:
            return None
        last = self.undone.pop()
        self.waiting = self.waiting[len(last.items) :]
        self.done.append(last)
        self.decisions += [
            (item.row.id, last.verdict, given) for item, given in zip(last.items, last.given, strict=True)
        ]
        self.publish()
        return last

    def set_order(self, order: Order) -> None:
        self.order = order
        self.publish()

    async def set_filter(self, text: str) -> None:
        if self.refuse_filter:
            raise UserError(self.refuse_filter)
        self.filter = text
        self.publish()

    def cancel(self) -> bool:
        return False

    def _head(self, number: int) -> RowHead:
        each = row(number)
        states = ("waiting", "accepted", "rejected", "skipped")
        return RowHead(
            each.id, each.source, each.captured_at, states[number % 4], each.score, "fill", "v3", each.output[:200]
        )

    async def page(
        self,
        after: RowHead | None = None,
        before: RowHead | None = None,
        *,
        end: bool = False,
        progress: Callable[[int], None],
        shown: Callable[[Sequence[RowHead]], None] = lambda rows: None,
    ) -> tuple[RowHead, ...]:
        if not self.up:
            raise UserError("no server answers at 127.0.0.1:3306", where="mysql://trial", fix="start it")
        if self.filter and self.filter == self.fits_none:
            progress(self.millions)
            return ()
        self.pages.append("after" if after else "before" if before else "end" if end else "first")
        total = self.millions
        if after is not None:
            start = int(after.id[3:]) + 1
        elif before is not None:
            start = max(0, int(before.id[3:]) - 100)
        else:
            start = max(0, total - 100) if end else 0
        stop = min(start + 100, total if before is None else int(before.id[3:]))
        progress(stop)
        if self.slow is not None and self.filter:
            shown([self._head(number) for number in range(3)])
            progress(4_000_000)
            await self.slow.wait()
        return tuple(self._head(number) for number in range(start, stop))

    async def read(self, identity: str) -> tuple[FeedbackRow | None, tuple[Decision, ...]]:
        number = int(identity[3:])
        return replace(row(number), state=self._head(number).state), decided(number) if number == 0 else ()

    async def rows(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        if self.reads is not None:
            await self.reads.wait()
        return tuple(row(int(identity[3:])) for identity in ids)

    async def claim_these(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        return await self.rows([identity for identity in ids if identity not in self.reviewed_by_others])

    async def standing(self, ids: Sequence[str]) -> dict[str, State]:
        return {identity: STATE_OF[verdict] for identity, verdict, _ in self.decisions if identity in ids} | self.newer

    async def alike(self, given: FeedbackRow) -> tuple[Alike, ...]:
        if not self.up:
            raise UserError("no server answers at 127.0.0.1:3306", fix="start it, or correct database.url")
        number = int(given.id[3:])
        return tuple(Alike(row(number + 7 * n), 0.97) for n in range(1, 5))

    async def tags(self) -> tuple[str, ...]:
        return ("price", "speed", "tone")

    async def stats(self, reviewer: str | None = None) -> Stats:
        assert self.counts is not None
        return Stats(self.counts, 24.6, 0.93, 0.81)
