"""The line below the lists: what it says, and how it makes do with less room."""

from __future__ import annotations

import pytest
from textual.content import Content

from screens import git_text as words
from tests.git_fakes import broken, small, trading

STATES = [trading(), small("api", operation="merge"), broken("usb", "the folder is not there any more")]


@pytest.mark.parametrize("width", [60, 80, 100, 160, 240])
def test_every_figure_has_room_at_every_width(width: int) -> None:
    told = words.status(STATES, (), "", width, live=True)
    line = words.with_hints(told, width, page=False)
    assert line.cell_length == width
    for figure in ("↑3", "⚠2", "✗1"):
        assert figure in line.plain
    assert line.plain.endswith("? keys ")
    assert ("✗1 cannot be read" in line.plain) == (width >= 100)


def test_keys_come_in_as_far_as_there_is_room() -> None:
    assert words.with_hints(Content("x" * 40), 80, page=False).plain.endswith("c switch   n new   s sync   ? keys ")
    assert words.with_hints(Content("x" * 40), 240, page=False).plain.endswith("u undo   J journal   ? keys ")


def test_a_page_names_its_own_keys() -> None:
    assert words.with_hints(Content("x"), 80, page=True).plain == "x".ljust(73) + "? keys "


def test_what_is_said_comes_before_the_keys() -> None:
    assert words.with_hints(Content("x" * 78), 80, page=False).plain == "x" * 78
