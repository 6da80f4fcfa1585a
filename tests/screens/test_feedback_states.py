"""What the Feedback screen says when there is no row, the page about retraining, the palette, and rebound keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import TextArea

from app.feedback.model import Counts
from tests.feedback_fakes import FakeFeedback, row
from tests.retrain_fakes import FakeRetrain, evaluated
from tests.screens.feedback_host import Host, settled, text_of
from widgets import hints


@asynccontextmanager
async def opened(service: FakeFeedback, size: tuple[int, int] = (160, 48)) -> AsyncIterator[Any]:
    async with Host(service).run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


@pytest.fixture
def rebound() -> Iterator[None]:
    hints.rebind({"feedback.accept": "plus", "feedback.list": "w"})
    yield
    hints.rebind({})


def page_of(pilot: Any) -> str:
    return " ".join(pilot.app.screen.query_one("LinesView").plain.split())


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Counts(), "No row has come in yet."),
        (Counts(accepted=40), "All 40 rows are decided."),
        (Counts(waiting=7, accepted=40), "7 rows wait, claimed by another session."),
    ],
)
async def test_why_there_is_no_row(counts: Counts, said: str, size: tuple[int, int]) -> None:
    async with opened(FakeFeedback.of(0, counts=counts), size) as pilot:
        shown = text_of(pilot, "row")
        assert said in shown
        assert "…" not in shown.replace("CSV, …", "")
        assert ("qd feedback add" in shown) == (counts == Counts())


@pytest.mark.parametrize(("size", "up"), [((160, 48), False), ((80, 24), False), ((160, 48), True), ((80, 24), True)])
async def test_a_problem_is_told_with_what_to_do_about_it(size: tuple[int, int], up: bool) -> None:
    problem = (
        "mysql://quarterdeck@database.example.org:3306/quarterdeck: no server answers at database.example.org:3306; "
        "start it, or correct database.url"
    )
    async with opened(FakeFeedback.of(0, up=up, problem=problem), size) as pilot:
        shown = " ".join(text_of(pilot, "row").replace("│", " ").split())
        assert problem in shown
        if up and size == (160, 48):
            assert "start it, or correct" in text_of(pilot, "status")
        await pilot.resize_terminal(100, 30)
        await settled(pilot)
        assert problem in " ".join(text_of(pilot, "row").replace("│", " ").split())


async def test_refresh_asks_the_service_again() -> None:
    async with opened(FakeFeedback.of(0)) as pilot:
        before = pilot.app.feedback.opened
        await pilot.press("r")
        await settled(pilot)
        assert pilot.app.feedback.opened == before + 1


async def test_hints_name_the_keys_in_force(rebound: None) -> None:
    async with opened(FakeFeedback.of()) as pilot:
        assert "+ accept · x reject" in text_of(pilot, "row")
    async with opened(FakeFeedback.of(0, counts=Counts(accepted=1))) as pilot:
        assert "w lists them" in text_of(pilot, "row")


@pytest.mark.parametrize(("width", "last"), [(160, "alike"), (100, "score"), (80, "correct")])
async def test_hints_end_with_a_whole_one(width: int, last: str) -> None:
    async with opened(FakeFeedback.of(), (width, 30)) as pilot:
        border = text_of(pilot, "row").split("\n")[-1]
        assert border.rstrip("╯─ ").endswith(last)


async def test_the_list_copies_its_own_row_and_words_go_with_the_next_page() -> None:
    async with opened(FakeFeedback.of()) as pilot:
        await pilot.press("a", "u")
        await settled(pilot)
        assert "undone" in text_of(pilot, "status")
        await pilot.press("v", "j")
        await settled(pilot)
        assert "undone" not in text_of(pilot, "status")
        await pilot.press("y")
        assert pilot.app.copied == row(1).output


async def test_the_palette_has_orders_states_and_pipelines() -> None:
    async with opened(FakeFeedback.of(retrain=FakeRetrain((evaluated(),)))) as pilot:
        commands = {command.title: command.run for command in pilot.app.pane.commands()}
        commands["Feedback: review worst score first"]()
        assert pilot.app.feedback.order == "worst"
        commands["Feedback: list rejected rows"]()
        await settled(pilot)
        assert pilot.app.feedback.filter == "state:rejected"
        assert pilot.app.pane.mode == "list"
        commands["Retrain support: fire, hold, see what is missing"]()
        await settled(pilot)
        assert "91 of 100 new accepted rows" in page_of(pilot)


async def test_a_hostile_text_is_edited_without_reaching_the_terminal() -> None:
    hostile = "\x1b]0;title\x07 \x9b31mred\u202e\x85next\ttab"
    service = FakeFeedback.of(1)
    item = service.waiting[0]
    service.waiting = [replace(item, row=replace(item.row, output=hostile))]
    async with opened(service) as pilot:
        await pilot.press("e")
        await settled(pilot)
        area = pilot.app.screen.query_one(TextArea)
        shown = "\n".join(strip.text for strip in area.render_lines(area.outer_size.region))
        assert "␛]0;title␇" in shown
        assert not set(shown) & set("\x1b\x07\x9b\u202e\x85")
        await pilot.press("ctrl+s", "a")
        await settled(pilot)
        assert service.decisions[0][2].correction is None
        await pilot.press("u", "e", "end", "X", "ctrl+s", "a")
        await settled(pilot)
        corrected = service.decisions[0][2].correction
        # Kept as every text of the contract is: without control characters.
        assert corrected == "]0;title 31mred\u202eX\nnext\ttab"


async def test_a_list_that_cannot_be_read_says_where_what_and_what_to_do() -> None:
    service = FakeFeedback.of(up=False)
    async with opened(service, (100, 30)) as pilot:
        await pilot.press("v")
        await settled(pilot)
        shown = text_of(pilot, "list")
        assert "✗ mysql://trial: no server answers" in shown
        assert "start it" in shown
        assert "r looks again" in shown
        # The row of the queue is no row of this list: no key would decide it.
        assert "order 0 filled" not in text_of(pilot, "row")
        service.up = True
        await pilot.press("r")
        await settled(pilot)
        assert "order 0 filled" in text_of(pilot, "row")
        assert "all rows 988" in text_of(pilot, "list")


async def test_a_rate_shows_once_it_says_something() -> None:
    async with opened(FakeFeedback.of()) as pilot:
        await pilot.press(*"aaaa")
        await settled(pilot)
        assert "session 4  streak 4" in text_of(pilot, "status")
        await pilot.press("a")
        await settled(pilot)
        assert "session 5  24 /min  streak 5" in text_of(pilot, "status")
