"""Each state of a project says what is going on and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes import FakeTesting, green, run, snapshot, state, trading, trading_tests
from tests.screens.tests_host import Host, settled

WIDE = (160, 48)


def screen_text(app: Host) -> str:
    tree = app.pane.tests
    return "\n".join(tree.render_line(y).text.rstrip() for y in range(tree.size.height))


def notice(app: Host) -> str:
    return str(app.pane.notice.content) if app.pane.has_class("-notice") else ""


async def text_of(app: Host) -> tuple[str, str]:
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        return screen_text(app), notice(app)


async def test_no_projects() -> None:
    text, _ = await text_of(Host(FakeTesting.of()))
    assert "No project is configured yet." in text
    assert "run qd init inside the project's folder," in text


async def test_before_the_engine_is_up() -> None:
    text, _ = await text_of(Host(None))
    assert "starting" in text


async def test_starting() -> None:
    text, _ = await text_of(Host(FakeTesting.of(snapshot([], state="starting", last=None, recent=()))))
    assert "looking at trading" in text


async def test_collecting_for_the_first_time() -> None:
    text, _ = await text_of(Host(FakeTesting.of(snapshot([], state="running", last=None, recent=()))))
    assert "collecting the tests" in text


async def test_before_the_first_run() -> None:
    text, _ = await text_of(Host(FakeTesting.of(snapshot([], last=None, recent=()))))
    assert "nothing has run yet" in text
    assert "a runs all tests" in text


async def test_no_tests() -> None:
    text, _ = await text_of(Host(FakeTesting.of(snapshot([]))))
    assert "no tests found" in text
    assert "a looks again" in text


@pytest.mark.parametrize("kind", ["broken", "gone"])
async def test_a_project_that_cannot_run_keeps_its_last_outcomes(kind: str) -> None:
    problem = "no pytest in /x/python\n/x/python -m pip install pytest"
    text, said = await text_of(Host(FakeTesting.of(trading(state=kind, problem=problem))))
    assert "test_fill_price[limit]" in text
    assert said == " ✗ no pytest in /x/python\n   /x/python -m pip install pytest"
    text, said = await text_of(Host(FakeTesting.of(snapshot([], state=kind, problem=problem))))
    assert "trading cannot run" in text
    assert "pip install" in said


async def test_a_crashed_run_says_where() -> None:
    last = run(30, exit=3, note="segmentation fault in tests/test_risk.py::test_limit[3]")
    _, said = await text_of(Host(FakeTesting.of(trading(last=last))))
    assert said == " ⚠ segmentation fault in tests/test_risk.py::test_limit[3]"


async def test_polling_is_told() -> None:
    note = "polling: no file events arrive here"
    app = Host(FakeTesting.of(trading(watch_note=note)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert notice(app) == f" ○ {note}"
        assert app.pane.tests._border_subtitle is not None
        assert app.pane.tests._border_subtitle.plain.startswith("polling 214 files")


async def test_a_notice_goes_when_its_cause_is_gone() -> None:
    app = Host(FakeTesting.of(trading(state="broken", problem="no pytest")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.testing.publish(trading())
        await settled(pilot)
        assert notice(app) == ""


async def test_no_match() -> None:
    app = Host(FakeTesting.of(green()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("v")
        assert "nothing fails" in screen_text(app)
        await pilot.press("v", "slash", *"zzz")
        assert "no test matches zzz" in screen_text(app)


async def test_a_file_that_cannot_be_collected() -> None:
    app = Host(FakeTesting.of(snapshot(trading_tests(), {"tests/test_new.py": "SyntaxError: invalid syntax"})))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("N")
        await settled(pilot)
        assert app.pane.tests.cursor_row == "tests/test_new.py::"
        assert "⚠ tests/test_new.py  SyntaxError: invalid syntax" in screen_text(app)
        assert app.pane.detail.section == "error"
        await pilot.press("r")
        assert app.testing.calls == [("run_tests", "trading", "tests/test_new.py")]


async def test_hostile_names_and_messages_are_only_text() -> None:
    evil = "\x1b[2J[bold red]x[/]\x00\u202e\ud800"
    shown = snapshot([state(f"t\x1b[1m.py::test[{evil}]", "failed", message=evil)], name="[b]evil[/b]", problem=evil)
    app = Host(FakeTesting.of(replace(shown, watch_note=evil, level="cold", level_reason=evil)))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n", "slash", "escape")
        await settled(pilot)
        picture = app.export_screenshot()
        assert "\x1b" not in picture
        assert "\x00" not in picture
        assert "\u202e" not in picture
        assert "[b]evil[/b]" in picture.replace("&#160;", " ")


async def test_the_screen_survives_any_size() -> None:
    app = Host(FakeTesting.of(trading(), green(name="api")))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n", "enter")
        for size in ((20, 5), (3, 3), (80, 24), (400, 100), (160, 48)):
            await pilot.resize_terminal(*size)
            await pilot.press("j", "tab", "z")
            await pilot.pause()
        await settled(pilot)
        assert app.pane.tests.cursor_row is not None
