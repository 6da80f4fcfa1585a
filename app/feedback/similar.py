"""Rows that are nearly the same, for one decision on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from heapq import nlargest
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from app.feedback import claims
from app.feedback.indexes import MODEL_INDEX, by_id, hinted
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

CLUSTER_INDEX = "ix_feedback_state_cluster_id"
SHAPED = 2_000
"""Rows of the same shape of which those of the same model are taken."""

_rows = feedback.c


def find_alike(
    conn: Connection, row: FeedbackRow, *, session: str, now: datetime, least: float = LEAST, limit: int = MOST
) -> list[Alike]:
    """Rows that wait and whose output (of the same model and version) is nearly that of `row`, the nearest first; none
    that another session than this one has claimed.

    Compared with the rows of the same shape and with those captured near to it, never with all.
    """
    from rapidfuzz import fuzz, process

    key = conn.scalar(select(_rows.model_key).where(_rows.id == row.id))
    same = hinted(
        select(_rows.id).where(_rows.state == "waiting", _rows.cluster == row.cluster).order_by(_rows.id),
        feedback,
        CLUSTER_INDEX,
    )
    ids = list(conn.scalars(same.limit(SHAPED)))
    shape = by_id(SELECT_ROWS.where(_rows.id.in_(ids), *_same(row)))
    around = SELECT_ROWS.where(_rows.state == "waiting", _rows.model_key == key)
    before = around.where(_rows.captured_at <= row.captured_at).order_by(_rows.captured_at.desc(), _rows.id.desc())
    after = around.where(_rows.captured_at >= row.captured_at).order_by(_rows.captured_at, _rows.id)
    near = (shape, hinted(before, feedback, MODEL_INDEX), hinted(after, feedback, MODEL_INDEX))
    found: dict[str, FeedbackRow] = {}
    for statement in near:
        for each in conn.execute(statement.limit(NEAR)):
            if each.id != row.id:
                found.setdefault(each.id, row_of(each))
    taken = claims.held(conn, list(found), now, but=session)
    texts = {identity: _compared(each.output) for identity, each in found.items() if identity not in taken}
    nearest = process.extract(
        _compared(row.output), texts, scorer=fuzz.ratio, score_cutoff=100 * least, limit=limit, processor=None
    )
    return [Alike(found[identity], score / 100) for _, score, identity in nearest]


def _same(row: FeedbackRow) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (_rows.model.is_not_distinct_from(row.model), _rows.model_version.is_not_distinct_from(row.model_version))


def _compared(text: str) -> str:
    return " ".join(text[:COMPARED].split()).casefold()


def count_slice(
    conn: Connection, after: int | None, known: Mapping[int, int] = MappingProxyType({})
) -> tuple[dict[int, int], int | None, int]:
    """The largest of the clusters `known` and those of two and more rows that wait in the next stretch of clusters; the
    cluster to go on after (None: the end); and how many rows were looked at."""
    where = (_rows.state == "waiting", *(() if after is None else (_rows.cluster > after,)))
    stretch = hinted(select(_rows.cluster).where(*where).order_by(_rows.cluster), feedback, CLUSTER_INDEX)
    last: int | None = conn.scalar(stretch.offset(SLICE - 1).limit(1))
    size = func.count()
    grouped = select(_rows.cluster, size).where(*where, *(() if last is None else (_rows.cluster <= last,)))
    found = conn.execute(hinted(grouped.group_by(_rows.cluster).having(size > 1), feedback, CLUSTER_INDEX))
    # There may be tens of thousands: they are compared here, in the database's thread.
    return _largest({**known, **{row[0]: row[1] for row in found}}), last, SLICE


def _largest(sizes: dict[int, int]) -> dict[int, int]:
    """Those that could be kept: there may be millions of clusters."""
    if len(sizes) <= 4 * KEPT:
        return sizes
    return dict(nlargest(KEPT, sizes.items(), key=lambda item: (item[1], item[0])))


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
