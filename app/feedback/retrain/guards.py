"""Reasons not to fire yet, though the conditions are met."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from app.feedback.agreement import agreement_of, read_pairs
from app.feedback.retrain import dataset, measures, watermarks
from app.feedback.retrain.conditions import Past, span
from app.feedback.retrain.model import Guard, Pipeline, Run

CHECKED = 500
"""New rows that are held against the contract before each firing; all are when they are written."""
PAIRS = 20
"""Rows decided twice below which agreement says nothing."""
MB = 1_000_000


def cheap(
    pipeline: Pipeline,
    *,
    last: Run | None,
    open_run: Run | None,
    hold: str | None,
    taking: int,
    corrections: int,
    folder: Path,
    now: datetime,
) -> Iterator[Guard]:
    """The guards that read no rows. `taking` is how many new rows there are, `folder` where a run would be written."""
    yield Guard("hold", hold is None, "nobody holds it" if hold is None else f"held: {hold}")
    yield _running(open_run)
    yield _cooldown(pipeline, last, now)
    yield _enough(pipeline, taking, corrections)
    if pipeline.free_mb:
        yield _disk(pipeline, folder)


def dear(conn: Connection, pipeline: Pipeline, past: Past) -> Iterator[Guard]:
    """The guards that read rows and decisions."""
    yield _contract(conn, pipeline, past)
    if pipeline.min_agreement:
        yield _agreement(conn, pipeline)


def cool_at(pipeline: Pipeline, last: Run | None, now: datetime) -> datetime | None:
    """When the pause after the last run is over."""
    if last is None or not pipeline.cooldown_s or watermarks.ahead(last.created_at, now):
        return None
    return last.created_at + timedelta(seconds=pipeline.cooldown_s)


def _running(run: Run | None) -> Guard:
    if run is None:
        return Guard("running", True, "no run is under way")
    told = f"run {run.id} is {run.state}"
    if run.state == "dispatched":
        told += f"; `qd retrain report {run.id} --ok` ends it"
    return Guard("running", False, told)


def _cooldown(pipeline: Pipeline, last: Run | None, now: datetime) -> Guard:
    end = cool_at(pipeline, last, now)
    if end is None or end <= now:
        return Guard("cooldown", True, "the pause after the last run is over")
    return Guard("cooldown", False, f"{span(end - now)} of the pause after the last run are left")


def _enough(pipeline: Pipeline, taking: int, corrections: int) -> Guard:
    if taking < pipeline.least_rows and not (taking == 0 and corrections and pipeline.least_rows <= 1):
        return Guard("least_rows", False, f"{taking} of at least {pipeline.least_rows} new rows")
    more = f", {corrections} corrections" if corrections else ""
    return Guard("least_rows", True, f"{taking} new rows{more}")


def _contract(conn: Connection, pipeline: Pipeline, past: Past) -> Guard:
    ids = list(conn.scalars(select(measures.first(pipeline, past.since, CHECKED).c.id)))
    broken = dataset.broken(conn, ids)
    if not broken:
        return Guard("contract", True, f"{len(ids)} new rows keep the contract")
    first, why = next(iter(broken.items()))
    more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
    return Guard("contract", False, f"row {first} breaks the contract: {why}{more}")


def _agreement(conn: Connection, pipeline: Pipeline) -> Guard:
    found = agreement_of(read_pairs(conn))
    value = found.raw if found.kappa is None else found.kappa
    if value is None or found.n < PAIRS:
        return Guard("agreement", True, f"{found.n} rows decided twice; {PAIRS} are needed to tell")
    kind = "agreement" if found.kappa is None else "kappa"
    told = f"{kind} {value:.2f} of {found.n} rows decided twice, at least {pipeline.min_agreement:g} is wanted"
    return Guard("agreement", value >= pipeline.min_agreement, told)


def _disk(pipeline: Pipeline, folder: Path) -> Guard:
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        free = shutil.disk_usage(place).free / MB
    except OSError as error:
        return Guard("disk", False, f"the free space of {place} cannot be told ({error.strerror})")
    told = f"{free:.0f} MB free in {place}, at least {pipeline.free_mb} are wanted"
    return Guard("disk", free >= pipeline.free_mb, told)
