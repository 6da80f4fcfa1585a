"""What a row on the Feedback screen keeps while time passes, and large rows of the quarantine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import TextArea

from app.events import FeedbackChanged
from screens.feedback_forms import Correction
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused
from tests.screens.feedback_host import settled, text_of
from tests.screens.test_feedback_keys import opened
from tests.waiting import until


async def test_what_was_given_stays_while_the_row_grows_older() -> None:
    async with opened() as pilot:
        await pilot.press("4")
        await settled(pilot)
        service: FakeFeedback = pilot.app.feedback
        assert "waits 12 d" in text_of(pilot, "row")
        service.waiting = [replace(item, why="waits 13 d") for item in service.waiting]
        service.bus.publish(FeedbackChanged(service.snapshot()))
        await settled(pilot)
        assert "waits 13 d" in text_of(pilot, "row")
        assert "waits 13 d" in text_of(pilot, "queue")
        await pilot.press("a")
        await settled(pilot)
        assert [entry[2].score for entry in service.decisions] == [0.5]


async def test_what_was_said_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.feedback.SAID_S", 0.05)
    async with opened() as pilot:
        pilot.app.pane.say("tried it")
        assert "tried it" in text_of(pilot, "status")
        await until(lambda: "tried it" not in text_of(pilot, "status"))


async def test_skipped_rows_are_not_decided() -> None:
    async with opened() as pilot:
        # 60 wait, 812 are accepted, 96 rejected, 20 skipped.
        assert "908 of 988 decided" in text_of(pilot, "status")


async def test_of_a_large_row_all_is_mended() -> None:
    head = b'{"source": "cli"'
    entry = replace(refused(0), raw=head, raw_size=100_000, kept=100_000)
    service = FakeFeedback.of(quarantine=FakeQuarantine([entry], whole=b"everything that came"))
    async with opened(service) as pilot:
        await pilot.press("Q")
        await settled(pilot)
        assert "the first 16 are shown; all are kept" in text_of(pilot, "row")
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        assert pilot.app.screen.query_one(TextArea).text == "everything that came"


async def test_what_is_too_large_to_edit_here_says_where_to() -> None:
    entry = replace(refused(0), raw_size=3_000_000, kept=3_000_000)
    async with opened(FakeFeedback.of(quarantine=FakeQuarantine([entry]))) as pilot:
        await pilot.press("Q", "e")
        await settled(pilot)
        assert f"too large to edit here: qd feedback quarantine show {entry.id} > row.json" in text_of(pilot, "status")
