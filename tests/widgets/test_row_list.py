"""The list moves by keys, keeps its place while rows change, and paints only what it must."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from textual.app import App, ComposeResult

from widgets.row_list import Part, RowList
from widgets.theme import THEMES, complete


class Counting(RowList):
    """Remembers which rows were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[str] = []
        self.versions: dict[str, int] = {}

    def signature(self, row: str) -> Hashable:
        return self.versions.get(row, 0)

    def draw(self, row: str, width: int) -> Iterable[Part]:
        self.drawn.append(row)
        return [(f"{row} {self.versions.get(row, 0)}", "$error")]


class ListApp(App[None]):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.register_theme(THEMES[0])
        self.theme = THEMES[0].name
        self.list = Counting()
        self.number = number
        self.moves: list[str | None] = []
        self.chosen: list[str] = []

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.set_rows([f"row-{n}" for n in range(self.number)])

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        self.moves.append(message.row)

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        self.chosen.append(message.row)


def line(app: ListApp, y: int) -> str:
    return app.list.render_line(y).text.rstrip()


async def test_keys_move_the_cursor() -> None:
    app = ListApp(1000)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press("j", "down", "k")
        assert app.list.cursor_row == "row-1"
        await pilot.press("G")
        assert app.list.cursor_row == "row-999"
        assert line(app, 19) == "row-999 0"
        await pilot.press("pageup")
        assert app.list.cursor_row == "row-980"
        await pilot.press("ctrl+u")
        assert app.list.cursor_row == "row-970"
        await pilot.press("g")
        assert app.list.cursor_row == "row-0"
        await pilot.press("k", "ctrl+d", "pagedown")
        assert app.list.cursor_row == "row-29"
        assert app.moves[-1] == "row-29"


async def test_the_cursor_stays_on_its_row_and_its_row_where_it_is() -> None:
    app = ListApp(200)
    async with app.run_test(size=(40, 20)) as pilot:
        app.list.move_to(100)
        await pilot.pause()
        place = 100 - int(app.list.scroll_offset.y)
        app.list.set_rows([f"new-{n}" for n in range(30)] + [f"row-{n}" for n in range(200)])
        await pilot.pause()
        assert app.list.cursor_row == "row-100"
        assert app.list.cursor_index - int(app.list.scroll_offset.y) == place
        app.list.set_rows([f"row-{n}" for n in range(50)])
        await pilot.pause()
        assert app.list.cursor_row == "row-49"
        app.list.set_rows([])
        await pilot.pause()
        assert app.list.cursor_row is None
        await pilot.press("j", "G", "pageup")


async def test_only_changed_rows_are_drawn_again() -> None:
    app = ListApp(50_000)
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        assert len(set(app.list.drawn)) <= 20
        app.list.drawn.clear()
        app.list.versions["row-3"] = 1
        app.list.versions["row-40000"] = 1
        app.list.refresh_changed()
        await pilot.pause()
        assert app.list.drawn == ["row-3"]
        assert line(app, 3) == "row-3 1"


async def test_marks_and_placeholder() -> None:
    app = ListApp(3)
    async with app.run_test(size=(40, 5)) as pilot:
        app.list.toggle_mark("row-2")
        app.list.toggle_mark("row-0")
        assert app.list.marks == ("row-2", "row-0")
        app.list.toggle_mark("row-2")
        assert app.list.marks == ("row-0",)
        assert app.list.clear_marks()
        assert not app.list.clear_marks()
        app.list.set_placeholder([[("nothing", "$text-muted")]])
        app.list.set_rows([])
        await pilot.pause()
        assert line(app, 2).strip() == "nothing"


async def test_the_placeholder_goes_with_the_first_rows_and_comes_back() -> None:
    app = ListApp(0)
    async with app.run_test(size=(40, 9)) as pilot:

        def painted() -> list[str]:
            return [
                strip.text.strip() for strip in app.list.render_lines(app.list.outer_size.region) if strip.text.strip()
            ]

        app.list.set_placeholder([[("nothing", "$text-muted")]])
        await pilot.pause()
        assert painted() == ["nothing"]
        app.list.set_rows(["row-0", "row-1"])
        await pilot.pause()
        assert painted() == ["row-0 0", "row-1 0"]
        app.list.set_rows([])
        await pilot.pause()
        assert painted() == ["nothing"]


async def test_clicks_move_and_choose() -> None:
    app = ListApp(10)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.click(app.list, offset=(3, 4))
        assert app.list.cursor_row == "row-4"
        assert app.chosen == []
        await pilot.click(app.list, offset=(3, 4))
        assert app.chosen == ["row-4"]


async def test_a_theme_change_draws_everything_anew() -> None:
    app = ListApp(5)
    async with app.run_test(size=(40, 8)) as pilot:
        before = app.list.render_line(0)
        app.theme = "textual-light"
        await pilot.pause()
        assert [segment.style for segment in app.list.render_line(0)] != [segment.style for segment in before]
