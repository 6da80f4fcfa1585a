"""A broken area does not take the app down; a broken app says so in one clean page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import OptionList

from screens.problem import Problem
from tests.screens.shell_host import BROKEN_AREAS, FakeRuntime, NowPane, TestsLikePane, build, close_log
from tests.waiting import until


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Each test's log lies in its own home."""
    close_log()
    yield
    close_log()


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(tmp_path)


def text_of(problem: Problem) -> str:
    """All that the page says."""
    return "\n".join(str(part.render()) for part in problem.query("Static"))


def logged(app: object) -> str:
    """What the log holds."""
    from app.log import log_file

    return log_file().read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "message"),
    [("m", "ValueError: handled badly"), ("v", "ZeroDivisionError: drawn"), ("l", "ValueError: handled badly")],
    ids=["handler", "render", "after refresh"],
)
async def test_a_fault_replaces_its_area_and_r_opens_it_anew(runtime: FakeRuntime, key: str, message: str) -> None:
    app = build(runtime, contain_faults=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        broken = app.shell.pane
        await pilot.press(key)
        await until(lambda: isinstance(app.shell.pane, Problem) and app.shell.pane.is_mounted)
        page = app.shell.pane
        assert isinstance(page, Problem)
        await until(lambda: message in text_of(page))
        assert "quarterdeck.log" in text_of(page)
        assert message in logged(app)
        await pilot.press("1")
        await until(lambda: isinstance(app.shell.pane, NowPane))
        app.action_open_area("tests")
        await until(lambda: app.focused is not None and page in app.focused.ancestors_with_self)
        await pilot.press("r")
        await until(lambda: isinstance(app.shell.pane, TestsLikePane))
        assert app.shell.pane is not broken
        await until(lambda: app.focused is not None and app.focused.id == "panel1")
    assert (app.return_code or 0) == 0


@pytest.mark.parametrize(
    ("key", "message"),
    [("b", "KeyError: 'bid'"), ("w", "LookupError: worked badly")],
    ids=["action", "worker"],
)
async def test_a_failed_action_or_worker_is_told_and_the_area_goes_on(
    runtime: FakeRuntime, key: str, message: str
) -> None:
    app = build(runtime, contain_faults=True)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(app.engine_ready.is_set)
        pane = app.shell.pane
        await pilot.press(key)
        await until(lambda: [note for note in app._notifications if message in note.message])
        assert message.partition(":")[0] in logged(app)
        assert app.shell.pane is pane
        await pilot.press("tab")
        await until(lambda: app.focused is not None and app.focused.id == "panel2")


async def test_a_failed_command_of_the_palette_is_told(runtime: FakeRuntime) -> None:
    app = build(runtime, contain_faults=True)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(app.engine_ready.is_set)
        await pilot.press("ctrl+p", *"break a comm")
        options = app.screen.query_one(OptionList)
        await until(lambda: options.option_count and "Break a command" in str(options.get_option_at_index(0).prompt))
        await pilot.press("enter")
        await until(lambda: [note for note in app._notifications if "handled badly" in note.message])
        await until(lambda: app.screen_stack == [app.shell])
        await pilot.press("1")
        await until(lambda: isinstance(app.shell.pane, NowPane))


@pytest.mark.parametrize(
    ("area", "message"),
    [("git", "RuntimeError: composed badly"), ("market", "AttributeError")],
    ids=["compose", "import"],
)
async def test_an_area_that_cannot_be_opened_says_why(runtime: FakeRuntime, area: str, message: str) -> None:
    app = build(runtime, BROKEN_AREAS, contain_faults=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(app.engine_ready.is_set)
        app.action_open_area(area)
        await until(lambda: isinstance(app.shell.pane, Problem) and message in text_of(app.shell.pane))
        await pilot.press("2")
        await until(lambda: isinstance(app.shell.pane, TestsLikePane))


async def test_a_fault_of_the_shell_itself_ends_the_app_with_one_page(
    runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("the frame broke")

    app = build(runtime, contain_faults=True)

    async def use() -> None:
        async with app.run_test(size=(100, 30)):
            await until(app.engine_ready.is_set)
            app.call_later(fail)
            await until(lambda: not app.is_running)

    with pytest.raises(RuntimeError, match="the frame broke"):
        await use()
    page = capsys.readouterr().err
    assert "Quarterdeck stopped because of an error of its own" in page
    assert "quarterdeck.log" in page
    assert "locals" not in page
    assert app.return_code == 1
    assert "RuntimeError: the frame broke" in logged(app)


async def test_in_tests_a_fault_is_seen(runtime: FakeRuntime) -> None:
    app = build(runtime)

    async def use() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await until(app.engine_ready.is_set)
            await pilot.press("m")
            await until(lambda: not app.is_running)

    with pytest.raises(ValueError, match="handled badly"):
        await use()
