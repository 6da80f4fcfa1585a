"""Chooses what the detail panel shows for a row of the tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from widgets.subjects import FileSubject, Subject, TestSubject, TextSubject

if TYPE_CHECKING:
    from app.testing.model import HistoryPoint, ProjectSnapshot
    from app.testing.service import TestingService
    from widgets.test_tree import TestTree

OUTPUT_LIMIT = 1_000_000


def subject(
    snapshot: ProjectSnapshot,
    tree: TestTree,
    row: str,
    service: TestingService | None,
    *,
    now: float,
    history: Sequence[HistoryPoint] = (),
) -> Subject | None:
    """The test or file of this row, with all that the engine has in memory about it."""
    if tree.is_file(row):
        file = tree.file_of(row)
        if file is None:
            return None
        states = [snapshot.tests[i] for i in tree.outline.members(row) if i in snapshot.tests]
        detail = service.detail(snapshot.name, file.path) if service is not None and file.error else None
        return FileSubject(file, states, detail)
    state = snapshot.tests.get(row)
    if state is None:
        return None
    detail = service.detail(snapshot.name, row) if service is not None else None
    if detail is None:
        from app.testing.model import TestDetail

        detail = TestDetail(state)
    return TestSubject(detail, now=now, history=history)


def run_output(path: Path | None, name: str) -> TextSubject:
    """What the last run printed outside of its tests."""
    title = f"{name} ─ output of the last run"
    if path is None:
        return TextSubject("output", title, "The last run printed nothing outside of its tests.")
    try:
        with path.open("rb") as file:
            data = file.read(OUTPUT_LIMIT)
    except OSError as error:
        return TextSubject("output", title, f"{path}: {error.strerror}; the next run writes it again")
    text = data.decode("utf-8", "backslashreplace")
    return TextSubject("output", title, text or "The last run printed nothing outside of its tests.")
