"""Reasons to fire, each measured, with what is missing until it is met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.feedback.retrain import measures, schedule, watermarks
from app.feedback.retrain.drift import ks, psi
from app.feedback.retrain.model import Condition, Pipeline

SURE = 0.01
"""A distance that comes by chance more often than this is none."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a pipeline has behind it: up to where it took rows, when it last fired, since when it is known."""

    since: datetime | None
    fired_at: datetime | None
    known_at: datetime


def measure(
    conn: Connection,
    pipeline: Pipeline,
    past: Past,
    found: Mapping[str, int],
    oldest: datetime | None,
    now: datetime,
) -> Iterator[Condition]:
    """Every condition that is on. `found` are the new rows by their state, `oldest` when the first one was decided."""
    most = measures.counted(pipeline)
    if pipeline.accepted_rows:
        yield _rows(found["accepted"], pipeline.accepted_rows, most)
    if pipeline.label_rows:
        yield _labels(measures.labels(conn, pipeline, past.since, found), pipeline.label_rows)
    if pipeline.reject_rise:
        yield _reject_rate(conn, pipeline, now)
    if pipeline.psi_above or pipeline.ks_above:
        yield from _drift(conn, pipeline, now)
    if pipeline.max_age_days:
        yield _age(past.fired_at, oldest, pipeline.max_age_days, now)
    if pipeline.schedule:
        yield _scheduled(pipeline, past, now)


def look_again(pipeline: Pipeline, past: Past, oldest: datetime | None, now: datetime) -> datetime | None:
    """When time alone may meet a condition that is not met now."""
    moments = []
    if pipeline.reject_rise or pipeline.psi_above or pipeline.ks_above:
        moments.append(now + timedelta(hours=1))
    begin = past.fired_at or oldest
    if pipeline.max_age_days and begin is not None:
        moments.append(begin + timedelta(days=pipeline.max_age_days))
    if pipeline.schedule:
        moments.append(schedule.parse(pipeline.schedule).next(now, schedule.zone_of(pipeline.timezone)))
    return min((moment for moment in moments if moment > now), default=None)


def _rows(found: int, wanted: int, most: int) -> Condition:
    left = wanted - found
    missing = "" if left <= 0 else f"{left} more accepted row{'s' if left > 1 else ''}"
    told = f"{found}{' or more' if found >= most > wanted else ''} of {wanted} new accepted rows"
    if left < 0:
        told += ": reached"
    return Condition("rows", left <= 0, found, wanted, told, missing)


def _labels(found: dict[str, int], wanted: int) -> Condition:
    least = min(found.values(), default=0)
    missing = ", ".join(f"{wanted - count} more of {label}" for label, count in found.items() if count < wanted)
    told = ", ".join(f"{label} {count}" for label, count in found.items())
    return Condition("labels", not missing and bool(found), least, wanted, f"{told} of {wanted} each", missing)


def _reject_rate(conn: Connection, pipeline: Pipeline, now: datetime) -> Condition:
    middle = now - timedelta(days=pipeline.window_days)
    before = middle - timedelta(days=pipeline.baseline_days)
    bad, decided = measures.rejected(conn, middle, now + timedelta(days=1))
    bad_before, decided_before = measures.rejected(conn, before, middle)
    few = _too_few(decided, decided_before, pipeline.least_sample, "decisions")
    if few:
        return Condition("reject_rate", False, None, pipeline.reject_rise, f"reject rate: {few}", few)
    rate, usual = bad / decided, bad_before / decided_before
    rise = rate - usual
    # Of what is decided by share, the last digit of a difference is no reason.
    met = rise >= pipeline.reject_rise - 1e-9
    told = f"reject rate {rate:.1%} of {decided}, before {usual:.1%} of {decided_before}"
    missing = "" if met else f"a reject rate of {usual + pipeline.reject_rise:.1%} (now {rate:.1%})"
    return Condition("reject_rate", met, rise, pipeline.reject_rise, told, missing)


def _drift(conn: Connection, pipeline: Pipeline, now: datetime) -> Iterator[Condition]:
    middle = now - timedelta(days=pipeline.window_days)
    recent = measures.scores(conn, middle, now + timedelta(days=1))
    usual = measures.scores(conn, middle - timedelta(days=pipeline.baseline_days), middle)
    few = _too_few(len(recent), len(usual), pipeline.least_sample, "scores")
    if pipeline.psi_above:
        value = None if few else psi(usual, recent)
        yield _shift("psi", "score drift (PSI)", value, pipeline.psi_above, few)
    if pipeline.ks_above:
        distance, chance = (None, 1.0) if few else ks(usual, recent)
        if distance is not None and distance >= pipeline.ks_above and chance >= SURE:
            few = f"more scores: a distance of {distance:.3f} comes by chance in {chance:.1%}"
        yield _shift("ks", "score drift (KS)", distance, pipeline.ks_above, few)


def _shift(name: str, title: str, value: float | None, threshold: float, few: str) -> Condition:
    if value is None or few:
        return Condition(name, False, value, threshold, f"{title}: {few}", few)
    met = value >= threshold
    told = f"{title} {value:.3f} of {threshold:g}"
    return Condition(name, met, value, threshold, told, "" if met else f"a {title} of {threshold:g} (now {value:.3f})")


def _too_few(recent: int, before: int, least: int, what: str) -> str:
    if recent < least:
        return f"{least - recent} more {what} in the window"
    return f"{least - before} more {what} in the baseline" if before < least else ""


def _age(fired_at: datetime | None, oldest: datetime | None, most: float, now: datetime) -> Condition:
    begin = fired_at or oldest
    if begin is None:
        return Condition("age", False, None, most, "no new row has an age", "a new row")
    days = max(0.0, (now - begin).total_seconds() / 86_400)
    left = timedelta(days=most - days)
    missing = "" if days >= most else f"{span(left)} more"
    since = "the last run" if fired_at is not None else "the first new row was decided"
    return Condition("age", not missing, days, most, f"{days:.1f} of {most:g} days since {since}", missing)


def _scheduled(pipeline: Pipeline, past: Past, now: datetime) -> Condition:
    found, zone = schedule.parse(pipeline.schedule), schedule.zone_of(pipeline.timezone)
    due = found.last(now, zone)
    begin = past.fired_at or past.known_at
    # A beginning that lies in the future is of a clock that was put back since: what was due once counts.
    met = due > begin or watermarks.ahead(begin, now)
    if met:
        return Condition("schedule", True, 1, 1, f"{pipeline.schedule} was due at {due:%Y-%m-%d %H:%M} UTC")
    missing = f"{span(found.next(now, zone) - now)} more ({pipeline.schedule})"
    return Condition("schedule", False, 0, 1, f"{pipeline.schedule} is not due", missing)


def span(left: timedelta) -> str:
    """`3 d`, `5 h`, `12 min`: rounded up."""
    minutes = max(1, -int(-left.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours < 48 else f"{-(-hours // 24)} d"
