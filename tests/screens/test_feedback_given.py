"""What was given to a row stays with it, whatever happens to the queue meanwhile, until the row is decided."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual import events
from textual.geometry import Region
from textual.widgets import Input, TextArea

from app.errors import UserError
from screens.feedback_forms import Correction
from screens.feedback_quarantine import editable
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused
from tests.screens.test_feedback_kept import app_with
from tests.waiting import until


async def noted(pilot: Any, text: str) -> None:
    """Write a note to the row on show."""
    await pilot.press("o")
    await until(lambda: isinstance(pilot.app.focused, Input))
    await pilot.press(*text, "enter")
    await until(lambda: len(pilot.app.screen_stack) == 1)


def older(service: FakeFeedback) -> None:
    """The same rows, that wait a little longer."""
    service.waiting = [replace(item, why=f"{item.why}, longer") for item in service.waiting]
    service.publish()


async def test_a_row_that_grows_older_takes_what_is_typed_meanwhile(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("X")
        older(service)
        await pilot.press("ctrl+s")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("o")
        await until(lambda: isinstance(pilot.app.focused, Input))
        older(service)
        await pilot.press("n", "enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("t")
        await until(lambda: isinstance(pilot.app.focused, Input))
        older(service)
        await pilot.press(*"late", "enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.unsaved() == "tags, a correction and a note without a verdict"
        await pilot.press("a")
        await until(lambda: service.decisions)
        given = service.decisions[0][2]
        assert given.correction.startswith("X")
        assert (given.note, "late" in given.tags) == ("n", True)


async def test_a_row_that_leaves_the_screen_keeps_what_was_given_to_it(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    first, second, *_ = [item.row.id for item in service.waiting]
    async with app_with(tmp_path, service) as pilot:
        await noted(pilot, "mine")
        kept, service.waiting = service.waiting, service.waiting[1:]
        service.publish()
        assert pilot.pane.given is None
        assert pilot.pane._said == "what was given to the row waits for it to come again"
        assert pilot.pane.unsaved() == "a note without a verdict"
        await pilot.press("2")
        assert pilot.pane.unsaved() == "what was given to 2 rows without a verdict"
        await pilot.press("a")
        assert service.decisions[-1][:2] == (second, "accept")
        assert (service.decisions[-1][2].score, service.decisions[-1][2].note) == (-0.5, None)
        service.waiting = [kept[0], *service.waiting]
        service.publish()
        assert "mine" in pilot.pane.row.plain
        await pilot.press("x")
        assert (service.decisions[-1][0], service.decisions[-1][2].note) == (first, "mine")
        assert pilot.pane.unsaved() == ""


async def test_what_is_typed_for_a_row_that_left_meanwhile_waits_for_it(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("o")
        await until(lambda: isinstance(pilot.app.focused, Input))
        kept, service.waiting = service.waiting, service.waiting[1:]
        service.publish()
        await pilot.press(*"mine", "enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given is None
        assert "waits for its row" in pilot.pane._said
        service.waiting = kept
        service.publish()
        assert pilot.pane.given.note == "mine"


async def test_an_undo_keeps_what_was_given_to_the_row_it_pushes_down(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("4", "a")
        await noted(pilot, "second")
        await pilot.press("u")
        await until(lambda: pilot.pane.given is not None and pilot.pane.given.score == 0.5)
        assert pilot.pane.unsaved() == "a note without a verdict"
        await pilot.press("ctrl+r")
        await until(lambda: pilot.pane.given is not None and pilot.pane.given.note == "second")
        await pilot.press("a")
        assert [(each.score, each.note) for _, _, each in service.decisions] == [(0.5, None), (None, "second")]


async def test_what_could_not_be_kept_comes_back_whole(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await noted(pilot, "first")
        await pilot.press("a")
        assert pilot.pane.unsaved() == ""
        service.lose()
        assert pilot.pane.given.note == "first"
        assert pilot.pane.unsaved() == "a note without a verdict"


async def test_many_at_once_take_each_its_own(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await noted(pilot, "mine")
        await pilot.press("b")
        await until(lambda: pilot.pane.mode == "alike")
        await pilot.press("a")
        await until(lambda: len(service.decisions) == 5)
        assert [given.note for _, _, given in service.decisions] == ["mine", None, None, None, None]
        assert pilot.pane.unsaved() == ""
        await pilot.press("u")
        await until(lambda: pilot.pane.given is not None)
        assert pilot.pane.given.note == "mine"


async def test_an_undo_waits_for_the_decision_before_it(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("v")
        await until(lambda: pilot.pane.list.rows)
        # Both before the list's row has been read.
        pilot.pane.action_verdict("reject")
        pilot.pane.action_undo()
        await until(lambda: "undone" in pilot.pane._said)
        assert (service.decisions, len(service.undone)) == ([], 1)


async def test_tags_that_cannot_be_kept_are_asked_for_again(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("t")
        await until(lambda: isinstance(pilot.app.focused, Input))
        pilot.app.focused.value = f"late, {'x' * 65}"
        await pilot.press("enter")
        await until(lambda: pilot.app.screen.query("#wrong"))
        assert "tags: one has more than 64 characters" in str(pilot.app.screen.query_one("#wrong").render())
        assert pilot.app.focused.value == f"late, {'x' * 65}"
        assert pilot.app.screen.unsaved() == "what was typed under Tags"
        await pilot.press("backspace", "enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given.tags == ("late", "x" * 64)


async def test_what_is_typed_is_kept_in_its_canonical_form(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("t")
        await until(lambda: isinstance(pilot.app.focused, Input))
        pilot.app.focused.value = "cafe\u0301, caf\u00e9"
        await pilot.press("enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given.tags == ("caf\u00e9",)


async def test_a_correction_that_is_too_long_comes_back_to_be_shortened(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        pilot.app.screen.query_one(TextArea).text = "x" * (1024 * 1024 + 1)
        await pilot.press("ctrl+s")
        await until(lambda: pilot.app.screen.query("#about"))
        assert "correction: more than 1,048,576 characters" in str(pilot.app.screen.query_one("#about").render())
        pilot.app.screen.query_one(TextArea).text = "shorter"
        await pilot.press("ctrl+s")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given.correction == "shorter"


def listed(pilot: Any) -> list[str]:
    return list(pilot.pane.list.heads)


async def test_keys_in_the_list_are_about_one_row_each_however_slow_it_is_read(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("v")
        await until(lambda: pilot.pane.list.rows)
        service.reads = asyncio.Event()
        await pilot.press("a", "a", "x")
        assert (service.decisions, pilot.pane.list.cursor_index) == ([], 3)
        assert pilot.pane.unsaved() == "a decision on the way"
        service.reads.set()
        await until(lambda: len(service.decisions) == 3)
        first = listed(pilot)[:3]
        assert [(row, verdict) for row, verdict, _ in service.decisions] == list(
            zip(first, ("accept", "accept", "reject"), strict=True)
        )
        assert [pilot.pane.list.heads[row].state for row in first] == ["accepted", "accepted", "rejected"]
        await until(lambda: pilot.pane.unsaved() == "")


async def test_rows_of_the_list_that_could_not_be_decided_are_shown_as_they_are(tmp_path: Path) -> None:
    service = FakeFeedback.of()

    async def away(_: Any) -> Any:
        raise UserError("no server answers")

    async with app_with(tmp_path, service) as pilot:
        await pilot.press("v")
        await until(lambda: pilot.pane.list.rows)
        before = [head.state for head in pilot.pane.list.heads.values()]
        service.rows = away  # type: ignore[method-assign]
        await pilot.press("x")
        await until(lambda: "no server answers" in pilot.pane._said)
        assert [head.state for head in pilot.pane.list.heads.values()] == before


async def test_a_verdict_for_a_row_that_is_not_on_top_any_more_is_not_given_to_another(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await noted(pilot, "mine")
        # Another service has taken its place, and the screen has not heard of it.
        service.waiting = service.waiting[1:]
        await pilot.press("a")
        assert service.decisions == []
        assert "not decided" in pilot.pane._said
        assert pilot.pane.unsaved() == "a note without a verdict"
        await pilot.press("a")
        assert len(service.decisions) == 1


async def test_a_verdict_behind_an_undo_is_about_the_row_that_comes_back(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    undo, answers = service.undo, asyncio.Event()

    async def slow() -> Any:
        await answers.wait()
        return await undo()

    service.undo = slow  # type: ignore[method-assign]
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("a", "u", "x")
        assert len(service.decisions) == 1
        assert pilot.pane.unsaved() == "a decision on its way"
        answers.set()
        await until(lambda: [verdict for _, verdict, _ in service.decisions] == ["reject"])


async def test_of_rows_that_are_alike_others_may_have_some(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("b")
        await until(lambda: pilot.pane.mode == "alike")
        service.reviewed_by_others = set(listed(pilot)[2:4])
        await pilot.press("x")
        await until(lambda: len(service.decisions) == 3)
        assert "2 others were decided or are reviewed by somebody else" in pilot.pane._said


async def test_marks_do_not_outlive_the_rows_they_were_made_on(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("v")
        await until(lambda: pilot.pane.list.rows)
        await pilot.press("space", "space")
        assert len(pilot.pane.list.marks) == 2
        await pilot.press("slash", *"score:<0", "enter")
        await until(lambda: service.filter == "score:<0")
        assert not pilot.pane.list.marks


async def test_a_newer_decision_of_somebody_else_is_told(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("a", "u")
        await until(lambda: "undone" in pilot.pane._said)
        service.newer = {service.waiting[0].row.id: "rejected"}
        await pilot.press("ctrl+r")
        await until(lambda: "a newer decision of 1 of these stands" in pilot.pane._said)


async def test_what_was_let_go_comes_back_also_after_a_failure(tmp_path: Path) -> None:
    service = FakeFeedback.of(quarantine=FakeQuarantine([refused(0), refused(1)]))
    put_back = service.quarantine.put_back

    async def away(_: Any) -> Any:
        raise UserError("no server answers")

    async with app_with(tmp_path, service) as pilot:
        await pilot.press("Q")
        await until(lambda: len(pilot.pane.refused.rows) == 2)
        await pilot.press("x")
        await until(lambda: len(service.quarantine.open) == 1)
        service.quarantine.put_back = away  # type: ignore[method-assign]
        await pilot.press("u")
        await until(lambda: "no server answers" in pilot.pane._said)
        service.quarantine.put_back = put_back  # type: ignore[method-assign]
        await pilot.press("u")
        await until(lambda: len(service.quarantine.open) == 2)


async def test_quitting_asks_about_what_was_mended_and_is_on_its_way(tmp_path: Path) -> None:
    service = FakeFeedback.of(quarantine=FakeQuarantine([refused(0)]))
    answers = asyncio.Event()
    mend = service.quarantine.mend

    async def slow(identity: str, text: str) -> Any:
        await answers.wait()
        return await mend(identity, text)

    service.quarantine.mend = slow  # type: ignore[method-assign]
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("Q")
        await until(lambda: len(pilot.pane.refused.rows) == 1)
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("X", "ctrl+s")
        await until(lambda: pilot.app.shell.unsaved() == ["what was mended"])
        answers.set()
        await until(lambda: isinstance(pilot.app.screen, Correction), what="it is refused again")


def at_once(pilot: Any, *keys: str) -> None:
    """Keys that come in one read, as over a slow line."""
    for key in keys:
        name = {" ": "space"}.get(key, key)
        pilot.app.post_message(events.Key(name, key if len(key) == 1 else None))


async def test_what_is_typed_ahead_goes_into_the_note(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        at_once(pilot, "o", *"late fill", "enter", "a", "x")
        await until(lambda: len(service.decisions) == 2)
        assert [(verdict, given.note) for _, verdict, given in service.decisions] == [
            ("accept", "late fill"),
            ("reject", None),
        ]
        assert pilot.pane.unsaved() == ""


async def test_what_is_typed_ahead_goes_into_the_tags_and_the_correction(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    async with app_with(tmp_path, service) as pilot:
        at_once(pilot, "t", *"sax", "enter", "e", *"NEW", "ctrl+s", "o", "n", "enter", "s")
        await until(lambda: len(service.decisions) == 1)
        ((_, verdict, given),) = service.decisions
        assert (verdict, given.note, "sax" in given.tags) == ("skip", "n", True)
        assert given.correction.startswith("NEW")
        assert len(pilot.app.screen_stack) == 1


async def test_tags_with_commas_stay_as_they_are_where_nothing_is_changed(tmp_path: Path) -> None:
    service = FakeFeedback.of()
    first = service.waiting[0]
    service.waiting[0] = replace(first, row=replace(first.row, tags=("late, again",)))
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("t")
        await until(lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given is None


async def test_lines_that_are_pasted_into_a_note_become_one(tmp_path: Path) -> None:
    async with app_with(tmp_path) as pilot:
        await pilot.press("o")
        await until(lambda: isinstance(pilot.app.focused, Input))
        pilot.app.post_message(events.Paste("first line\n\n  second\nthird"))
        await until(lambda: pilot.app.focused.value)
        assert pilot.app.focused.value == "first line second third"


def test_half_a_character_can_be_edited_and_kept() -> None:
    raw = b'{"input": "\\ud83d cut", "output": "caf\xc3\xa9"}'
    text = editable(replace(refused(0), raw=raw))
    assert "\\ud83d cut" in text
    assert text.encode()
    assert "café" in editable(replace(refused(0), raw=b'{"output": "caf\xc3\xa9"}'))


async def test_a_line_that_is_longer_than_its_field_shows_its_end(tmp_path: Path) -> None:
    async with app_with(tmp_path, size=(80, 24)) as pilot:
        await pilot.press("o")
        await until(lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"x" * 80, *"the end")
        await until(lambda: "the&#160;end" in pilot.app.export_screenshot())
        await pilot.press("enter")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("o")
        await until(lambda: isinstance(pilot.app.focused, Input))
        field = pilot.app.focused.region
        await until(lambda: "the end" in shown_in(pilot, field), what="the end, also where it was there before")


def shown_in(pilot: Any, place: Region) -> str:
    """What the terminal shows there."""
    strips = pilot.app.screen._compositor.render_strips()
    return str(strips[place.y].crop(place.x, place.right).text)
