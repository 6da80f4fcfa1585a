"""Lists of rows, single rows, tags and figures, as screens and commands ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from app.feedback import finding, ordering, stats
from app.feedback.filters import Filter, parse
from app.feedback.model import Decision, FeedbackRow, RowHead, Stats
from app.feedback.reading import decisions_of, rows_of
from app.feedback.tables import feedback_tag

if TYPE_CHECKING:
    from app.db.engine import Database

PAGE = 100
TAGS_OFFERED = 200
TAG_INDEX = "ix_feedback_tag_tag_state_captured_at_feedback_id"

Progress = Callable[[int], None]
Shown = Callable[[Sequence[RowHead]], None]


class Browsing:
    """The reading half of the Feedback service. Every method raises UserError when the database is away."""

    filter = Filter()
    """What narrows the queue and the list."""
    filter_text = ""
    """The same as it was typed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def narrow(self, text: str) -> bool:
        """Take over another filter; True if it is another. Raises UserError where it cannot be understood."""
        text = text.strip()
        if text == self.filter_text:
            return False
        self.filter = parse(text)
        self.filter_text = text
        return True

    async def page(
        self,
        after: RowHead | None = None,
        before: RowHead | None = None,
        *,
        end: bool = False,
        progress: Progress,
        shown: Shown = lambda rows: None,
    ) -> tuple[RowHead, ...]:
        """Up to 100 rows of the list, newest first: those behind `after`, those before `before`, the last ones with
        `end`, else the first ones. `progress` hears how many rows were looked at, and `shown` those found so far while
        the search goes on. Cancel the task to end it."""
        backward = end or before is not None
        place = before if backward else after
        cursor = finding.cursor_of(ordering.order_of(self.filter), place) if place is not None else None

        def in_order(rows: Sequence[RowHead]) -> tuple[RowHead, ...]:
            return tuple(reversed(rows)) if backward else tuple(rows)

        rows, _ = await finding.page(
            self._db,
            self.filter,
            limit=PAGE,
            cursor=cursor,
            backward=backward,
            progress=progress,
            shown=lambda rows: shown(in_order(rows)),
        )
        return in_order(rows)

    async def read(self, identity: str) -> tuple[FeedbackRow | None, tuple[Decision, ...]]:
        """A row, and its decisions, oldest first."""

        def work(conn: Connection) -> tuple[FeedbackRow | None, tuple[Decision, ...]]:
            return rows_of(conn, [identity]).get(identity), decisions_of(conn, [identity]).get(identity, ())

        return await self._db.run(work)

    async def rows(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        """These rows, in this order, without those that there are not."""
        found = await self._db.run(lambda conn: rows_of(conn, ids))
        return tuple(found[identity] for identity in ids if identity in found)

    async def tags(self) -> tuple[str, ...]:
        """Tags in use, by name."""
        return await self._db.run(_tags)

    async def stats(self, reviewer: str | None = None) -> Stats:
        """Figures of one reviewer, or of all."""
        return await self._db.run(lambda conn: stats.read_stats(conn, reviewer))


def _tags(conn: Connection) -> tuple[str, ...]:
    """One look into the index for each tag, however many rows have it."""
    tag = feedback_tag.c.tag
    found: list[str] = []
    while len(found) < TAGS_OFFERED:
        following = select(tag).order_by(tag).limit(1)
        following = following.where(tag > found[-1]) if found else following
        name = conn.scalar(
            following.with_hint(feedback_tag, "FORCE INDEX (ix_feedback_tag_tag_state_captured_at_feedback_id)")
        )
        if name is None:
            break
        found.append(name)
    return tuple(found)
