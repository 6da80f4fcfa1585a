"""Scrolling moves the lines that are there: no row is drawn, framed or cut again, and none shows what is past."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from random import Random

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from widgets.row_list import Part, RowList
from widgets.theme import THEMES, complete

SIZE = (40, 22)
ROWS = SIZE[1] - 2


class Noting(RowList):
    """Remembers which rows were drawn and which lines were framed."""

    DEFAULT_CSS = """
    Noting { border: round $panel; padding: 0 0 0 1; background: $background; color: $foreground; }
    Noting:focus { border: round $accent; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[str] = []
        self.framed: list[int] = []
        self.versions: dict[str, int] = {}

    def signature(self, row: str) -> Hashable:
        return self.versions.get(row, 0)

    def draw(self, row: str, width: int) -> Iterable[Part]:
        self.drawn.append(row)
        mark = "•" if row in self.marks else " "
        return [(f"{mark} {row} ", "$error"), (f"{self.versions.get(row, 0)}", "$text-muted")]

    def render_line(self, y: int) -> Strip:
        self.framed.append(y)
        return super().render_line(y)


class ListApp(App[None]):
    def __init__(self, number: int = 200) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.list = Noting()
        self.number = number

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.focus()
        self.list.set_rows([f"row-{n}" for n in range(self.number)])

    def forget(self) -> None:
        """Look only at what is drawn from now on."""
        self.list.drawn.clear()
        self.list.framed.clear()

    def lines(self) -> list[Strip]:
        """The list's lines, border included, as the compositor gets them."""
        return self.list.render_lines(self.list.outer_size.region)

    def picture(self) -> list[str]:
        """The whole screen as it is sent to the terminal."""
        return [strip.render(self.console) for strip in self.screen._compositor.render_strips()]


async def at_the_lower_edge(app: ListApp, pilot: Pilot[None]) -> None:
    """Put the cursor in the middle of the list, on the last line that is in view: `j` scrolls from here."""
    app.list.move_to(60)
    await pilot.pause()
    app.list.move_to(int(app.list.scroll_offset.y) + ROWS - 1)
    await pilot.pause()


async def test_a_scroll_by_one_row_draws_the_new_row_alone() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        await at_the_lower_edge(app, pilot)
        before, top = app.lines(), app.list.scroll_offset.y
        app.forget()
        await pilot.press("j")
        await pilot.pause()
        assert app.list.scroll_offset.y == top + 1
        assert app.list.drawn == [f"row-{top + ROWS}"]
        assert app.list.framed == [ROWS - 2, ROWS - 1], "only the rows that the cursor leaves and comes to"
        after = app.lines()
        assert [n for n in range(1, ROWS - 1) if after[n] is not before[n + 1]] == []
        assert after[0] is before[0]
        assert after[-1] is before[-1]


async def test_a_scroll_back_draws_as_little() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        app.list.move_to(150)
        await pilot.pause()
        app.list.move_to(int(app.list.scroll_offset.y))
        await pilot.pause()
        before, top = app.lines(), app.list.scroll_offset.y
        app.forget()
        await pilot.press("k")
        await pilot.pause()
        assert app.list.scroll_offset.y == top - 1
        assert app.list.framed == [0, 1]
        after = app.lines()
        assert [n for n in range(3, ROWS + 1) if after[n] is not before[n - 1]] == []


async def test_a_line_that_only_moved_keeps_its_text_for_the_terminal() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        await at_the_lower_edge(app, pilot)
        (width, _), y = app.list.outer_size, 5
        text = [part.render(app.console) for part in app.lines()[y].divide([width - 2, width - 1, width])]
        app.list.scroll_relative(y=1, animate=False)
        await pilot.pause()
        parts = app.lines()[y - 1].divide([width - 2, width - 1, width])
        assert [part._render_cache for part in parts] == text


async def test_what_is_kept_looks_as_if_drawn_anew() -> None:
    app = ListApp()
    random = Random(7)
    keys = ("j", "j", "k", "G", "g", "ctrl+d", "ctrl+u", "pageup", "pagedown")
    async with app.run_test(size=SIZE) as pilot:
        rows = app.list
        for step in range(60):
            turn = random.randrange(9)
            if turn < 5:
                await pilot.press(*random.choices(keys, k=random.randint(1, 2)))
            elif turn == 5 and rows.cursor_row is not None:
                rows.toggle_mark(rows.rows[random.randrange(len(rows.rows))])
            elif turn == 6:
                for row in random.sample(rows.rows, min(8, len(rows.rows))):
                    rows.versions[row] = step
                rows.refresh_changed()
            elif turn == 7:
                rows.set_rows([f"row-{n}" for n in range(random.choice((5, 30, 200))) if random.random() < 0.8])
            else:
                rows.scroll_relative(y=random.randint(-9, 9), animate=False)
            await pilot.pause()
            kept = app.picture()
            rows.forget_strips()
            if rows.show_vertical_scrollbar:
                rows.vertical_scrollbar.refresh()
            await pilot.pause()
            assert kept == app.picture(), f"step {step}, kind {turn}"


async def test_focus_title_theme_and_size_reach_every_line() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("G", "k")

        async def differs() -> bool:
            """Whether a full repaint changes the picture; True means that something old was on screen."""
            await pilot.pause()
            kept = app.picture()
            app.list.forget_strips()
            await pilot.pause()
            return kept != app.picture()

        before = app.picture()
        app.screen.set_focus(None)
        assert not await differs()
        assert app.picture()[5] != before[5]
        app.list.border_title = "title"
        assert not await differs()
        assert "title" in app.picture()[0]
        app.theme = THEMES[1].name
        assert not await differs()
        await pilot.resize_terminal(30, 12)
        assert not await differs()
        await pilot.resize_terminal(50, 30)
        assert not await differs()
        app.list.styles.opacity = 0.5
        assert not await differs()


async def test_a_moving_thumb_repaints_the_cells_at_its_ends() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        await at_the_lower_edge(app, pilot)
        bar, top = app.list.vertical_scrollbar, app.list.scroll_offset.y
        most = 0
        for _ in range(12):
            before = cells(bar)
            await pilot.press("j")
            await pilot.pause()
            after = cells(bar)
            most = max(most, sum(new is not old for old, new in zip(before, after, strict=True)))
            bar.refresh()
            await pilot.pause()
            assert [list(strip) for strip in cells(bar)] == [list(strip) for strip in after]
        assert app.list.scroll_offset.y == top + 12
        assert 0 < most <= 4


async def test_the_bar_can_still_be_dragged() -> None:
    app = ListApp()
    async with app.run_test(size=SIZE) as pilot:
        await at_the_lower_edge(app, pilot)
        bar, top = app.list.vertical_scrollbar, app.list.scroll_offset.y
        thumb = next(y for y, strip in enumerate(cells(bar)) if "grab" in str([part.style.meta for part in strip]))
        await pilot.mouse_down(bar, offset=(0, thumb))
        await pilot.hover(bar, offset=(0, thumb + 6))
        await pilot.mouse_up(bar, offset=(0, thumb + 6))
        await pilot.pause()
        assert app.list.scroll_offset.y > top + 20


def cells(bar: ScrollBar) -> list[Strip]:
    """The bar's lines as the compositor gets them."""
    return bar.render_lines(Region(0, 0, *bar.outer_size))
