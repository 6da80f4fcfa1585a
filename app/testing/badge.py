"""The state of all projects in the few characters of the area's tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.events import Badge, Tone
from app.testing.model import ProjectSnapshot


def badge_of(projects: Sequence[ProjectSnapshot]) -> Badge:
    """In at most four characters: how far the runs are until all tests are in, then how they came out, even while
    their processes still end. Where nothing fails but not every test has come out, it says how many have.
    """
    if not projects:
        return Badge("tests", "")
    bad = sum(project.counts.bad for project in projects)
    running = [project.progress for project in projects if project.progress is not None]
    if not all(progress.all_in for progress in running):
        done = sum(progress.done for progress in running)
        total = sum(progress.total or 0 for progress in running)
        share = f"{100 * done // total}%" if done < total else "◐"
        tone: Tone = "bad" if any(progress.bad for progress in running) else "busy"
        return Badge("tests", share, tone)
    if bad:
        return Badge("tests", f"✗{bad}" if bad < 1000 else "✗1k+", "bad")
    if any(project.state in ("broken", "gone") for project in projects):
        return Badge("tests", "⚠", "warn")
    if any(project.certain is not None for project in projects):
        known = sum(project.counts.total if project.certain is None else project.certain for project in projects)
        return Badge("tests", "○" if not known else f"✓{known}" if known < 1000 else "✓1k+")
    if any(project.counts.total for project in projects):
        return Badge("tests", "✓", "good")
    return Badge("tests", "○")


def last_seen_badge(projects: Sequence[ProjectSnapshot]) -> Badge:
    """What an earlier session left, in no colour: nothing has confirmed it yet."""
    return replace(badge_of(projects), tone="plain")
