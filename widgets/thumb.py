"""A vertical scrollbar whose thumb moves without the rest of the bar being drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.visual import RenderOptions, Visual

if TYPE_CHECKING:
    from textual.css.styles import RulesMap
    from textual.style import Style

NO_COLOR = Color.default()


class Bar(ScrollBarRender, Visual):
    """Textual's own bar, cell by cell: the way through Rich's console costs more than all else in a scroll."""

    def cells(self, height: int) -> list[Segment]:
        """The bar from top to bottom."""
        style = self.style if isinstance(self.style, RichStyle) else RichStyle.parse(self.style)
        return self.render_bar(
            size=height,
            virtual_size=self.virtual_size,
            window_size=self.window_size,
            position=self.position,
            thickness=self.thickness,
            back_color=style.bgcolor or NO_COLOR,
            bar_color=style.color or NO_COLOR,
        ).segments

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """One strip per line."""
        cells = self.cells(height or self.window_size)
        ground = style.rich_style
        # Nearly all cells are one of three objects.
        strips = {id(cell): Strip([Segment(cell.text, ground + cell.style)], width) for cell in cells}
        return [strips[id(cell)] for cell in cells]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """As wide as the styles say."""
        return self.thickness

    def get_height(self, rules: RulesMap, width: int) -> int:
        """As high as what it belongs to."""
        return self.window_size


def move(bar: ScrollBar, position: float) -> None:
    """Put the thumb where `position` (in lines) is, and repaint the cells that look different then."""
    bar.renderer = Bar  # type: ignore[misc]  # a class variable that Textual documents as one to set on an instance
    position = bar.validate_position(position)
    if position == bar.position:
        return
    before = _cells(bar)
    # Assigning to the reactive would repaint the bar from top to bottom.
    bar.set_reactive(ScrollBar.position, position)
    after = _cells(bar)
    if len(before) != len(after):
        # While the content shrinks, the thumb may for a moment stand below its end: that gives another number of cells.
        bar.refresh()
        return
    changed = [y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    if changed:
        bar.refresh(*(Region(0, y, bar.size.width, 1) for y in changed))


def _cells(bar: ScrollBar) -> list[Segment]:
    drawn = bar.render()
    return drawn.cells(bar.size.height) if isinstance(drawn, Bar) else []
