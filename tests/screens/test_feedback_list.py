"""Lists of the Feedback screen: without a row, counted, alike, and while decisions are taken back in them."""

from __future__ import annotations

import pytest

from app.feedback.model import STATE_OF, Counts
from app.feedback.review import Done, Given
from tests.feedback_fakes import FakeFeedback, row
from tests.screens.feedback_host import settled, text_of
from tests.screens.test_feedback_keys import opened

SIZES = [(160, 48), (80, 24)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_filter_that_no_row_fulfils_leaves_no_row_beside_the_list(size: tuple[int, int]) -> None:
    async with opened(FakeFeedback.of(fits_none="model:v9"), size) as pilot:
        pane = pilot.app.pane
        await pilot.press("v")
        await settled(pilot)
        await pilot.press("slash", *"model:v9", "enter")
        await settled(pilot)
        shown = text_of(pilot, "list")
        assert "No row fulfils this filter." in shown
        assert "/ changes it   v the queue" in shown
        assert pane.row.plain == ""
        if size != (80, 24):
            hints = text_of(pilot, "row").split("\n")[-1]
            assert "/ filter · v queue" in hints
            assert "accept" not in hints
        await pilot.press("y", "a", "x", "enter")
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert pilot.app.copied == ""
        assert pilot.app.focused is pane.list, "there is no row to go to"
        await pilot.press("escape", "slash", "escape")
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        if size != (80, 24):
            assert "order 0 filled" in pane.row.plain
            assert "a accept" in text_of(pilot, "row").split("\n")[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_undo_and_redo_stay_in_the_list_at_their_place(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        pane = pilot.app.pane
        await pilot.press("v")
        await settled(pilot)
        await pilot.press("j", "j", "j", "j", "x")
        await settled(pilot)
        assert pane.list.heads[row(4).id].state == "rejected"
        assert pane.list.cursor_row == row(5).id
        await pilot.press("u")
        await settled(pilot)
        assert pane.mode == "list"
        assert pane.list.cursor_row == row(5).id
        assert pane.list.heads[row(4).id].state == "waiting"
        assert "undone" in text_of(pilot, "status")
        await pilot.press("k")
        await settled(pilot)
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert pane.list.cursor_row == row(4).id
        assert pane.list.heads[row(4).id].state == STATE_OF["reject"]
        assert pane._listed.row.state == "rejected", "the row beside it, too"
        assert pilot.app.feedback.decisions == [(row(4).id, "reject", Given())]


async def test_undo_of_an_earlier_day_shows_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeFeedback.of()
    async with opened(service) as pilot:
        await pilot.press("a")
        done = service.done.pop()
        await pilot.press("v")
        await settled(pilot)
        pilot.app.pane.restate({row(0).id: "accepted"})

        async def undo() -> Done:
            service.waiting = [*done.items, *service.waiting]
            service.publish()
            return done

        monkeypatch.setattr(service, "undo", undo)
        await pilot.press("u")
        await settled(pilot)
        assert pilot.app.pane.mode == "list"
        assert pilot.app.pane.list.heads[row(0).id].state == "waiting"


@pytest.mark.parametrize("size", SIZES)
async def test_the_queue_tells_how_many_rows_fulfil_the_filter(size: tuple[int, int]) -> None:
    service = FakeFeedback.of(4, counts=Counts(waiting=349), filter="score:<0 model:support")
    async with opened(service, size) as pilot:
        where = "queue" if size == (160, 48) else "row"
        name = "queue" if size == (160, 48) else "review"
        # Others may come: the search goes on.
        assert f"{name} 4+ of 349" in text_of(pilot, where).split("\n")[0]
        assert "/score:<0 model:support " in text_of(pilot, where)
        service.all_here = True
        service.publish()
        await settled(pilot)
        assert f"{name} 4 of 349" in text_of(pilot, where).split("\n")[0]


async def test_the_list_shows_a_filter_as_far_as_there_is_room() -> None:
    service = FakeFeedback.of(filter="score:<0 model:support channel:help author:jo")
    async with opened(service) as pilot:
        await pilot.press("v")
        await settled(pilot)
        assert f"/{service.filter}  100 and more, newest first" in text_of(pilot, "list").split("\n")[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_rows_that_come_back_from_a_bulk_say_why_they_are_there(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await pilot.press("b")
        await settled(pilot)
        assert "5 alike of fill v3 only, 97 % the same or more" in text_of(pilot, "list")
        await pilot.press("x")
        await settled(pilot)
        await pilot.press("u")
        await settled(pilot)
        assert "taken back · fill v3" in text_of(pilot, "row")
        if size == (160, 48):
            assert text_of(pilot, "queue").count("taken back") == 5


async def test_no_key_but_a_verdict_leads_to_the_next_row() -> None:
    async with opened() as pilot:
        shown = {
            key: active.tooltip for key, active in pilot.app.screen.active_bindings.items() if key in ("j", "k", "G")
        }
        assert shown == {"j": "Scroll a long row down", "k": "Scroll a long row up", "G": "The end of the row"}
        await pilot.press("j")
        await settled(pilot)
        assert "order 0 filled" in text_of(pilot, "row")
        await pilot.press("v")
        await settled(pilot)
        assert pilot.app.screen.active_bindings["j"].tooltip == "Next row"
