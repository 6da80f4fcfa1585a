"""The quarantine on the Feedback screen: looked at, mended, tried again, let go and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.widgets import TextArea

from app.events import SourcesChanged
from screens.feedback_forms import Correction
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused
from tests.screens.feedback_host import Host, settled, text_of

LARGE = (160, 48)


@asynccontextmanager
async def opened(count: int = 4, **more: Any) -> AsyncIterator[Any]:
    store = FakeQuarantine([refused(n) for n in range(count)], **more)
    app = Host(FakeFeedback.of(quarantine=store))
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        await pilot.press("Q")
        await settled(pilot)
        yield pilot


async def test_what_is_refused_shows_with_line_and_reason() -> None:
    async with opened() as pilot:
        shown = text_of(pilot, "refused")
        assert "refused 4" in shown
        assert "score: input should be at most 1" in shown
        assert "rows.jsonl:12" in shown
        row = text_of(pilot, "row")
        assert "line 12 of rows.jsonl" in row
        assert '"input": "question 0"' in row
        await pilot.press("j")
        await settled(pilot)
        assert "output: is missing" in text_of(pilot, "row")
        assert "4 refused Q" in text_of(pilot, "status")
        await pilot.press("Q")
        await settled(pilot)
        assert "order 0 filled" in text_of(pilot, "row")


async def test_a_row_is_mended_until_it_is_right_and_nothing_typed_is_lost() -> None:
    async with opened() as pilot:
        await pilot.press("e")
        await settled(pilot)
        area = pilot.app.screen.query_one(TextArea)
        assert area.document.get_line(area.cursor_location[0]).strip().startswith('"score"')
        area.text = "still wrong"
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Correction)
        assert pilot.app.screen.query_one(TextArea).text == "still wrong"
        assert "still too large" in str(pilot.app.screen.query_one("#about").content)
        pilot.app.screen.query_one(TextArea).text = "right"
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert pilot.app.feedback.quarantine.asked == ["still wrong", "right"]
        assert "mended and taken in" in text_of(pilot, "status")
        assert "refused 3" in text_of(pilot, "refused")


async def test_leaving_the_editor_changes_nothing() -> None:
    async with opened() as pilot:
        await pilot.press("e")
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.feedback.quarantine.asked == []
        assert pilot.app.pane.mode == "quarantine"


async def test_marked_rows_are_tried_again_with_and_without_unknown_fields() -> None:
    async with opened() as pilot:
        await pilot.press("j", "j", "space", "space", "r")
        await settled(pilot)
        assert "2 still refused" in text_of(pilot, "status")
        await pilot.press("g", "j", "j", "c")
        await settled(pilot)
        assert pilot.app.feedback.quarantine.asked == ["forbid 2", "context 1"]
        assert "1 row taken in" in text_of(pilot, "status")


async def test_what_was_let_go_can_be_taken_back() -> None:
    async with opened() as pilot:
        await pilot.press("x", "x")
        await settled(pilot)
        assert "refused 2" in text_of(pilot, "refused")
        await pilot.press("u")
        await settled(pilot)
        await pilot.press("u")
        await settled(pilot)
        assert "refused 4" in text_of(pilot, "refused")
        await pilot.press("u")
        await settled(pilot)
        assert "nothing to undo here" in text_of(pilot, "status")
        assert pilot.app.feedback.decisions == []


async def test_no_key_is_a_verdict_here_and_digits_open_areas() -> None:
    async with opened() as pilot:
        await pilot.press("a", "s", "t", "o", "b", "2")
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert pilot.app.areas == 1
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("y")
        assert '"score": 7' in pilot.app.copied


async def test_more_are_read_as_the_cursor_goes() -> None:
    async with opened(230) as pilot:
        assert "refused 100 and more" in text_of(pilot, "refused")
        for _ in range(3):
            await pilot.press("G")
            await settled(pilot)
        assert "refused 230" in text_of(pilot, "refused")


async def test_empty_and_away_say_so() -> None:
    async with opened(0) as pilot:
        assert "Nothing is refused." in text_of(pilot, "refused")
        await pilot.press("e", "r", "c", "x")
        await settled(pilot)
        assert pilot.app.feedback.quarantine.asked == []
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.pane.mode == "queue"
    async with opened(1, problem="no server answers at 127.0.0.1:3306") as pilot:
        assert "no server answers" in text_of(pilot, "refused")


async def test_what_keeps_discord_from_being_read_is_on_screen() -> None:
    problem = "Discord's channel 1009: Discord answered 403; let the bot view the channel"
    service = FakeFeedback.of(sources=(problem,))
    async with Host(service).run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert "Discord's channel 1009 is not read S" in text_of(pilot, "status")
        await pilot.press("S")
        await settled(pilot)
        assert "let the bot view the channel" in " ".join(pilot.app.screen.query_one("LinesView").plain.split())
        await pilot.press("escape")
        service.bus.publish(SourcesChanged(()))
        await settled(pilot)
        assert "1009" not in text_of(pilot, "status")
