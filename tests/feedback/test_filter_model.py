"""The whole filter language against a plain model of it: the same rows, on every database, whichever way is taken."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.db.engine import Database
from app.feedback import finding, ordering, pools, queue
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.filters import FIELDS, Bounds, Filter, Term, Word, Words, parse
from app.feedback.model import STATE_OF, Decision, FeedbackRow
from app.feedback.reading import decisions_of, rows_of
from app.feedback.service import waiting as narrowed_to_waiting
from app.feedback.tables import feedback, feedback_decision
from app.ids import new_id
from tests.feedback.reviewing import NOW, given, put

ROWS, DECISIONS, UNDONE, FILTERS = 90, 120, 25, 80
NAMES = ("a", "ab", "abc", "A", "b", "v3", "v31", "é", "zoë", "a*", "a,b", "x y", "%", "_", "\U0001f389")
TEXTS = ("late fill", "LATE Fill", "no fill at all", "100% _sure_", "Ä rather late", "zoë", "", "a\\b", "'quoted'")
NEEDLES = ("late", "LATE", "fill", "100%", "_sure_", "ä", "Ä", "zoë", "\\", "'", "e f", "nowhere", "%")
REVIEWERS = ("mara", "mo", "jo")
COLUMNS = {
    "id": "id",
    "source": "source",
    "event": "source_event_id",
    "author": "author",
    "channel": "channel",
    "version": "model_version",
    "prompt": "prompt_version",
    "run": "run_id",
    "language": "language",
}
Log = Sequence[Decision]


def fill(db: Database, chance: random.Random) -> None:
    """Rows of few names and texts, so that many share them; decided, decided again, shown again, undone."""

    def maybe(values: Sequence[Any]) -> Any:
        return chance.choice([None, *values])

    made = []
    for number in range(ROWS):
        context = {
            "channel": maybe(NAMES),
            "run_id": maybe(NAMES),
            "language": maybe(("de", "en")),
            "uncertainty": maybe((0, 0.25, 0.5, 1)),
        }
        made.append(
            given(
                number,
                source=chance.choice(NAMES),
                # Unique with its source.
                source_event_id=chance.choice([None, f"e{number % 7}-{number}", f"e{number}"]),
                input=chance.choice(TEXTS) + f" {number}",
                output=chance.choice(TEXTS),
                comment=maybe(TEXTS[:-3]),
                author=maybe(NAMES),
                model=maybe(NAMES),
                model_version=maybe(NAMES),
                prompt_version=maybe(NAMES),
                score=maybe((-1.0, -0.5, 0.0, 0.5, 1.0)),
                tags=tuple(chance.sample(NAMES, chance.randrange(4))),
                context={name: value for name, value in context.items() if value is not None} or None,
                captured_at=NOW - timedelta(days=30) + timedelta(hours=chance.randrange(24)),
            )
        )
    ids = put(db, made)
    log = []
    for _ in range(DECISIONS):
        more = {"correction": maybe(("better",)), "note": maybe(("why",))}
        record = DecisionRecord(
            id=new_id(),
            feedback_id=chance.choice(ids),
            kind="decide",
            verdict=chance.choice(list(STATE_OF)),
            reviewer=chance.choice(REVIEWERS),
            decided_at=NOW + timedelta(minutes=chance.randrange(9)),
            tags=maybe((tuple(chance.sample(NAMES, 2)), ())),
            reshow=chance.random() < 0.2,
            **more,
        )
        log.append(record)
    for record in chance.sample(log, UNDONE):
        at = NOW + timedelta(hours=1)
        undo = {"kind": "undo", "supersedes": record.id, "decided_at": at, "reviewer": record.reviewer}
        log.append(DecisionRecord(id=new_id(), feedback_id=record.feedback_id, **undo))
    db.run_now(lambda conn: [apply_decision(conn, record.model_dump(mode="json")) for record in log], True)


def fulfils(given: Filter, row: FeedbackRow, log: Log) -> bool:
    """The filter language, as its table in docs/feedback.md says it."""
    return all(_holds(term, row, log) != term.negated for term in given.terms)


def _holds(term: Term, row: FeedbackRow, log: Log) -> bool:
    test, live = term.test, [each for each in log if each.kind == "decide" and not each.undone_by and not each.reshow]
    if isinstance(test, datetime):
        at = row.decided_at if term.field.startswith("decided") else row.captured_at
        return at is not None and (at < test if term.field.endswith("before") else at >= test)
    if isinstance(test, Bounds):
        value = row.score if term.field == "score" else row.uncertainty
        return value is not None and _within(value, test)
    if term.field in {"text", "input", "output", "comment"}:
        texts = (row.input, row.output, row.comment) if term.field == "text" else (getattr(row, term.field),)
        return any(word.text.lower() in text.lower() for word in test.words for text in texts if text is not None)
    if term.field in {"state", "verdict"}:
        wanted = {word.text if term.field == "state" else STATE_OF[word.text] for word in test.words}  # type: ignore[index]
        return row.state in wanted
    if term.field == "has":
        there = {
            **{name: getattr(row, name) is not None for name in ("author", "comment", "score", "uncertainty")},
            "context": bool(row.context),
            "tags": bool(_tags(row, live)),
            "model": row.model is not None or row.model_version is not None,
            "decision": row.decided_at is not None,
            **{name: any(getattr(each, name) is not None for each in live) for name in ("correction", "note")},
        }
        return any(there[word.text] for word in test.words)
    if term.field == "tag":
        return any(_is(word, tag) for word in test.words for tag in _tags(row, live))
    if term.field == "reviewer":
        held = max(live, key=lambda each: (each.decided_at, each.id)).reviewer if live else None
        return any(_is(word, held) for word in test.words)
    names = (row.model, row.model_version) if term.field == "model" else (getattr(row, COLUMNS[term.field]),)
    return any(_is(word, name) for word in test.words for name in names)


def _tags(row: FeedbackRow, live: Log) -> Sequence[str]:
    """Those of the last decision that has some, else those it came with."""
    given = [each for each in live if each.tags is not None]
    return max(given, key=lambda each: (each.decided_at, each.id)).tags or () if given else row.tags


def _within(value: float, test: Bounds) -> bool:
    low = test.low is None or (value >= test.low if test.with_low else value > test.low)
    high = test.high is None or (value <= test.high if test.with_high else value < test.high)
    return low and high


def _is(word: Word, value: str | None) -> bool:
    return value is not None and (value.startswith(word.text) if word.open else value == word.text)


def some_filter(chance: random.Random) -> Filter:
    return Filter(tuple(_some_term(chance) for _ in range(chance.choice((1, 1, 2, 2, 3, 4)))))


def _some_term(chance: random.Random) -> Term:
    name = chance.choice(list(FIELDS))
    field = FIELDS[name]
    if field.kind == "time":
        start = NOW if name.startswith("decided") else NOW - timedelta(days=30)
        step = timedelta(minutes=1) if name.startswith("decided") else timedelta(hours=3)
        return Term(name, start + step * chance.randrange(9), chance.random() < 0.25)
    if field.kind == "number":
        ends = sorted(chance.choice((field.limits[0], 0.0, 0.25, 0.5, 1.0)) for _ in range(2))
        sides = (
            Bounds(*ends),
            Bounds(ends[0], ends[0]),
            Bounds(low=ends[0], with_low=chance.random() < 0.5),
            Bounds(high=ends[1], with_high=chance.random() < 0.5),
        )
        return Term(name, chance.choice(sides), chance.random() < 0.25)
    values: Sequence[str] = {
        "id": [f"row-{number:05}" for number in range(ROWS)] + ["row-0000", "row"],
        "event": [f"e{number}" for number in range(12)],
        "reviewer": [*REVIEWERS, "m"],
        "language": ["de", "en", "d"],
    }.get(name, NAMES)
    values = field.choices or (NEEDLES if field.kind == "text" else values)
    words = chance.sample(list(values), chance.choice((1, 1, 2)))
    opened = [Word(word, field.kind == "name" and chance.random() < 0.3) for word in words]
    return Term(name, Words(tuple(opened)), chance.random() < 0.25)


def by_order(order: str, row: FeedbackRow) -> Any:
    """What the list goes by, smallest first."""
    if order == "score":
        return 2.0 if row.score is None else row.score
    if order == "uncertainty":
        return -(-1.0 if row.uncertainty is None else row.uncertainty)
    at = row.decided_at if order == "decided" else row.captured_at
    return -at.timestamp() if at is not None else 0.0


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_filter_finds_what_the_model_finds(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    fill(database, chance)

    def read(conn: Connection) -> Any:
        every = list(conn.scalars(select(feedback.c.id)))
        return rows_of(conn, every), decisions_of(conn, every)

    rows, logs = database.run_now(read)
    assert len(rows) == ROWS
    assert database.run_now(lambda conn: conn.scalar(select(feedback_decision.c.id).limit(1))) is not None
    found_some = 0
    for number in range(FILTERS):
        asked = some_filter(chance)
        # As it is written, which is what people and programs give.
        asked = parse(str(asked))
        wanted = {identity for identity, row in rows.items() if fulfils(asked, row, logs.get(identity, ()))}
        found_some += 0 < len(wanted) < ROWS
        # Few rows of an index are brought into order here; without that, the index of the order is walked.
        monkeypatch.setattr(pools, "FEW", (10_000, 0)[number % 2])
        order, found, cursor = ordering.order_of(asked), [], None
        while True:
            part, cursor = await finding.page(database, asked, limit=(7, 100)[number % 3 == 0], cursor=cursor)
            found += [head.id for head in part]
            if cursor is None:
                break
        assert len(found) == len(set(found)), str(asked)
        assert set(found) == wanted, str(asked)
        places = [by_order(order, rows[identity]) for identity in found]
        assert places == sorted(places), (str(asked), order)
        waiting = {identity for identity in wanted if rows[identity].state == "waiting"}
        order_of_queue, narrowed = chance.choice(("oldest", "worst", "uncertain")), narrowed_to_waiting(asked)
        queued = database.run_now(
            lambda conn, order=order_of_queue, asked=narrowed: queue.search(conn, order, asked, limit=ROWS, now=NOW)
        )
        assert {each.id for each in queued} == waiting, str(asked)
    assert found_some > FILTERS / 4
