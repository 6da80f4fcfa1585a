"""The frame: areas, keys, notices, palette, help, quitting."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from app.events import Badge, SettingsChanged, StorageChanged
from screens.confirm import Confirm
from screens.help import Help
from screens.palette import Palette
from screens.problem import Problems
from tests.screens.shell_host import FakeRuntime, NowPane, TestsLikePane, build
from tests.waiting import until
from widgets.tab_bar import TabBar


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(tmp_path)


async def test_opens_at_the_configured_area_with_the_keyboard_in_it(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)):
        await until(app.engine_ready.is_set)
        assert isinstance(app.shell.pane, TestsLikePane)
        await until(lambda: app.focused is not None and app.focused.id == "panel1")
        assert list(app.shell.panes) == ["tests"], "other areas are not built before they are opened"


async def test_switching_keeps_panes_and_their_focus(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        await pilot.press("tab")
        assert app.focused is not None
        assert app.focused.id == "panel2"
        await pilot.press("1")
        now = app.shell.pane
        assert isinstance(now, NowPane)
        await until(lambda: now.heard == ["attach", "on"])
        await until(lambda: isinstance(app.focused, Input))
        await pilot.press("2")
        assert isinstance(app.focused, Input), "a digit belongs to the text field"
        app.action_open_area("tests")
        await until(lambda: app.focused is not None and app.focused.id == "panel2")
        await until(lambda: now.heard == ["attach", "on", "off"])
        assert not now.display
        app.action_open_area("now")
        assert app.shell.pane is now
        await until(lambda: now.heard == ["attach", "on", "off", "on"])


async def test_badges_and_database_reach_the_bar(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        runtime.bus.publish(Badge("tests", "✗2", "bad"))
        runtime.bus.publish(StorageChanged("mysql", False, 12))
        await pilot.pause()
        text = app.query_one(TabBar).render().plain
        assert "2 Tests ✗2" in text
        assert "mysql ✗ 12 waiting" in text


async def test_clicking_a_tab_opens_it(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        column = app.shell.bar.render().plain.index("Now")
        await pilot.click(TabBar, offset=(column, 0))
        await until(lambda: isinstance(app.shell.pane, NowPane))


async def test_capital_r_reruns_failed_tests_from_any_area(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test() as pilot:
        await until(app.engine_ready.is_set)
        await pilot.press("R")
        assert runtime.asked == ["failed"]


async def test_help_lists_the_keys_in_force_and_narrows(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(app.engine_ready.is_set)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        listed = str(app.screen.query_one("#keys").render())
        assert "Rerun selected" in listed
        assert "Everywhere" in listed
        await pilot.press(*"palette")
        narrowed = str(app.screen.query_one("#keys").render())
        assert "Command palette" in narrowed
        assert "Rerun selected" not in narrowed
        await pilot.press("escape")
        assert app.screen_stack == [app.shell]


async def test_help_shows_keys_as_rebound(runtime: FakeRuntime) -> None:
    runtime.keys = {"tests.rerun": "ctrl+r"}
    app = build(runtime)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(app.engine_ready.is_set)
        app.set_keymap({"tests.rerun": "ctrl+r"})
        await pilot.press("question_mark")
        line = next(line for line in str(app.screen.query_one("#keys").render()).splitlines() if "Rerun sel" in line)
        assert line.startswith("ctrl+r ")


async def test_palette_offers_the_pane_first_and_runs_its_commands(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(app.engine_ready.is_set)
        await pilot.press("ctrl+p")
        palette = app.screen
        assert isinstance(palette, Palette)
        options = palette.query_one(OptionList)
        await until(lambda: options.option_count > 10)
        assert "Tests: Rerun selected (r)" in str(options.get_option_at_index(0).prompt)
        assert not palette.query_one(Input).cursor_blink
        await pilot.press("escape")
        app.action_open_area("now")
        now = app.shell.pane
        assert isinstance(now, NowPane)
        await pilot.press("ctrl+p", *"beans")
        options = app.screen.query_one(OptionList)
        await until(lambda: options.option_count >= 1 and "beans" in str(options.get_option_at_index(0).prompt))
        await pilot.press("enter")
        await until(lambda: "beans" in now.heard)


async def test_quit_asks_only_when_something_would_be_lost(runtime: FakeRuntime) -> None:
    app = build(runtime, start="now")
    async with app.run_test() as pilot:
        await until(app.engine_ready.is_set)
        now = app.shell.pane
        assert isinstance(now, NowPane)
        now.loss = "a draft"
        await pilot.press("ctrl+q")
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        assert app.screen_stack == [app.shell]
        assert app.is_running
        now.loss = ""
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running)
    assert (app.return_code or 0) == 0


async def test_refused_settings_are_named_in_the_bar_and_explained_in_full(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        assert app.check_action("problems", ()) is False
        runtime.bus.publish(
            SettingsChanged("config.toml:3: ui.theme: expected text\nconfig.toml:9: log.files: too many")
        )
        await pilot.pause()
        assert "⚠ config.toml:3: ui.theme" in app.shell.bar.render().plain
        await app.run_action("app.problems")
        assert isinstance(app.screen, Problems)
        await pilot.pause()
        assert "config.toml:9" in str(app.screen.query("Static").first().render())
        await pilot.press("escape")
        runtime.bus.publish(SettingsChanged())
        await until(lambda: "⚠" not in app.shell.bar.render().plain)
        # Settings that are right, but not in force yet.
        runtime.warnings = ["[database] has changed: restart to use it"]
        runtime.bus.publish(SettingsChanged())
        await until(lambda: "⚠ [database] has changed: restart to use it" in app.shell.bar.render().plain)
        runtime.warnings = []
        runtime.bus.publish(SettingsChanged())
        await until(lambda: "⚠" not in app.shell.bar.render().plain)


@pytest.mark.parametrize("width", [80, 160])
async def test_a_long_problem_is_wrapped(runtime: FakeRuntime, width: int) -> None:
    told = "/home/mara/.config/quarterdeck/config.toml:3: tests.poll_s: expected a number from 0.1 to 3600, got 0; "
    app = build(runtime)
    async with app.run_test(size=(width, 24)) as pilot:
        await until(app.engine_ready.is_set)
        runtime.bus.publish(SettingsChanged(f"{told}for instance poll_s = 1.0"))
        await app.run_action("app.problems")
        await pilot.pause()
        text, box = app.screen.query(Static).first(), app.screen.query_one(".dialog")
        assert text.region.right <= box.content_region.right
        rows = [text.render_line(number).text for number in range(text.size.height)]
        assert " ".join(" ".join(rows).split()).endswith("for instance poll_s = 1.0")


async def test_changed_settings_change_theme_keys_and_clock(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        runtime.ui.theme = "quarterdeck-light"
        runtime.ui.clock = True
        runtime.keys = {"app.help": "f1"}
        runtime.bus.publish(SettingsChanged())
        await until(lambda: app.theme == "quarterdeck-light" and bool(app.shell.bar.state.clock))
        await until(lambda: "f1" in app.screen.active_bindings)
        await pilot.press("f1")
        assert isinstance(app.screen, Help)


async def test_changed_settings_reach_the_panes(runtime: FakeRuntime) -> None:
    app = build(runtime, start="now")
    async with app.run_test(size=(100, 30)):
        await until(app.engine_ready.is_set)
        now = app.shell.pane
        assert isinstance(now, NowPane)
        await until(lambda: now.heard.count("attach") == 1)
        runtime.bus.publish(SettingsChanged())
        await until(lambda: now.heard.count("attach") == 2)


async def test_an_unknown_theme_is_named_with_the_nearest_one(runtime: FakeRuntime) -> None:
    runtime.ui.theme = "quarterdeck-lite"
    app = build(runtime)
    async with app.run_test(size=(160, 30)):
        await until(app.engine_ready.is_set)
        assert app.theme == "quarterdeck"
        assert "did you mean quarterdeck-light?" in app.shell.bar.render().plain


async def test_survives_a_tiny_terminal_and_comes_back(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(app.engine_ready.is_set)
        await until(lambda: app.focused is not None)
        for size in ((20, 5), (1, 1), (160, 48), (39, 8), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            small = size[0] < 40 or size[1] < 8
            assert app.shell.has_class("-small") is small
            cover = app.shell.query_one("#too-small")
            assert cover.display is small
            assert app.focused is not None, "the keyboard stays where it was"
        await pilot.press("question_mark")
        await pilot.resize_terminal(20, 5)
        await pilot.press("escape")
        await pilot.resize_terminal(100, 30)
        assert app.screen_stack == [app.shell]


async def test_zoom_gives_a_panel_the_screen_and_takes_it_back(runtime: FakeRuntime) -> None:
    app = build(runtime)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        await until(lambda: app.focused is not None)
        await pilot.press("z")
        assert app.shell.maximized is not None
        assert app.shell.maximized.id == "panel1"
        await pilot.press("z")
        assert app.shell.maximized is None


async def test_every_binding_of_the_shell_can_be_rebound_and_is_explained() -> None:
    from app.tui import known_bindings

    known = {info.id: info for info in known_bindings()}
    assert {"app.quit", "app.help", "app.palette", "app.rerun_failed", "app.tests", "app.zoom"} <= set(known)
    assert [info.id for info in known.values() if not info.description] == []
    assert [info.id for info in known.values() if info.scope == "app" and not info.tooltip] == []
