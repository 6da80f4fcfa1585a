"""The last state of every project, kept between two starts so that the first frame has something to show.

Reading it must cost next to nothing: the file holds arrays, not objects, and needs only the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.testing.model import COUNTED, Counts, FileState, ProjectSnapshot, RunSummary, TestState

FORMAT = 1
_RUN = (
    *("run_id", "project", "trigger", "level", "level_reason", "started_at", "first_result_s", "duration_s", "exit"),
    *("counts", "affected_done_s", "affected_bad", "superseded", "note"),
)
_FILE = ("path", "total", "bad", "skipped", "unknown", "error")


def load(path: Path) -> tuple[ProjectSnapshot, ...]:
    """What `save` has kept; empty when there is nothing, or nothing that can be read."""
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            return ()
        return tuple(_project(entry) for entry in document["projects"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()


def save(path: Path, snapshots: Iterable[ProjectSnapshot]) -> None:
    """Replace the file in one step. Raises OSError when that is impossible, leaving the earlier file as it was."""
    from app.files import replace_text

    document = {"format": FORMAT, "projects": [_entry(snapshot) for snapshot in snapshots]}
    data = json.dumps(document, separators=(",", ":"))
    replace_text(path, data)


def _entry(snapshot: ProjectSnapshot) -> dict[str, Any]:
    runs: dict[str, int] = {}
    files: dict[str, int] = {}
    tests = []
    for test in snapshot.tests.values():
        prefix = test.nodeid.startswith(test.file)
        tests.append(
            [
                files.setdefault(test.file, len(files)),
                # The file's name is most of a node id.
                test.nodeid[len(test.file) :] if prefix else test.nodeid,
                int(prefix),
                test.line,
                test.outcome,
                None if test.duration_s is None else round(test.duration_s, 6),
                test.message,
                test.error_class,
                runs.setdefault(test.run_id, len(runs)),
                int(test.stale),
            ]
        )
    return {
        "name": snapshot.name,
        "path": snapshot.path,
        "level": snapshot.level,
        "level_reason": snapshot.level_reason,
        "watched_files": snapshot.watched_files,
        "saved_at": snapshot.saved_at,
        "run_ids": list(runs),
        "test_files": list(files),
        "tests": tests,
        "files": [[getattr(state, name) for name in _FILE] for state in snapshot.files.values()],
        "counts": _numbers(snapshot.counts),
        "last": None if snapshot.last is None else _summary(snapshot.last),
        "recent": [_summary(run) for run in snapshot.recent],
    }


def _project(entry: dict[str, Any]) -> ProjectSnapshot:
    runs, names = entry["run_ids"], entry["test_files"]
    tests: dict[str, TestState] = {}
    for file, nodeid, prefix, line, outcome, duration, message, error_class, run, stale in entry["tests"]:
        name = names[file]
        if prefix:
            nodeid = name + nodeid
        tests[nodeid] = TestState(
            nodeid, name, line, outcome, False, False, duration, message, error_class, runs[run], bool(stale)
        )
    files = (
        FileState(path, total, bad, skipped, unknown, error=error)
        for path, total, bad, skipped, unknown, error in entry["files"]
    )
    return ProjectSnapshot(
        name=entry["name"],
        path=entry["path"],
        state="starting",
        level=entry["level"],
        level_reason=entry["level_reason"],
        watched_files=entry["watched_files"],
        saved_at=entry["saved_at"],
        tests=tests,
        files={state.path: state for state in files},
        counts=Counts(*entry["counts"]),
        last=None if entry["last"] is None else _run(entry["last"]),
        recent=tuple(_run(run) for run in entry["recent"]),
    )


def _numbers(counts: Counts) -> list[int]:
    return [getattr(counts, name) for name in COUNTED]


def _summary(run: RunSummary) -> list[Any]:
    return [_numbers(run.counts) if name == "counts" else getattr(run, name) for name in _RUN]


def _run(values: list[Any]) -> RunSummary:
    fields = dict(zip(_RUN, values, strict=True))
    return RunSummary(**{**fields, "counts": Counts(*fields["counts"])})
