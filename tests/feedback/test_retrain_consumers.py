"""What consumers print, what they are told again, and pipelines that are replaced while one is busy."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.engine import Database
from app.db.spool import Spool
from app.db.types import utc_now
from app.events import Bus
from app.feedback.retrain import consumers, corrections, manifest, runs
from app.feedback.retrain.consumers import LOG_HEAD, LOG_TAIL, Outcome, argv, shorten
from app.feedback.retrain.control import Retrain
from app.feedback.retrain.dispatch import Dispatcher
from app.feedback.retrain.model import Frozen, Pipeline, Run
from app.feedback.retrain.service import RetrainService
from app.feedback.retrain_tables import retrain_correction
from tests.feedback.hooking import hooking
from tests.feedback.retraining import START, accept, decide, fire, look, pipeline
from tests.feedback.test_retrain_dispatch import Clock, dispatch, found, python, runs_still
from tests.feedback.test_retrain_fire import end, ids
from tests.waiting import until


def test_of_a_command_that_prints_for_ever_head_and_tail_are_kept(database: Database, tmp_path: Path) -> None:
    code = "import sys\nprint('begins')\nfor n in range(1200): sys.stdout.write('x' * 9999 + '\\n')\nprint('ends')"
    accept(database, "abc")
    run = fire(database, pipeline(tmp_path, command=python(code)))
    done = dispatch(database, pipeline(tmp_path, command=python(code)), tmp_path)
    assert [each.state for each in done] == ["dispatched"]
    assert run is not None
    kept = (tmp_path / "out" / f"{run.id}.log").read_bytes()
    assert kept.startswith(b"begins\n")
    assert kept.endswith(b"ends\n")
    assert b"bytes are left out here" in kept
    assert len(kept) <= 2 * (LOG_HEAD + LOG_TAIL)


def test_what_is_left_out_adds_up(tmp_path: Path) -> None:
    output = tmp_path / "x.log"
    output.write_bytes(b"h" * 10 + b"m" * 70 + b"t" * 20)
    shorten(output, 10, 10)
    assert output.read_bytes() == b"h" * 10 + b"\n... 80 bytes are left out here ...\n" + b"t" * 10
    shorten(output, 10, 100)
    assert output.stat().st_size < 110


def test_places_in_a_command_are_filled_once(tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, command=("--", "-rf", "--out={data}", "{run}"))
    run = Run("R", "{data}", "fired", "", 1, START, START, "k", {}, {})
    frozen = Frozen(tmp_path / "{run}", tmp_path / "{manifest}", "", {})
    assert argv(wanted, run, frozen) == ["--", "-rf", f"--out={tmp_path}/{{manifest}}", "R"]


def test_the_address_of_a_webhook_is_kept_to_the_letter(database: Database, tmp_path: Path) -> None:
    accept(database, "abc")
    with hooking(200) as hook:
        wanted = pipeline(tmp_path, webhook=hook.url + "/", secret="a secret of many characters")
        fire(database, wanted)
        assert [each.state for each in dispatch(database, wanted, tmp_path)] == ["dispatched"]
        assert hook.paths == ["/train/"]


def test_files_are_frozen_as_the_pipeline_was_set_to_when_it_fired(database: Database, tmp_path: Path) -> None:
    names = [f"r{number:02}" for number in range(40)]
    wanted = pipeline(tmp_path, split_seed=1, test_share=0.5)
    accept(database, names)
    run = fire(database, wanted)
    assert run is not None
    first = manifest.freeze(database, wanted, run, tmp_path / "one", None)
    other = replace(wanted, split_seed=2, test_share=0.1)
    again = manifest.freeze(database, other, run, tmp_path / "two", None)
    assert again.data.read_bytes() == first.data.read_bytes()
    assert json.loads(first.manifest.read_bytes())["ids"] == names


def test_a_manifest_that_was_changed_is_written_again(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, command=python("raise SystemExit(1)"), back_off_s=0.001)
    accept(database, "abc")
    run = fire(database, wanted)
    done = dispatch(database, wanted, tmp_path)[0]
    place = Path(done.manifest or "")
    whole = place.read_bytes()
    (place.parent.parent / f".{done.id}-left").mkdir()
    place.write_bytes(whole.replace(b'"p"', b'"q"'))
    handed: list[Frozen] = []

    async def take(_: Pipeline, __: Run, frozen: Frozen, ___: Path) -> Outcome:
        handed.append(frozen)
        return Outcome(True)

    async def again() -> None:
        dispatcher = Dispatcher(database, [wanted], tmp_path / "out", hand_over=take)
        while not handed:
            await dispatcher.once()
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(again(), 60))
    assert place.read_bytes() == whole
    assert handed[0].sha256 == found(database, run).manifest_hash
    assert [path.name for path in place.parent.parent.iterdir() if path.is_dir()] == [done.id]


def test_a_decision_that_corrects_a_row_that_was_taken_goes_with_the_next_run(
    database: Database, tmp_path: Path
) -> None:
    wanted = pipeline(tmp_path)
    accept(database, "abc")
    end(database, fire(database, wanted))
    changed = decide(database, "a", utc_now(), verdict="accept", correction="better")
    assert look(database, wanted).corrections == 1
    assert look(database, wanted).new_rows == 0
    run = fire(database, wanted, forced="x")
    assert ids(database, run) == []
    assert run is not None
    kept = database.run_now(lambda conn: corrections.of_run(conn, run.id))
    assert [(each["id"], each["decision_id"]) for each in kept] == [("a", changed)]
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(retrain_correction))) == 1


def test_pipelines_that_are_replaced_leave_a_busy_consumer_alone(database: Database, tmp_path: Path) -> None:
    told, go = tmp_path / "told", tmp_path / "go"
    code = (
        "import pathlib, sys, time\nopen(sys.argv[1], 'a').write('begun\\n')\n"
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.02)\nopen(sys.argv[1], 'a').write('done\\n')"
    )
    wanted = pipeline(tmp_path, command=python(code, str(told), str(go)), result="exit")
    other = pipeline(tmp_path, name="other", command=python("pass"), result="exit")
    accept(database, "abc")

    def state(name: str) -> Any:
        last = database.run_now(lambda conn: runs.last(conn, name))
        return None if last is None else last.state

    async def scene() -> None:
        bus, spool = Bus(), Spool(tmp_path / "spool.db")
        spool.start(database, bus)

        def control(*pipelines: Pipeline) -> Retrain:
            return Retrain(database, spool, pipelines, tmp_path / "out")

        service = RetrainService(control(wanted), spool=spool, bus=bus)
        await service.start()
        try:
            await until(told.exists, what="the consumer's call")
            await service.replace(control(replace(wanted, accepted_rows=50), other))
            # The other one does not wait for the first one's consumer either.
            await until(lambda: state("other") == "succeeded", what="the other pipeline's run")
            assert state("p") == "frozen"
            go.touch()
            await until(lambda: state("p") == "succeeded", what="the end of the first one's consumer")
        finally:
            await service.close()
            await spool.close()

    asyncio.run(scene())
    assert told.read_text() == "begun\ndone\n"


@pytest.mark.parametrize("status", [409, 425])
def test_a_webhook_that_is_still_at_it_is_asked_again(database: Database, tmp_path: Path, status: int) -> None:
    accept(database, "abc")
    with hooking(status, 200) as hook:
        wanted = pipeline(tmp_path, webhook=hook.url, back_off_s=0.001)
        run = fire(database, wanted)
        assert run is not None
        done = dispatch(database, wanted, tmp_path)
        assert (done[0].state, done[0].error) == ("frozen", f"the webhook answered {status}")
        clock = Clock()
        clock.now += timedelta(hours=1)
        assert dispatch(database, wanted, tmp_path, clock)[0].state == "dispatched"
        assert [each["idempotency-key"] for each in hook.received] == [run.id] * 2


async def test_what_a_command_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "GRACE_S", 0.5)
    told = tmp_path / "told"
    stays = (
        "import os, pathlib, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\ntime.sleep(300)"
    )
    code = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, *sys.argv[1:]])\ntime.sleep(300)"
    wanted = pipeline(tmp_path, command=python(code, "-c", stays, str(told)))
    run = Run("R", "p", "fired", "", 1, START, START, "k", {}, {})
    frozen = Frozen(tmp_path / "manifest.json", tmp_path / "data.jsonl", "", {})
    task = asyncio.create_task(consumers.hand_over(wanted, run, frozen, tmp_path / "R.log"))
    await until(lambda: told.exists() and told.read_text(), what="the child")
    child = int(told.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not runs_still(child), what="the end of the child")
