"""The trigger as the app and as the commands have it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import storage
from app.commands.schema import find
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus, FeedbackChanged, RetrainChanged, RetrainEnded
from app.feedback import decisions
from app.feedback.contract import DecisionRecord
from app.feedback.model import Counts
from app.feedback.retrain import runs
from app.feedback.retrain import service as service_module
from app.feedback.retrain.control import Retrain
from app.feedback.retrain.model import Run
from app.feedback.retrain.service import RetrainService
from app.feedback.review import FeedbackSnapshot
from app.ids import new_id
from tests.cli.schemas import errors
from tests.feedback.retraining import START, accept, fire, pipeline, rows
from tests.feedback.test_retrain_fire import end
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def test_the_app_fires_when_the_last_row_is_accepted(database: Database, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = (
        sys.executable,
        "-c",
        "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')",
        str(told),
        "{run}",
    )
    wanted = pipeline(tmp_path, command=command)

    async def scene() -> None:
        bus, spool = Bus(), Spool(tmp_path / "spool.db")
        storage.register(spool)
        spool.start(database, bus)
        seen: list[str] = []
        bus.subscribe(RetrainChanged, lambda event: seen.append(event.snapshot.progress))
        service = RetrainService(Retrain(database, spool, [wanted], tmp_path / "out"), spool=spool, bus=bus)
        await service.start()
        try:
            await until(lambda: seen, what="the first measuring")
            assert seen == ["1 more accepted row until retrain fires"]
            record = DecisionRecord(
                id=new_id(), feedback_id="c", kind="decide", decided_at=START, reviewer="ann", verdict="accept"
            )
            await decisions.put(spool, record)
            bus.publish(FeedbackChanged(FeedbackSnapshot(counts=Counts(accepted=3))))
            await until(told.exists, what="the consumer's call")
            last: Run | None = None
            while last is None or last.state != "dispatched":
                last = await database.run(lambda conn: runs.last(conn, "p"))
                await asyncio.sleep(0.01)
            assert last.row_count == 3
            shown = service.snapshot
            await until(
                lambda: (told_of := shown().pipelines[0].last) and told_of.state == "dispatched", what="the news"
            )
            assert seen[-1] == "3 more accepted rows until retrain fires"
        finally:
            await service.close()
            await spool.close()

    accept(database, "ab")
    rows(database, "c")
    asyncio.run(scene())
    run = database.run_now(lambda conn: runs.last(conn, "p"))
    assert run is not None
    assert told.read_text() == f"{run.id}\n"


def test_decisions_are_measured_again_once_they_are_kept(database: Database, tmp_path: Path) -> None:
    async def scene() -> None:
        bus, spool = Bus(), Spool(tmp_path / "spool.db")
        spool.start(database, bus)
        retrain = Retrain(database, spool, [pipeline(tmp_path)], tmp_path / "out")
        service = RetrainService(retrain, spool=spool, bus=bus)
        await service.start()
        wanted = service._measure
        try:
            for unsaved, measured in ((1, True), (1, False), (0, True)):
                await until(lambda: not wanted.is_set(), what="a measuring")
                # The key changes the counts; that its decision can be read is told later, with the same counts.
                bus.publish(FeedbackChanged(FeedbackSnapshot(counts=Counts(accepted=3), unsaved=unsaved)))
                assert wanted.is_set() is measured
        finally:
            await service.close()
            await spool.close()

    asyncio.run(scene())


def test_what_another_process_reports_lets_the_next_run_go(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "LOOK_MOST_S", 0.05)
    monkeypatch.setattr(service_module, "PAUSE_S", 0.05)
    wanted = pipeline(tmp_path)
    accept(database, "abc")
    first = fire(database, wanted)
    accept(database, "def", START + timedelta(minutes=5))
    assert first is not None

    async def scene() -> None:
        bus, spool = Bus(), Spool(tmp_path / "spool.db")
        spool.start(database, bus)
        ends: list[RetrainEnded] = []
        bus.subscribe(RetrainEnded, ends.append)
        service = RetrainService(Retrain(database, spool, [wanted], tmp_path / "out"), spool=spool, bus=bus)
        await service.start()
        try:
            await until(lambda: service.snapshot().pipelines, what="the first measuring")
            assert "run" in service.snapshot().progress
            assert ends == []
            # As a command does: nothing of it comes over this app's bus.
            end(database, first)
            await until(
                lambda: (last := service.snapshot().pipelines[0].last) is not None and last.id != first.id,
                what="the next run",
            )
            assert ends == [RetrainEnded(True, "p: the run succeeded")]
            end(database, service.snapshot().pipelines[0].last, ok=False)
            await until(lambda: len(ends) == 2, what="the end of the next run")
            assert ends[1] == RetrainEnded(False, "p: the run failed")
            await until(lambda: service.snapshot().progress.startswith("last run failed, "), what="the news on screen")
        finally:
            await service.close()
            await spool.close()

    asyncio.run(scene())


def test_the_commands(tmp_path: Path) -> None:
    home, config = tmp_path / "home", tmp_path / "config.toml"
    config.write_text(
        f"[[feedback.retrain]]\nname = 'p'\naccepted_rows = 3\nfree_mb = 0\ncooldown_s = 0.0\nfolder = '{tmp_path}'\n"
        f"command = ['{sys.executable}', '-c', 'pass', '{{manifest}}']\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUARTERDECK_")}
    environment |= {"QUARTERDECK_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT)}

    def qd(code: int, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "app", "retrain", *arguments, "--json", "--config", str(config)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
        if done.stdout:
            assert errors(find(f"retrain {arguments[0]}"), document) == []
        return document

    assert qd(0, "status")["pipelines"][0]["progress"] == "3 more accepted rows until retrain fires"
    db = Database(f"sqlite:///{next((home / 'data').glob('quarterdeck*.db'))}")
    try:
        accept(db, "abc", START)
        assert qd(0, "hold", "--reason", "not today")["hold"] == "not today"
        assert qd(1, "fire")["missing"] == ["held: not today"]
        assert qd(0, "resume")["hold"] is None
        dry = qd(0, "fire", "--dry-run")
        assert (dry["fired"], dry["would_fire"], dry["run"]) == (False, True, None)
        fired = qd(0, "fire")
        run = fired["run"]
        assert (fired["fired"], run["state"], run["row_count"]) == (True, "dispatched", 3)
        assert Path(run["manifest"]).is_file()
        assert qd(1, "fire")["run"] is None
        reported = qd(0, "report", run["id"], "--ok", "--metric", "f1=0.91")
        assert (reported["state"], reported["run"]["state"]) == ("applied", "succeeded")
        assert reported["run"]["result"]["metrics"] == {"f1": 0.91}
        assert "reported as succeeded" in qd(2, "report", run["id"], "--failed")["error"]
        assert "there is no run NONE" in qd(2, "report", "NONE", "--ok")["error"]
        assert "expected NAME=NUMBER" in qd(2, "report", run["id"], "--ok", "--metric", "f1=nan")["error"]
        kept = qd(0, "history")
        assert [each["id"] for each in kept["runs"]] == [run["id"]]
        assert {each["fired"] for each in kept["looks"]} == {True, False}
        assert qd(0, "dispatch")["runs"] == []
        assert "only a run that failed or expired" in qd(2, "retry", run["id"])["error"]
        assert "did you mean" in qd(2, "status", "pp")["error"]
    finally:
        db.close()
