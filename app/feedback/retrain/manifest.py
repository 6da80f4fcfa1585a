"""The frozen files of a run: its rows as JSON lines, and a manifest that says what they are.

They are written into a folder beside their place, flushed to the disk, and moved there in one step: there are all of
them or none. Written again, from the same run, the data has the same bytes: rows come in the order of their ids, each
with the decision that the run was fired on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from app.errors import UserError
from app.feedback.contract import SCHEMA_VERSION
from app.feedback.retrain import dataset
from app.feedback.retrain.model import Frozen, Pipeline, Run
from app.feedback.retrain_tables import retrain_correction, retrain_row
from app.feedback.tables import feedback_decision

if TYPE_CHECKING:
    from app.db.engine import Database

MANIFEST = "manifest.json"
DATA = "data.jsonl"
MANIFEST_VERSION = 1
PRIVACY = "authors are the pseudonyms that rows were captured with; texts are as captured"


def folder_of(folder: Path, run_id: str) -> Path:
    """Where the files of a run lie."""
    return folder / run_id


def freeze(db: Database, pipeline: Pipeline, run: Run, folder: Path, git: Mapping[str, Any] | None) -> Frozen:
    """Write the files of a run where they are not there yet. Blocks; raises UserError and OSError."""
    place = folder_of(folder, run.id)
    found = read(place)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = Path(tempfile.mkdtemp(prefix=f".{run.id}-", dir=folder))
    try:
        document = _write_data(db, pipeline, run, draft / DATA)
        document["git"] = git
        with (draft / MANIFEST).open("x", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1, allow_nan=False)
            _flush(file)
        _flush_folder(draft)
        if place.exists():
            # Left by something that broke: no manifest there is whole, or it would have been taken above.
            shutil.rmtree(place)
        draft.rename(place)
        _flush_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            shutil.rmtree(draft)
        raise
    done = read(place)
    if done is None:
        raise UserError("the files that were written cannot be read back", where=str(place), fix="check the disk")
    return done


def read(place: Path) -> Frozen | None:
    """What is frozen there, with its hashes checked; None where nothing whole is."""
    try:
        raw = (place / MANIFEST).read_bytes()
        document = json.loads(raw)
        with (place / DATA).open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == document["data"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not same:
        return None
    return Frozen(place / MANIFEST, place / DATA, hashlib.sha256(raw).hexdigest(), document)


def _write_data(db: Database, pipeline: Pipeline, run: Run, path: Path) -> dict[str, Any]:
    tally = _Tally()
    digest = hashlib.sha256()
    after = ""
    with path.open("xb") as file:
        while True:
            batch = db.run_now(partial(_batch, pipeline=pipeline, run_id=run.id, after=after))
            if not batch:
                break
            for line in batch:
                if line.row is None:
                    tally.left_out.append({"id": line.feedback_id, "why": line.problem})
                    continue
                raw = line.text.encode() + b"\n"
                digest.update(raw)
                file.write(raw)
                tally.add(line)
            after = batch[-1].feedback_id
        _flush(file)
        size = file.tell()
    if not tally.ids and tally.left_out:
        raise UserError(
            f"none of the {len(tally.left_out)} rows keeps the contract; {tally.left_out[0]['why']}", where=run.id
        )
    return {
        "schema": MANIFEST_VERSION,
        "run_id": run.id,
        "pipeline": run.pipeline,
        "trigger_key": run.trigger_key,
        "fired_at": run.created_at.isoformat(),
        "reason": run.reason,
        "thresholds": dict(run.thresholds),
        "snapshot": dict(run.snapshot),
        "rows": len(tally.ids),
        "data": {"file": DATA, "sha256": digest.hexdigest(), "bytes": size},
        "schema_version": SCHEMA_VERSION,
        "labels": dict(sorted(tally.labels.items())),
        "tags": dict(sorted(tally.tags.items())),
        "splits": dict(sorted(tally.splits.items())),
        "split": {"seed": pipeline.split_seed, "test_share": pipeline.test_share, "by": "input"},
        "rubric_versions": dict(sorted(tally.rubrics.items())),
        "model_versions": dict(sorted(tally.models.items())),
        "privacy": PRIVACY,
        "corrections": db.run_now(lambda conn: corrections_of(conn, run.id)),
        "left_out": tally.left_out,
        "ids": tally.ids,
    }


def _batch(conn: Connection, pipeline: Pipeline, run_id: str, after: str) -> list[dataset.Line]:
    found = dataset.lines(conn, run_id, after=after, seed=pipeline.split_seed, test_share=pipeline.test_share)
    return list(found)


def corrections_of(conn: Connection, run_id: str) -> list[dict[str, Any]]:
    """What became of rows that earlier runs had taken, as this run has to know it: once for each row.

    A decision that was undone and done again is none. `was` is the state in which the earlier run took the row.
    """
    columns, log = retrain_correction.c, feedback_decision.c
    asked = (
        select(
            columns.feedback_id,
            columns.run_id,
            columns.state_before,
            columns.state_now,
            columns.id,
            columns.at,
            log.kind,
            log.supersedes,
            retrain_row.c.decision_id,
        )
        .join_from(retrain_correction, retrain_row, (retrain_row.c.feedback_id == columns.feedback_id))
        .join(feedback_decision, log.id == columns.id, isouter=True)
        .where(columns.taken_by == run_id, retrain_row.c.pipeline == columns.pipeline)
        .order_by(columns.feedback_id, columns.at, columns.id)
    )
    first: dict[str, Any] = {}
    latest: dict[str, Any] = {}
    for row in conn.execute(asked):
        first.setdefault(row.feedback_id, row)
        latest[row.feedback_id] = row
    found = []
    for identity, row in latest.items():
        was = first[identity].state_before
        same_decision = row.kind == "redo" and row.supersedes == row.decision_id
        if was == row.state_now and same_decision:
            continue
        found.append(
            {
                "id": identity,
                "run_id": row.run_id,
                "was": was,
                "now": row.state_now,
                "decision_id": row.id,
                "at": row.at.isoformat(),
            }
        )
    return found


class _Tally:
    """What the manifest counts."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.left_out: list[dict[str, str]] = []
        self.labels: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.rubrics: Counter[str] = Counter()
        self.models: Counter[str] = Counter()

    def add(self, line: dataset.Line) -> None:
        row = line.row
        assert row is not None
        self.ids.append(row.id)
        self.labels[row.state] += 1
        self.tags.update(row.tags)
        self.splits[row.split] += 1
        self.models[row.model_version or row.model or ""] += 1
        self.rubrics.update(decision.rubric_version for decision in row.decisions or ())


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
