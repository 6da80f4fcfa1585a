"""A theme chosen in the palette stays, until the configuration names another one later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from app.chosen import MOST, keep
from app.quick import Chosen, choices, chosen_file, quick
from app.tui import Quarterdeck
from tests.screens.shell_host import AREAS, close_log
from tests.waiting import until


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Each test's log lies in its own home."""
    close_log()
    yield
    close_log()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that names a theme."""
    path = tmp_path / "config.toml"
    write(path, '[ui]\ntheme = "quarterdeck"\n')
    return path


def write(path: Path, text: str) -> None:
    """Save the configuration."""
    path.write_text(text, "utf-8")


def start(config: Path) -> Quarterdeck:
    """The app as `qd --config` builds it."""
    return Quarterdeck(quick(config), config=config, areas=AREAS)


def run(app: Quarterdeck) -> AbstractAsyncContextManager[Any]:
    return app.run_test(size=(100, 30))


async def pick(pilot: Any, theme: str) -> None:
    """Choose a theme with the keys that a user presses."""
    app = pilot.app
    await until(app.engine_ready.is_set)

    def first(text: str) -> Callable[[], bool]:
        def found() -> bool:
            lists = app.screen.query(OptionList)
            return bool(lists) and lists.first().option_count == 1 and text in str(lists.first().options[0].prompt)

        return found

    await pilot.press("ctrl+p", *"change theme")
    await until(first("Change theme"))
    await pilot.press("down", "enter")
    await until(lambda: app.screen is not app.shell and not first("Change theme")())
    await pilot.press(*theme)
    await until(first(theme))
    await pilot.press("down", "enter")
    await until(lambda: app.theme == theme)


async def shown_at_start(config: Path) -> str:
    """The theme of the first frame; the engine must not change it."""
    app = start(config)
    first = app.theme
    async with run(app):
        await until(app.engine_ready.is_set)
        assert app.theme == first
    return first


async def test_a_chosen_theme_is_there_at_the_next_start(config: Path) -> None:
    app = start(config)
    async with run(app) as pilot:
        await pick(pilot, "gruvbox")
        assert not app._notifications, "what worked needs no words"
    assert await shown_at_start(config) == "gruvbox"


async def test_other_changes_of_the_configuration_leave_it_alone(config: Path) -> None:
    app = start(config)
    async with run(app) as pilot:
        await pick(pilot, "gruvbox")
        write(config, '[ui]\ntheme = "quarterdeck"\nclock = false\n')
        await app.action_reload_config()
        await until(lambda: not app.shell.bar.state.clock)
        assert app.theme == "gruvbox"
    assert await shown_at_start(config) == "gruvbox"


async def test_a_theme_written_later_while_the_app_runs_is_shown(config: Path) -> None:
    app = start(config)
    async with run(app) as pilot:
        await pick(pilot, "gruvbox")
        write(config, '[ui]\ntheme = "nord"\n')
        await app.action_reload_config()
        await until(lambda: app.theme == "nord")
        write(config, '[ui]\ntheme = "quarterdeck"\n')
        await app.action_reload_config()
        await until(lambda: app.theme == "quarterdeck")
    assert await shown_at_start(config) == "quarterdeck"


async def test_a_theme_written_later_while_the_app_is_closed_is_shown_and_ends_the_choice(config: Path) -> None:
    keep(config, Chosen("gruvbox", "quarterdeck"))
    write(config, '[ui]\ntheme = "nord"\n')
    assert await shown_at_start(config) == "nord"
    write(config, '[ui]\ntheme = "quarterdeck"\n')
    assert await shown_at_start(config) == "quarterdeck"


async def test_a_theme_taken_out_of_the_configuration_counts_as_changed(config: Path) -> None:
    write(config, '[ui]\ntheme = "nord"\n')
    keep(config, Chosen("gruvbox", "nord"))
    write(config, "")
    assert await shown_at_start(config) == "quarterdeck"


async def test_a_variable_of_the_environment_is_stronger_for_as_long_as_it_is_set(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(config, Chosen("gruvbox", "quarterdeck"))
    monkeypatch.setenv("QUARTERDECK_UI__THEME", "nord")
    assert await shown_at_start(config) == "nord"
    monkeypatch.delenv("QUARTERDECK_UI__THEME")
    assert await shown_at_start(config) == "gruvbox"


async def test_choosing_the_configured_theme_again_ends_the_choice(config: Path) -> None:
    keep(config, Chosen("gruvbox", "nord"))
    write(config, '[ui]\ntheme = "nord"\n')
    async with run(start(config)) as pilot:
        await pick(pilot, "nord")
    assert choices() == {}


async def test_each_configuration_has_its_own_choice(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    write(other, "")
    async with run(start(config)) as pilot:
        await pick(pilot, "gruvbox")
    assert await shown_at_start(other) == "quarterdeck"
    assert await shown_at_start(config) == "gruvbox"


async def test_a_choice_that_is_gone_from_the_app_leaves_the_configured_theme(config: Path) -> None:
    keep(config, Chosen("mauve-of-last-year", "quarterdeck"))
    assert await shown_at_start(config) == "quarterdeck"


async def test_a_choice_that_cannot_be_kept_is_told_and_shown_all_the_same(config: Path) -> None:
    app = start(config)
    async with run(app) as pilot:
        await until(app.engine_ready.is_set)
        chosen_file().mkdir(parents=True)
        await pick(pilot, "gruvbox")
        (said,) = app._notifications
        assert said.message.startswith("For this session: it could not be kept (")
        assert app.theme == "gruvbox"
    assert await shown_at_start(config) == "quarterdeck"


@pytest.mark.parametrize("damage", [b"\xff", b"[[[", b'x = 3\n["y"]\ntheme = 3', b"a = [1]\n"])
def test_a_damaged_file_is_no_choice_and_is_written_anew(config: Path, damage: bytes) -> None:
    chosen_file().parent.mkdir(parents=True)
    chosen_file().write_bytes(damage)
    assert quick(config).chosen is None
    keep(config, Chosen("nord", "quarterdeck"))
    assert choices() == {str(config): Chosen("nord", "quarterdeck")}


def test_the_latest_choices_are_kept_whatever_is_in_a_path() -> None:
    odd = Path('/tmp/"quoted"\n\\ [x] ü \udcff.toml')
    keep(odd, Chosen("nord", "a"))
    assert quick(odd, {}).chosen == Chosen("nord", "a")
    for number in range(MOST):
        keep(Path(f"/{number}"), Chosen("nord", "a"))
    assert quick(odd, {}).chosen is None
    assert len(choices()) == MOST
    assert list(choices())[-1] == f"/{MOST - 1}"
