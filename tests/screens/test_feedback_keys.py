"""Every key of the Feedback screen, and that none of them is a verdict while one types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.widgets import Input, TextArea

from app.events import RetrainChanged
from app.feedback.model import Counts
from app.feedback.review import Given
from screens.feedback_forms import Correction, split_tags
from tests.feedback_fakes import FakeFeedback, row
from tests.retrain_fakes import FakeRetrain, evaluated, run
from tests.screens.feedback_host import Host, settled, text_of

LARGE = (160, 48)


@asynccontextmanager
async def opened(service: FakeFeedback | None = None, size: tuple[int, int] = LARGE) -> AsyncIterator[Any]:
    app = Host(service or FakeFeedback.of())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


@pytest.mark.parametrize(("key", "verdict"), [("a", "accept"), ("x", "reject"), ("s", "skip")])
async def test_one_key_decides_and_the_next_row_is_there(key: str, verdict: str) -> None:
    async with opened() as pilot:
        assert "order 0 filled" in text_of(pilot, "row")
        await pilot.press(key)
        await settled(pilot)
        assert pilot.app.feedback.decisions == [(row(0).id, verdict, Given())]
        assert "order 1 filled" in text_of(pilot, "row")


async def test_many_keys_at_once_decide_one_row_each() -> None:
    async with opened() as pilot:
        await pilot.press(*"aaxxs")
        await settled(pilot)
        assert [entry[0] for entry in pilot.app.feedback.decisions] == [row(n).id for n in range(5)]


@pytest.mark.parametrize(("key", "score"), [("1", -1.0), ("2", -0.5), ("3", 0.0), ("4", 0.5), ("5", 1.0)])
async def test_the_score_is_stored_with_the_verdict(key: str, score: float) -> None:
    async with opened() as pilot:
        await pilot.press(key)
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert "with the verdict" in text_of(pilot, "row")
        await pilot.press("a", "a")
        await settled(pilot)
        assert [entry[2].score for entry in pilot.app.feedback.decisions] == [score, None]
        assert pilot.app.areas == 0


async def test_the_same_score_again_takes_it_away() -> None:
    async with opened() as pilot:
        await pilot.press("4", "4", "a")
        await settled(pilot)
        assert pilot.app.feedback.decisions[0][2] == Given()


async def test_tags_are_completed_and_stored_with_the_verdict() -> None:
    async with opened() as pilot:
        await pilot.press("t")
        await settled(pilot)
        assert pilot.app.screen.query_one(Input).value == "tone, price, "
        await pilot.press(*"sp")
        await settled(pilot)
        await pilot.press("tab", "enter", "x")
        await settled(pilot)
        assert pilot.app.feedback.decisions == [(row(0).id, "reject", Given(tags=("tone", "price", "speed")))]


async def test_a_note_is_stored_with_the_verdict_and_letters_are_no_verdicts() -> None:
    async with opened() as pilot:
        await pilot.press("o", *"axs15")
        assert pilot.app.feedback.decisions == []
        await pilot.press("enter", "s")
        await settled(pilot)
        assert pilot.app.feedback.decisions == [(row(0).id, "skip", Given(note="axs15"))]


async def test_the_output_is_corrected_with_the_difference_below() -> None:
    async with opened() as pilot:
        await pilot.press("e")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Correction)
        assert screen.query_one(TextArea).text == row(0).output
        await pilot.press("x", "a", "space")
        await pilot.pause(0.3)
        assert "xa" in screen.diff.plain
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert "corrected (+1 −0 words)" in text_of(pilot, "row")
        await pilot.press("a")
        await settled(pilot)
        assert pilot.app.feedback.decisions[0][2].correction == f"xa {row(0).output}"


async def test_leaving_a_dialog_changes_nothing() -> None:
    async with opened() as pilot:
        for key in ("t", "o", "e"):
            await pilot.press(key, "z", "escape")
            await settled(pilot)
        # Leaving the editor loses what was typed: that is asked about.
        await pilot.press("y", "a")
        assert pilot.app.feedback.decisions == [(row(0).id, "accept", Given())]


async def test_undo_brings_the_row_back_with_all_that_was_given() -> None:
    async with opened() as pilot:
        await pilot.press("4", "a", "x")
        await settled(pilot)
        await pilot.press("u", "u")
        await settled(pilot)
        assert "order 0 filled" in text_of(pilot, "row")
        assert "score +0.50" in text_of(pilot, "row")
        await pilot.press("u")
        await settled(pilot)
        assert "nothing to undo" in text_of(pilot, "status")
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert [entry[:2] for entry in pilot.app.feedback.decisions] == [(row(0).id, "accept")]


async def test_rows_that_are_alike_are_shown_before_they_are_decided() -> None:
    async with opened() as pilot:
        await pilot.press("b")
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert "5 alike" in text_of(pilot, "list")
        await pilot.press("j", "space", "x")
        await settled(pilot)
        decided = pilot.app.feedback.decisions
        assert [entry[0] for entry in decided] == [row(n).id for n in (0, 14, 21, 28)]
        assert {entry[1] for entry in decided} == {"reject"}
        await pilot.press("u")
        await settled(pilot)
        assert pilot.app.feedback.decisions == []


async def test_the_list_reads_more_as_the_cursor_goes() -> None:
    async with opened() as pilot:
        await pilot.press("v")
        await settled(pilot)
        shown = pilot.app.pane.list
        assert len(shown.rows) == 100
        for _ in range(6):
            await pilot.press("ctrl+d")
            await settled(pilot)
        assert len(shown.rows) >= 200
        await pilot.press("G")
        await settled(pilot)
        assert shown.cursor_row == row(249).id
        await pilot.press("g")
        await settled(pilot)
        assert shown.cursor_row == row(0).id
        assert "end" in pilot.app.feedback.pages
        await pilot.press("v")
        await settled(pilot)
        assert "review" in text_of(pilot, "row")


async def test_verdicts_in_the_list_go_to_the_marked_rows() -> None:
    async with opened() as pilot:
        await pilot.press("v")
        await settled(pilot)
        await pilot.press("space", "j", "space", "a")
        await settled(pilot)
        assert [entry[0] for entry in pilot.app.feedback.decisions] == [row(0).id, row(2).id]


async def test_digits_open_areas_in_the_list_and_scores_in_the_queue() -> None:
    async with opened() as pilot:
        await pilot.press("2")
        assert pilot.app.areas == 0
        await pilot.press("v")
        await settled(pilot)
        await pilot.press("2")
        assert pilot.app.areas == 1


async def test_orders_in_turn() -> None:
    async with opened() as pilot:
        seen = []
        for _ in range(5):
            await pilot.press("O")
            seen.append(pilot.app.feedback.order)
        assert seen == ["worst", "uncertain", "cluster", "newest_model", "oldest"]


async def test_another_order_is_said_also_where_no_row_waits() -> None:
    async with opened(FakeFeedback.of(0, counts=Counts())) as pilot:
        await pilot.press("O")
        await settled(pilot)
        assert "review worst score first" in text_of(pilot, "status")


async def test_what_was_chosen_outlives_another_configuration() -> None:
    async with opened() as pilot:
        await pilot.press("O", "slash", *"model:v3", "enter")
        await settled(pilot)
        # Another rubric has built the service anew.
        pilot.app.pane.attach(FakeFeedback.of().runtime())
        await settled(pilot)
        assert pilot.app.pane.snapshot.order == "worst"
        assert pilot.app.pane.snapshot.filter == "model:v3"
        pilot.app.pane.attach(FakeFeedback.of(order="cluster", configured="cluster").runtime())
        await settled(pilot)
        assert pilot.app.pane.snapshot.order == "cluster"


async def test_verdict_keys_type_while_the_filter_has_the_keyboard() -> None:
    async with opened() as pilot:
        await pilot.press("slash", *"axs")
        assert pilot.app.feedback.decisions == []
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.feedback.filter == "axs"
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.feedback.filter == ""
        await pilot.press("a")
        assert len(pilot.app.feedback.decisions) == 1


async def test_the_first_letter_after_the_slash_is_no_verdict() -> None:
    """Keys that come faster than the screen can follow, as from a paste."""
    async with opened() as pilot:
        pilot.app.post_message(events.Key("slash", "/"))
        for key in "axs":
            pilot.app.post_message(events.Key(key, key))
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert pilot.app.pane.filter.value == "axs"


async def test_a_filter_that_cannot_be_understood_says_why_and_stays() -> None:
    service = FakeFeedback.of(refuse_filter=f"there is no field `modle`; there are {'many, ' * 60}others")
    async with opened(service) as pilot:
        await pilot.press("slash", *"modle:3", "enter")
        await settled(pilot)
        # However long it is, it begins where one looks.
        assert "there is no field `modle`; there are many" in text_of(pilot, "status")
        assert isinstance(pilot.app.focused, Input)


async def test_long_texts_unfold() -> None:
    service = FakeFeedback.of()
    service.waiting = service.waiting[6:]
    async with opened(service) as pilot:
        assert "more lines" in text_of(pilot, "row")
        assert "line 79 of" not in pilot.app.pane.row.plain
        await pilot.press("enter")
        await settled(pilot)
        assert "line 79 of" in pilot.app.pane.row.plain


async def test_copy_and_figures() -> None:
    async with opened() as pilot:
        await pilot.press("y")
        assert pilot.app.copied == row(0).output
        await pilot.press("S")
        await settled(pilot)
        assert "0.81" in pilot.app.screen.query_one("LinesView").plain
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.screen is pilot.app.screen_stack[0]


async def test_a_row_that_the_database_cannot_compare_says_so() -> None:
    async with opened(FakeFeedback.of(up=False, problem="no server answers")) as pilot:
        await pilot.press("b")
        await settled(pilot)
        assert "no server answers at 127.0.0.1:3306" in text_of(pilot, "status")
        await pilot.press("a")
        assert len(pilot.app.feedback.decisions) == 1


async def test_keys_without_a_row_do_nothing() -> None:
    async with opened(FakeFeedback.of(0)) as pilot:
        await pilot.press(*"axs3", "e", "t", "o", "b")
        await settled(pilot)
        assert pilot.app.feedback.decisions == []
        assert len(pilot.app.screen_stack) == 1


async def test_a_new_row_shows_by_itself_when_there_was_none() -> None:
    service = FakeFeedback.of(1)
    async with opened(service) as pilot:
        await pilot.press("a")
        await settled(pilot)
        assert "rows are decided" in text_of(pilot, "row")
        service.waiting = [replace(FakeFeedback.of(2).waiting[1])]
        service.publish()
        await settled(pilot)
        assert "order 1 filled" in text_of(pilot, "row")


async def test_the_review_is_open_only_while_on_screen() -> None:
    async with opened() as pilot:
        assert pilot.app.feedback.opened > 0
        pilot.app.pane.on_deactivated()
        assert pilot.app.feedback.left == 1


async def test_hostile_text_stays_text() -> None:
    service = FakeFeedback.of()
    service.waiting = service.waiting[5:]
    async with opened(service) as pilot:
        shown = text_of(pilot, "row")
        assert "[bold]markup[/bold]" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_tags_of_a_line() -> None:
    assert split_tags(" tone,  late   fill ,,tone") == ("tone", "late fill")


async def test_what_is_missing_until_the_next_retraining() -> None:
    retrain = FakeRetrain((evaluated(),), [run(1), run(9, state="failed", error="exit code 3", result=None)])
    service = FakeFeedback.of(retrain=retrain)
    async with opened(service) as pilot:
        await settled(pilot)
        assert "9 more accepted rows or a reject rate" in text_of(pilot, "status")
        retrain.statuses = (evaluated(92),)
        service.bus.publish(RetrainChanged(retrain.snapshot()))
        await settled(pilot)
        assert "8 more accepted rows or" in text_of(pilot, "status")
        await pilot.press("T")
        await settled(pilot)
        page = " ".join(pilot.app.screen.query_one("LinesView").plain.split())
        for text in (
            "92 of 100 new accepted rows",
            "rise +2.1%, met from +10.0%",
            "met from 0.25",
            "✗ cooldown",
            "or a reject rate of 20.0%",
            "and 40 min of the pause after the last run are left",
            "succeeded 100 rows f1 0.91",
            "failed 100 rows exit code 3",
            "held back: the pause is not over",
        ):
            assert text in page
        await pilot.press("escape", "a")
        assert len(service.decisions) == 1


async def test_retraining_is_told_without_the_database_and_without_a_pipeline() -> None:
    retrain = FakeRetrain((evaluated(),), away="no server answers")
    async with opened(FakeFeedback.of(retrain=retrain), size=(80, 24)) as pilot:
        await pilot.press("T")
        await settled(pilot)
        page = pilot.app.screen.query_one("LinesView").plain
        assert "91 of 100 new accepted rows" in page
        assert "last runs: no server answers" in page
    async with opened() as pilot:
        await pilot.press("T")
        await settled(pilot)
        assert "no pipeline is configured" in text_of(pilot, "status")
