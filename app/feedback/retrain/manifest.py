"""The frozen files of a run: its rows as JSON lines, and a manifest that says what they are.

They are written into a folder beside their place, flushed to the disk, and moved there in one step: there are all of
them or none. Written again, from the same run, the data has the same bytes: rows come in the order of their ids, each
with the decision that the run was fired on, and are split as the pipeline was set to when it fired. However many rows
there are, a few are in memory: the ids, which end the manifest, are never read back.
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

from sqlalchemy import Connection

from app.errors import UserError
from app.feedback.contract import SCHEMA_VERSION
from app.feedback.retrain import corrections, dataset
from app.feedback.retrain.model import Frozen, Pipeline, Run

if TYPE_CHECKING:
    from app.db.engine import Database

MANIFEST = "manifest.json"
DATA = "data.jsonl"
MANIFEST_VERSION = 1
IDS = ' "ids": ['
PRIVACY = "authors and texts are as captured: of Discord pseudonyms, of other sources what was given"


def folder_of(folder: Path, run_id: str) -> Path:
    """Where the files of a run lie."""
    return folder / run_id


def freeze(db: Database, pipeline: Pipeline, run: Run, folder: Path, git: Mapping[str, Any] | None) -> Frozen:
    """Write the files of a run where they are not there yet. Blocks; raises UserError and OSError."""
    place = folder_of(folder, run.id)
    found = read(place)
    changed = found is not None and run.manifest == str(found.manifest) and run.manifest_hash != found.sha256
    if found is not None and not changed:
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(f".{run.id}-*"):
        # Of a dispatcher that was killed: the run is ours now.
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{run.id}-", dir=folder))
    try:
        with (draft / MANIFEST).open("x", encoding="utf-8") as file, tempfile.TemporaryFile("w+", dir=draft) as ids:
            document = {**_write_data(db, pipeline, run, draft / DATA, ids), "git": git}
            file.write(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).removesuffix("\n}"))
            file.write(f",\n{IDS}")
            ids.seek(0)
            shutil.copyfileobj(ids, file)
            file.write("\n ]\n}\n")
            _flush(file)
        _flush_folder(draft)
        if place.exists():
            # Left by something that broke or changed it, or it would have been taken above.
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
    """What is frozen there, with its hashes checked, but for the ids; None where nothing whole is."""
    try:
        with (place / MANIFEST).open("rb") as file:
            head = b"".join(iter(lambda: _before_ids(file), b""))
            document = json.loads(head.rstrip(b",\n") + b"}")
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with (place / DATA).open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == document["data"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Frozen(place / MANIFEST, place / DATA, digest, document) if same else None


def _before_ids(file: IO[bytes]) -> bytes:
    """The next line of a manifest; empty where its ids begin."""
    line = file.readline()
    return b"" if line == f"{IDS}\n".encode() else line


def _write_data(db: Database, pipeline: Pipeline, run: Run, path: Path, ids: IO[str]) -> dict[str, Any]:
    tally = _Tally()
    set_to = {"split_seed": pipeline.split_seed, "test_share": pipeline.test_share, **run.thresholds}
    seed, test_share = set_to["split_seed"], set_to["test_share"]
    digest = hashlib.sha256()
    after = ""
    with path.open("xb") as file:
        while True:
            batch = db.run_now(partial(_batch, run_id=run.id, after=after, seed=seed, test_share=test_share))
            if not batch:
                break
            for line in batch:
                if line.row is None:
                    tally.left_out.append({"id": line.feedback_id, "why": line.problem})
                    continue
                raw = line.text.encode() + b"\n"
                digest.update(raw)
                file.write(raw)
                ids.write(f'{"," if tally.rows else ""}\n  "{line.feedback_id}"')
                tally.add(line)
            after = batch[-1].feedback_id
        _flush(file)
        size = file.tell()
    if not tally.rows and tally.left_out:
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
        "rows": tally.rows,
        "data": {"file": DATA, "sha256": digest.hexdigest(), "bytes": size},
        "schema_version": SCHEMA_VERSION,
        "labels": dict(sorted(tally.labels.items())),
        "tags": dict(sorted(tally.tags.items())),
        "splits": dict(sorted(tally.splits.items())),
        "split": {"seed": seed, "test_share": test_share, "by": "input"},
        "rubric_versions": dict(sorted(tally.rubrics.items())),
        "model_versions": dict(sorted(tally.models.items())),
        "privacy": PRIVACY,
        "corrections": db.run_now(lambda conn: corrections.of_run(conn, run.id)),
        "left_out": tally.left_out,
    }


def _batch(conn: Connection, run_id: str, after: str, seed: int, test_share: float) -> list[dataset.Line]:
    return list(dataset.lines(conn, run_id, after=after, seed=seed, test_share=test_share))


class _Tally:
    """What the manifest counts."""

    def __init__(self) -> None:
        self.rows = 0
        self.left_out: list[dict[str, str]] = []
        self.labels: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.rubrics: Counter[str] = Counter()
        self.models: Counter[str] = Counter()

    def add(self, line: dataset.Line) -> None:
        row = line.row
        assert row is not None
        self.rows += 1
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
