"""Handing over: frozen files, commands, webhooks, what fails and what never answers; dispatchers that are killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.commands.retrain_text import run_line
from app.db.engine import Database
from app.db.types import utc_now
from app.errors import UserError
from app.feedback.receiver.signatures import accepted
from app.feedback.retrain import manifest, runs, states
from app.feedback.retrain.contract import RunReport, TrainingRow
from app.feedback.retrain.dispatch import Dispatcher
from app.feedback.retrain.model import Pipeline, Run
from tests.feedback.hooking import hooking
from tests.feedback.retraining import START, accept, decide, fire, pipeline, rows
from tests.waiting import until

ROOT = Path(__file__).parents[2]
NOTE = "import os, sys; open(sys.argv[1], 'a').write(os.environ['QD_RETRAIN_RUN'] + ' ' + sys.argv[2] + '\\n')"


class Clock:
    """The time, moved on by hand."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def dispatch(db: Database, wanted: Pipeline, folder: Path, clock: Callable[[], datetime] = utc_now) -> list[Run]:
    return asyncio.run(Dispatcher(db, [wanted], folder / "out", clock=clock).once())


def found(db: Database, run: Run | None) -> Run:
    assert run is not None
    now = db.run_now(lambda conn: runs.find(conn, run.id))
    assert now is not None
    return now


def report(db: Database, run: Run, ok: bool, **metrics: float) -> None:
    payload = RunReport(run_id=run.id, ok=ok, metrics=metrics, at=utc_now()).model_dump(mode="json")
    db.run_now(lambda conn: states.apply_report(conn, payload), True)


