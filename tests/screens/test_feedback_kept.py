"""Nothing that was typed on the Feedback screen, or given to a row, goes without a question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from screens.areas import AREAS
from screens.confirm import Confirm
from screens.feedback import FeedbackPane
from screens.feedback_forms import Correction
from tests.fakes import FakeTesting
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused
from tests.screens.shell_host import FakeRuntime, build, close_log
from tests.waiting import until


class Engine(FakeRuntime):
    """The Feedback area's services."""

    def __init__(self, tmp_path: Path, service: FakeFeedback) -> None:
        super().__init__(tmp_path)
        given = service.runtime()
        self.bus, self.feedback, self.retrain, self.discord = given.bus, given.feedback, given.retrain, given.discord
        self.testing: Any = FakeTesting.of()
        self.testing.bus = self.bus


@asynccontextmanager
async def app_with(
    tmp_path: Path, service: FakeFeedback | None = None, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[Any]:
    """The real app, open at the Feedback area."""
    app = build(Engine(tmp_path, service or FakeFeedback.of()), AREAS, start="feedback")
    async with app.run_test(size=size) as pilot:
        await app.engine_ready.wait()
        pane = app.shell.pane
        assert isinstance(pane, FeedbackPane)
        await until(lambda: pane.runtime is not None and app.focused is pane.row, what="the keyboard")
        pilot.pane = pane  # type: ignore[attr-defined]  # read in the tests below
        yield pilot
    close_log()


async def asked(pilot: Any, words: str) -> None:
    await until(lambda: isinstance(pilot.app.screen, Confirm), what="the question")
    assert words in pilot.app.screen._detail


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
@pytest.mark.parametrize(
    ("keys", "lost"),
    [
        (("o", *"late", "enter"), "a note without a verdict"),
        (("t", *"speed", "enter"), "tags without a verdict"),
        (("4",), "a score without a verdict"),
        (("e", "X", "ctrl+s"), "a correction without a verdict"),
        (("2", "o", "x", "enter"), "a score and a note without a verdict"),
    ],
)
async def test_quitting_asks_about_what_has_no_verdict(
    tmp_path: Path, keys: tuple[str, ...], lost: str, size: tuple[int, int]
) -> None:
    async with app_with(tmp_path, size=size) as pilot:
        await pilot.press(*keys)
        await until(lambda: len(pilot.app.screen_stack) == 1 and pilot.pane.given is not None)
        await pilot.press("q")
        await asked(pilot, lost)
        await pilot.press("n")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert "with the verdict" in pilot.pane.row.plain
        await pilot.press("a")
        await until(lambda: not pilot.app.shell.unsaved(), what="nothing is lost any more")


async def test_quitting_asks_about_what_is_typed_at_the_moment(tmp_path: Path) -> None:
    async with app_with(tmp_path) as pilot:
        for key, lost in (("o", "what was typed under Note"), ("e", "what was typed in the editor")):
            await pilot.press(key)
            await until(lambda: len(pilot.app.screen_stack) == 2)
            assert pilot.app.shell.unsaved() == []
            await pilot.press("X", "ctrl+q")
            await asked(pilot, lost)
            await pilot.press("n", "escape")
            if key == "e":
                await pilot.press("y")
            await until(lambda: len(pilot.app.screen_stack) == 1)


async def test_what_an_undo_gave_back_is_kept_with_its_decision(tmp_path: Path) -> None:
    async with app_with(tmp_path) as pilot:
        await pilot.press("4", "a", "u")
        await until(lambda: pilot.pane.given is not None)
        assert pilot.app.shell.unsaved() == []
        await pilot.press("5")
        assert pilot.app.shell.unsaved() == ["a score without a verdict"]


async def test_leaving_the_corrector_asks_where_something_was_typed(tmp_path: Path) -> None:
    async with app_with(tmp_path) as pilot:
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("escape")
        await until(lambda: len(pilot.app.screen_stack) == 1, what="nothing was typed: it is left at once")
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("X", "escape")
        await asked(pilot, "ctrl+s keeps it")
        await pilot.press("n")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        assert pilot.app.screen.query_one(TextArea).text.startswith("X")
        await pilot.press("ctrl+s")
        await until(lambda: pilot.pane.given is not None)
        # What was kept before stays when the editor is left.
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("escape")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.pane.given.correction.startswith("X")


async def test_leaving_what_is_mended_asks_also_about_what_was_tried(tmp_path: Path) -> None:
    service = FakeFeedback.of(quarantine=FakeQuarantine([refused(0)]))
    async with app_with(tmp_path, service) as pilot:
        await pilot.press("Q")
        await until(lambda: "score: input" in text_of_pane(pilot, "refused"))
        await pilot.press("e")
        await until(lambda: isinstance(pilot.app.screen, Correction))
        await pilot.press("X", "ctrl+s")
        await until(lambda: service.quarantine.asked)
        await until(lambda: isinstance(pilot.app.screen, Correction), what="it comes back with what is wrong")
        await pilot.press("escape")
        await asked(pilot, "ctrl+s tries it")
        await pilot.press("y")
        await until(lambda: len(pilot.app.screen_stack) == 1)
        assert len(service.quarantine.open) == 1


def text_of_pane(pilot: Any, name: str) -> str:
    widget = pilot.pane.query_one(f"#{name}")
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(widget.outer_size.region))
