"""Pictures of the shell and its dialogs, at a large and a small size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from app.events import Badge, StorageChanged
from screens.palette import Palette
from screens.problem import Issue, Problem
from tests.screens.shell_host import FakeRuntime, NowPane, build
from tests.waiting import until

SIZES = ((160, 48), (80, 24))
ISSUES = (
    Issue("ui.theme: expected a string, got 3", "config.toml:2", 'write "quarterdeck"'),
    Issue('tests.run: expected "all" or "affected", got "al"', "config.toml:5", 'did you mean "all"?'),
)


async def ready(pilot: Any) -> None:
    """Engine up, the keyboard in the pane, badges and database shown."""
    app = pilot.app
    await until(app.engine_ready.is_set)
    await until(lambda: app.focused is not None)
    for event in (Badge("now", "4"), Badge("tests", "✗2", "bad"), StorageChanged("mysql", False, 12)):
        app.runtime.bus.publish(event)
    await pilot.pause()


async def still(pilot: Any) -> None:
    """Nothing more to paint."""
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()


async def areas(pilot: Any) -> None:
    await ready(pilot)


async def notice(pilot: Any) -> None:
    await ready(pilot)
    pilot.app.shell.bar.set_notice("config.toml:14: market.symbols: expected a list of strings")


async def keys(pilot: Any) -> None:
    await ready(pilot)
    await pilot.press("question_mark")


async def palette(pilot: Any) -> None:
    await ready(pilot)
    await pilot.press("ctrl+p")
    await until(lambda: isinstance(pilot.app.screen, Palette))
    await until(lambda: pilot.app.screen.query_one(OptionList).option_count > 10)


async def leaving(pilot: Any) -> None:
    await ready(pilot)
    pilot.app.action_open_area("now")
    pane = pilot.app.shell.pane
    assert isinstance(pane, NowPane)
    pane.loss = "a draft"
    await pilot.press("ctrl+q")


async def refused(pilot: Any) -> None:
    await ready(pilot)
    app = pilot.app
    title = "The configuration cannot be used"
    app.shell.show_problem(
        Problem(title, ISSUES, retry=lambda: None, edit=lambda path, line: None, file=Path("config.toml"))
    )
    await until(lambda: app.focused is not None and app.shell.problem in app.focused.ancestors_with_self)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", [areas, notice, keys, palette, leaving, refused], ids=lambda state: state.__name__)
def test_picture(snap_compare: Any, tmp_path: Path, state: Callable[[Any], Any], size: tuple[int, int]) -> None:
    async def before(pilot: Any) -> None:
        await state(pilot)
        await still(pilot)

    assert snap_compare(build(FakeRuntime(tmp_path)), run_before=before, terminal_size=size)


def test_picture_in_the_light(snap_compare: Any, tmp_path: Path) -> None:
    async def before(pilot: Any) -> None:
        await keys(pilot)
        await still(pilot)

    app = build(FakeRuntime(tmp_path, theme="quarterdeck-light"))
    assert snap_compare(app, run_before=before, terminal_size=(100, 30))