def test_the_frozen_files_say_what_they_are(database: Database, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(tmp_path), *identity, "commit", "-qm", "x", "--allow-empty"], check=True)
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    wanted = pipeline(tmp_path, rows="decided", test_share=0.5, split_seed=3)
    made = accept(database, "ab", tags=("tone",), model_version="v3", context={"k": "\u2603"})
    rows(database, "c")
    decide(database, "c", START, verdict="reject", rubric_version="r2", correction="better")
    run = fire(database, wanted, forced="x")
    done = dispatch(database, wanted, tmp_path)
    assert [each.state for each in done] == ["dispatched"]
    place = Path(done[0].manifest or "")
    document = json.loads(place.read_text("utf-8"))
    assert done[0].manifest_hash == hashlib.sha256(place.read_bytes()).hexdigest()
    data = (place.parent / document["data"]["file"]).read_bytes()
    assert document["data"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert document["data"]["bytes"] == len(data)
    assert run is not None
    assert (document["run_id"], document["trigger_key"], document["rows"]) == (run.id, run.trigger_key, 3)
    assert document["ids"] == ["a", "b", "c"]
    assert document["labels"] == {"accepted": 2, "rejected": 1}
    assert document["tags"] == {"tone": 2}
    assert document["rubric_versions"] == {"": 2, "r2": 1}
    assert document["model_versions"] == {"": 1, "v3": 2}
    assert document["git"]["commit"] == head.stdout.strip()
    assert sum(document["splits"].values()) == 3
    assert document["split"] == {"seed": 3, "test_share": 0.5, "by": "input"}
    lines = [TrainingRow.model_validate_json(line) for line in data.splitlines()]
    assert [(line.id, line.state) for line in lines] == [("a", "accepted"), ("b", "accepted"), ("c", "rejected")]
    first, last = lines[0].decisions, lines[2].decisions
    assert first is not None
    assert last is not None
    assert (first[0].id, last[0].correction) == (made["a"], "better")
    assert lines[0].context == {"k": "\u2603"}


def test_frozen_again_the_data_has_the_same_bytes_though_decisions_went_on(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    made = accept(database, [f"r{number:04}" for number in range(1200)])
    run = fire(database, wanted)
    assert run is not None
    first = manifest.freeze(database, wanted, run, tmp_path / "one", None)
    decide(database, "r0007", utc_now(), kind="undo", supersedes=made["r0007"])
    again = manifest.freeze(database, wanted, run, tmp_path / "two", None)
    assert again.data.read_bytes() == first.data.read_bytes()
    assert len(first.data.read_bytes().splitlines()) == first.document["rows"] == 1200
    # What a crash has left half written is no reason to trust it.
    first.data.write_bytes(b"{}\n")
    mended = manifest.freeze(database, wanted, run, tmp_path / "one", None)
    assert mended.data.read_bytes() == again.data.read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [run.id]


def test_a_row_that_breaks_the_contract_is_named_and_left_out(database: Database, tmp_path: Path) -> None:
    from app.feedback.tables import feedback

    wanted = pipeline(tmp_path)
    accept(database, "abc")
    run = fire(database, wanted)
    database.run_now(lambda conn: conn.execute(update(feedback).where(feedback.c.id == "b").values(score=7.0)), True)
    assert run is not None
    document = json.loads(manifest.freeze(database, wanted, run, tmp_path / "out", None).manifest.read_bytes())
    assert document["ids"] == ["a", "c"]
    assert [each["id"] for each in document["left_out"]] == ["b"]
    assert document["left_out"][0]["why"].startswith("score: ")


def test_a_command_gets_each_argument_as_it_is(database: Database, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hostile = "; touch $(pwd)/pwned `id` {data}"
    wanted = pipeline(tmp_path, command=python(NOTE, str(told), hostile))
    accept(database, "abc")
    run = fire(database, wanted)
    done = dispatch(database, wanted, tmp_path)
    assert run is not None
    data = tmp_path / "out" / run.id / "data.jsonl"
    assert told.read_text() == f"{run.id} {hostile.replace('{data}', str(data))}\n"
    assert not (tmp_path / "pwned").exists()
    assert (done[0].state, done[0].attempts, done[0].next_attempt_at) == ("dispatched", 1, None)
    assert dispatch(database, wanted, tmp_path) == []
    report(database, run, True, f1=0.91)
    report(database, run, True, loss=0.2)
    now = found(database, run)
    assert now.state == "succeeded"
    assert now.result is not None
    assert now.result["metrics"] == {"f1": 0.91, "loss": 0.2}
    with pytest.raises(UserError, match="was reported as succeeded"):
        report(database, run, False)


def test_a_command_whose_end_is_the_result(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, command=python("pass"), result="exit")
    accept(database, "abc")
    fire(database, wanted)
    done = dispatch(database, wanted, tmp_path)
    assert (done[0].state, done[0].finished_at is not None) == ("succeeded", True)


def test_a_command_that_fails_is_asked_again_later_each_time(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    wanted = pipeline(tmp_path, command=python("print('no memory'); raise SystemExit(3)"), attempts=3, back_off_s=10.0)
    accept(database, "abc")
    run = fire(database, wanted, clock.now)
    pauses = []
    for _ in range(2):
        done = dispatch(database, wanted, tmp_path, clock)[0]
        assert done.state == "frozen"
        assert "exit code 3" in (done.error or "")
        assert "no memory" in (done.error or "")
        assert dispatch(database, wanted, tmp_path, clock) == []
        assert done.next_attempt_at is not None
        pauses.append((done.next_attempt_at - clock.now).total_seconds())
        clock.now = done.next_attempt_at
    assert 7.5 <= pauses[0] <= 12.5
    assert 15 <= pauses[1] <= 25
    assert dispatch(database, wanted, tmp_path, clock)[0].state == "failed"
    clock.now += timedelta(days=1)
    assert dispatch(database, wanted, tmp_path, clock) == []
    assert run is not None
    database.run_now(lambda conn: states.retry(conn, run.id, clock.now), True)
    again = dispatch(database, pipeline(tmp_path, command=python("pass")), tmp_path, clock)
    assert [(each.id, each.state) for each in again] == [(run.id, "dispatched")]


def test_a_command_that_never_ends_is_ended_with_its_children(database: Database, tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import pathlib, subprocess, sys\n"
        "process = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[1]).write_text(str(process.pid))\n"
        "process.wait()"
    )
    wanted = pipeline(tmp_path, command=python(code, str(child)), timeout_s=3.0)
    accept(database, "abc")
    fire(database, wanted)
    done = dispatch(database, wanted, tmp_path)[0]
    assert done.state == "frozen"
    assert "did not end within 3 s" in (done.error or "")
    pid = int(child.read_text())
    asyncio.run(until(lambda: not runs_still(pid), what="the end of the child"))


def runs_still(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_a_command_that_is_not_there(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, command=("/nowhere/train",))
    accept(database, "abc")
    fire(database, wanted)
    assert "cannot be started" in (dispatch(database, wanted, tmp_path)[0].error or "")


def test_the_history_says_which_attempt_is_under_way(database: Database, tmp_path: Path) -> None:
    accept(database, "abc")
    run = fire(database, pipeline(tmp_path))
    assert run is not None
    soon = utc_now() + timedelta(minutes=1)
    assert "attempt" not in run_line(run)
    assert "attempt 1 is under way" in run_line(replace(run, attempts=1, lease_owner="O", lease_until=soon))
    assert replace(run, state="failed", result={"note": "out of memory\n…"}).ended == "the run failed: out of memory"
    again = replace(run, attempts=1, next_attempt_at=soon)
    assert f"attempt 2 at {again.next_attempt_at.astimezone():%Y-%m-%d %H:%M}" in run_line(again)


def test_a_webhook_is_signed_and_asked_again_with_the_same_key(database: Database, tmp_path: Path) -> None:
    clock, secret = Clock(), "a secret of many characters"
    accept(database, "abc")
    with hooking(503, 429, 202, Retry_After="120") as hook:
        wanted = pipeline(tmp_path, webhook=hook.url, secret=secret, back_off_s=1.0)
        run = fire(database, wanted, clock.now)
        assert run is not None
        for attempt in range(2):
            done = dispatch(database, wanted, tmp_path, clock)[0]
            assert (done.state, done.attempts) == ("frozen", attempt + 1)
            assert done.next_attempt_at is not None
            assert done.next_attempt_at >= clock.now + timedelta(seconds=120)
            clock.now = done.next_attempt_at
        assert dispatch(database, wanted, tmp_path, clock)[0].state == "dispatched"
    assert [each["idempotency-key"] for each in hook.received] == [run.id] * 3
    for body, headers in zip(hook.bodies, hook.received, strict=True):
        assert accepted(headers, body, [secret], utc_now().timestamp())
        assert not accepted(headers, body + b" ", [secret], utc_now().timestamp())
    document = json.loads(hook.bodies[0])
    assert (document["run_id"], document["manifest"]["rows"]) == (run.id, 3)
    assert document["manifest"]["sha256"] == found(database, run).manifest_hash


@pytest.mark.parametrize(("status", "state"), [(404, "failed"), (302, "failed"), (500, "frozen"), (0, "frozen")])
def test_a_webhook_that_refuses_or_never_answers(database: Database, tmp_path: Path, status: int, state: str) -> None:
    accept(database, "abc")
    with hooking(status) as hook:
        # Only one that never answers is given up.
        wanted = pipeline(tmp_path, webhook=hook.url, timeout_s=30.0 if status else 2.0)
        fire(database, wanted)
        done = dispatch(database, wanted, tmp_path)[0]
        assert done.state == state
        assert done.error
        assert hook.came.wait(60)
        assert len(hook.bodies) == 1


def test_a_consumer_that_never_reports(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    wanted = pipeline(tmp_path, report_within_s=60.0)
    accept(database, "abc")
    run = fire(database, wanted, clock.now)
    assert dispatch(database, wanted, tmp_path, clock)[0].state == "dispatched"
    clock.now += timedelta(seconds=59)
    dispatch(database, wanted, tmp_path, clock)
    assert found(database, run).state == "dispatched"
    clock.now += timedelta(seconds=1)
    dispatch(database, wanted, tmp_path, clock)
    assert found(database, run).state == "expired"
    report(database, found(database, run), True, f1=0.5)
    assert found(database, run).state == "succeeded"


def test_dispatchers_at_once_hand_it_over_once(database: Database, tmp_path: Path) -> None:
    told = tmp_path / "told"
    wanted = pipeline(tmp_path, command=python(NOTE, str(told), "x"))
    accept(database, "abc")
    run = fire(database, wanted)

    async def all_at_once() -> list[list[Run]]:
        dispatchers = [Dispatcher(database, [wanted], tmp_path / "out") for _ in range(4)]
        return await asyncio.gather(*(each.once() for each in dispatchers))

    done = asyncio.run(all_at_once())
    assert sum(len(each) for each in done) == 1
    assert run is not None
    assert told.read_text() == f"{run.id} x\n"


def test_the_lease_is_held_while_the_consumer_is_busy(database: Database, tmp_path: Path) -> None:
    told, go = tmp_path / "told", tmp_path / "go"
    code = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[3]).exists(): time.sleep(0.02)\n" + NOTE
    wanted = pipeline(tmp_path, command=python(code, str(told), "x", str(go)))
    accept(database, "abc")
    run = fire(database, wanted)
    assert run is not None

    async def race() -> None:
        lease = timedelta(seconds=0.9)
        first = asyncio.create_task(Dispatcher(database, [wanted], tmp_path / "out", lease=lease).once())
        claimed = await until(lambda: found(database, run).lease_until)
        assert claimed is not None
        await until(lambda: (found(database, run).lease_until or claimed) > claimed + 2 * lease)
        assert await Dispatcher(database, [wanted], tmp_path / "out").once() == []
        go.touch()
        assert [each.state for each in await first] == ["dispatched"]

    asyncio.run(race())
    assert told.read_text() == f"{run.id} x\n"


PROGRAM = """
import asyncio, pathlib, sys
from datetime import timedelta
from app.commands.retrain_text import run_line
from app.db.engine import Database
from app.feedback.retrain import consumers, trigger
from app.feedback.retrain.dispatch import Dispatcher
from app.feedback.retrain.model import Pipeline
from app.db.types import utc_now
from app.ids import new_id

url, folder, moment, command = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], tuple(sys.argv[4:])
wanted = Pipeline("p", folder, accepted_rows=3, cooldown_s=0, free_mb=0, command=command)
db = Database(url)

def stay(*_):
    print("here", flush=True)
    import time
    time.sleep(600)

run, _ = db.run_now(lambda conn: trigger.fire(conn, wanted, run_id=new_id(), folder=folder, now=utc_now()), True)
if moment == "fired":
    stay()
if moment == "sent":
    before = consumers._command
    async def after(*given):
        outcome = await before(*given)
        stay()
    consumers._command = after
if moment == "claimed":
    async def before_sending(*given):
        stay()
    consumers._command = before_sending
asyncio.run(Dispatcher(db, [wanted], folder / "out", lease=timedelta(seconds=1)).once())
"""


@pytest.mark.parametrize(("moment", "times"), [("fired", 1), ("claimed", 1), ("sent", 2)])
def test_a_dispatcher_that_is_killed(
    database_url: str, database: Database, tmp_path: Path, moment: str, times: int
) -> None:
    told = tmp_path / "told"
    command = python(NOTE, str(told), "x")
    url = database.url.render_as_string(hide_password=False)
    accept(database, "abc")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(tmp_path), moment, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    wanted = pipeline(tmp_path, command=command)
    run = database.run_now(lambda conn: runs.last(conn, "p"))
    assert run is not None
    done: list[Run] = []

    async def start_again() -> Any:
        dispatcher = Dispatcher(database, [wanted], tmp_path / "out")
        while not done:
            done.extend(await dispatcher.once())
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(start_again(), 60))
    assert [(each.id, each.state) for each in done] == [(run.id, "dispatched")]
    # Before it was sent, once. After it was sent and before that was written down, once more under the same id.
    assert told.read_text() == f"{run.id} x\n" * times
    assert dispatch(database, wanted, tmp_path) == []
    assert database.run_now(lambda conn: len(runs.history(conn))) == 1
