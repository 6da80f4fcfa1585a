"""Rows that are nearly the same, for one decision on all of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from app.feedback.model import FeedbackRow
from app.feedback.reading import SELECT_ROWS, row_of
from app.feedback.review import Alike
from app.feedback.tables import feedback, feedback_cluster

LEAST = 0.92
"""Likeness from which two outputs count as nearly the same."""
NEAR = 400
"""Rows looked at: as many with the same shape, and as many of the same model before and after."""
COMPARED = 4_000
"""Characters of each output that are compared."""
MOST = 200
SLICE = 100_000
"""Rows of the index counted in one statement."""
KEPT = 10_000
"""Clusters kept: the largest ones."""

_rows = feedback.c


def find_alike(conn: Connection, row: FeedbackRow, *, least: float = LEAST, limit: int = MOST) -> list[Alike]:
    """Rows that wait and whose output (of the same model and version) is nearly that of `row`, the nearest first.

    Compared with the rows of the same shape and with those captured near to it, never with all.
    """
    from rapidfuzz import fuzz, process

    model = _same(row)
    key = select(_rows.model_key).where(_rows.id == row.id).scalar_subquery()
    shape = SELECT_ROWS.where(_rows.state == "waiting", _rows.cluster == row.cluster, *model).order_by(_rows.id)
    around = SELECT_ROWS.where(_rows.state == "waiting", _rows.model_key == key)
    before = around.where(_rows.captured_at <= row.captured_at).order_by(_rows.captured_at.desc(), _rows.id.desc())
    after = around.where(_rows.captured_at >= row.captured_at).order_by(_rows.captured_at, _rows.id)
    found: dict[str, FeedbackRow] = {}
    for statement in (shape, before, after):
        for each in conn.execute(statement.limit(NEAR)):
            if each.id != row.id:
                found.setdefault(each.id, row_of(each))
    texts = {identity: _compared(each.output) for identity, each in found.items()}
    near = process.extract(
        _compared(row.output), texts, scorer=fuzz.ratio, score_cutoff=100 * least, limit=limit, processor=None
    )
    return [Alike(found[identity], score / 100) for _, score, identity in near]


def _same(row: FeedbackRow) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (_rows.model.is_not_distinct_from(row.model), _rows.model_version.is_not_distinct_from(row.model_version))


def _compared(text: str) -> str:
    return " ".join(text[:COMPARED].split()).casefold()


def count_slice(conn: Connection, after: int | None) -> tuple[dict[int, int], int | None]:
    """Rows that wait, by cluster, for the next stretch of clusters; and the cluster to go on after (None: the end)."""
    waiting = select(_rows.cluster).where(_rows.state == "waiting")
    if after is not None:
        waiting = waiting.where(_rows.cluster > after)
    piece = waiting.order_by(_rows.cluster).limit(SLICE).subquery()
    grouped = select(piece.c.cluster, func.count()).group_by(piece.c.cluster)
    sizes: dict[int, int] = {row[0]: row[1] for row in conn.execute(grouped)}
    if sum(sizes.values()) < SLICE:
        return sizes, None
    last = max(sizes)
    whole = select(func.count()).where(_rows.state == "waiting", _rows.cluster == last)
    sizes[last] = conn.scalar(whole) or 0
    return sizes, last


def counted(conn: Connection) -> bool:
    """Whether clusters were ever counted here."""
    return conn.scalar(select(feedback_cluster.c.cluster).limit(1)) is not None


def keep_clusters(conn: Connection, sizes: dict[int, int], now: datetime) -> None:
    """Replace what is known of the clusters by these sizes, the largest of those that have at least two rows."""
    largest = sorted(((size, cluster) for cluster, size in sizes.items() if size > 1), reverse=True)[:KEPT]
    conn.execute(delete(feedback_cluster))
    if largest:
        rows = [{"cluster": cluster, "waiting": size, "counted_at": now} for size, cluster in largest]
        conn.execute(insert(feedback_cluster), rows)
