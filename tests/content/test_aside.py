"""Work on texts beside the app: the process that does it, what it answers, and what becomes of it when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from app.content.aside import Aside, AsideError
from app.content.style import rules
from app.content.style.linter import Linter
from app.content.style.model import Options

TEXT = "# A title\n\nWe utilize it!! See `utilize`.\n\n" + "Words go on. " * 300


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.close()


async def test_it_answers_as_the_engine_does(aside: Aside) -> None:
    options = Options(off=("hedges",))
    assert await aside.check(options, "", TEXT) == Linter(rules.style(options)).lint(TEXT).findings
    done = await aside.mend(options, "", TEXT)
    assert "!!" not in done.text
    assert len(await aside.discord(TEXT)) == 3
    assert (await aside.plain("# A *title*")).split() == ["A", "title"]


async def test_questions_at_once_get_their_own_answers(aside: Aside) -> None:
    texts = [f"word{number} here" for number in range(8)]
    assert await asyncio.gather(*(aside.plain(text) for text in texts)) == [f"{text}\n" for text in texts]


async def test_who_goes_away_does_not_take_the_answer_of_the_next(aside: Aside) -> None:
    await aside.plain("first")
    asked = asyncio.create_task(aside.check(Options(), "", TEXT * 20))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    assert await aside.plain("second") == "second\n"


async def test_a_process_that_was_ended_is_started_again(aside: Aside) -> None:
    await aside.plain("first")
    assert aside._process is not None
    os.kill(aside._process.pid, signal.SIGKILL)
    await aside._process.wait()
    with pytest.raises(AsideError, match="ended"):
        await aside.plain("lost")
    assert await aside.plain("second") == "second\n"


async def test_a_rule_that_never_ends_is_given_up() -> None:
    aside = Aside(within_s=2.0)
    try:
        endless = Options(rules=({"id": "mine", "kind": "tone", "message": "m", "pattern": "(a+)+$"},))
        with pytest.raises(AsideError, match="endless"):
            await aside.check(endless, "", "a" * 60 + "!")
        assert await aside.plain("on") == "on\n"
    finally:
        await aside.close()


async def test_rules_that_make_no_sense_are_told(aside: Aside) -> None:
    with pytest.raises(AsideError, match="nothing-like-it"):
        await aside.check(Options(off=("nothing-like-it",)), "", "text")


async def test_it_ends_with_the_app() -> None:
    aside = Aside()
    await aside.plain("first")
    process = aside._process
    assert process is not None
    await aside.close()
    assert process.returncode is not None
