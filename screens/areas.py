"""The areas of the app. Adding an area is adding one entry here; nothing of it is imported before it is opened."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Area(NamedTuple):
    """One tab. `pane` and `commands` are `module:Class`; without `commands` the palette offers the pane's own keys."""

    id: str
    number: int
    title: str
    pane: str
    commands: str = "screens.palette:PaneCommands"


AREAS: tuple[Area, ...] = (
    Area("tests", 2, "Tests", "screens.tests:TestsPane", "screens.tests_palette:TestsCommands"),
    Area("git", 3, "Git", "screens.git:GitPane", "screens.git_palette:GitCommands"),
    Area("feedback", 5, "Feedback", "screens.feedback:FeedbackPane"),
    Area("content", 6, "Content", "screens.content:ContentPane"),
)


def find(area_id: str, areas: tuple[Area, ...] = AREAS) -> Area | None:
    """The area of this id (or this title, in any case), if there is one."""
    wanted = area_id.casefold()
    return next((area for area in areas if wanted in (area.id, area.title.casefold())), None)


def load(dotted: str) -> Any:
    """The attribute named by `module:attribute`, importing its module."""
    module, _, attribute = dotted.partition(":")
    return getattr(import_module(module), attribute)
