"""Turns: the newest request wins, and no saved file goes unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.testing.plan import Request
from app.testing.turns import MOST_IN_A_ROW, Turns
from tests.waiting import until

A, B = Path("a.py"), Path("b.py")


class Recorder:
    """Carries requests out until told to let them end."""

    def __init__(self) -> None:
        self.began: list[Request] = []
        self.ended: list[Request] = []
        self.broken: list[Exception] = []
        self.answered = False
        self.error: Exception | None = None
        self._end = asyncio.Event()

    async def execute(self, request: Request) -> None:
        self._end.clear()
        self.began.append(request)
        if self.error is not None:
            raise self.error
        await self._end.wait()
        self.ended.append(request)

    async def cancel(self) -> None:
        self._end.set()

    def superseded(self) -> bool:
        return self.answered

    def broke(self, error: Exception) -> None:
        self.broken.append(error)

    def let_end(self) -> None:
        self._end.set()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Turns, Recorder]]:
    worker = Recorder()
    turns = Turns(worker)
    task = asyncio.create_task(turns.serve())
    try:
        yield turns, worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def save(*paths: Path) -> Request:
    return Request("save", "save", paths)


async def test_a_newer_save_ends_the_run_and_takes_its_files_along() -> None:
    async with serving() as (turns, worker):
        turns.ask(save(A))
        await until(lambda: worker.began)
        turns.ask(save(B))
        await until(lambda: len(worker.began) == 2)
        assert worker.began[1].changed == (B, A)
        worker.let_end()
        await until(lambda: not turns.busy)
        assert len(worker.began) == 2


async def test_files_that_were_answered_for_are_not_asked_about_again() -> None:
    async with serving() as (turns, worker):
        worker.answered = True
        turns.ask(save(A))
        await until(lambda: worker.began)
        turns.ask(save(B))
        await until(lambda: len(worker.began) == 2)
        assert worker.began[1].changed == (B,)


async def test_a_key_ends_the_answer_to_a_save_which_comes_after_it() -> None:
    async with serving() as (turns, worker):
        turns.ask(save(A))
        await until(lambda: worker.began)
        turns.ask(Request("failed", "key"))
        await until(lambda: len(worker.began) == 2)
        worker.let_end()
        await until(lambda: len(worker.began) == 3)
        assert worker.began[2].kind == "save"
        assert worker.began[2].changed == (A,)


async def test_running_everything_answers_for_all_files() -> None:
    async with serving() as (turns, worker):
        turns.ask(save(A))
        await until(lambda: worker.began)
        turns.ask(Request("all", "key"))
        await until(lambda: len(worker.began) == 2)
        worker.let_end()
        await until(lambda: not turns.busy)
        assert [request.kind for request in worker.began] == ["save", "all"]


async def test_forgetting_drops_what_waits_and_what_is_owed() -> None:
    async with serving() as (turns, worker):
        turns.ask(save(A))
        await until(lambda: worker.began)
        turns.forget()
        worker.let_end()
        await until(lambda: not turns.busy)
        assert len(worker.began) == 1


async def test_a_broken_run_is_told_and_the_next_one_runs() -> None:
    async with serving() as (turns, worker):
        worker.error = ValueError("no")
        turns.ask(save(A))
        await until(lambda: worker.broken)
        worker.error = None
        turns.ask(save(B))
        await until(lambda: len(worker.began) == 2)
        assert isinstance(worker.broken[0], ValueError)


async def test_the_same_files_do_not_end_runs_for_ever() -> None:
    async with serving() as (turns, worker):
        turns.ask(save(A))
        for count in range(1, MOST_IN_A_ROW + 1):
            await until(lambda count=count: len(worker.began) == count)  # type: ignore[misc]  # bound at once
            turns.ask(save(A))
        await until(lambda: len(worker.began) == MOST_IN_A_ROW + 1)
        turns.ask(save(A))
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(worker.began) == MOST_IN_A_ROW + 1, "this one is let finish"
        turns.ask(save(A, B))
        await until(lambda: len(worker.began) == MOST_IN_A_ROW + 2, what="another file is answered at once")
        worker.let_end()
        await until(lambda: not turns.busy)
        assert worker.began[-1].changed == (A, B)
