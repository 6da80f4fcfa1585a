"""The keys that work in every area."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from screens.areas import Area
from widgets import hints


def area_bindings(areas: tuple[Area, ...]) -> list[BindingType]:
    """The number keys."""
    return [
        Binding(
            f"{area.number},alt+{area.number}",
            f"open_area('{area.id}')",
            f"Go to {area.title}",
            tooltip="alt: also inside text fields",
            show=False,
            id=f"app.{area.id}",
        )
        for area in areas
    ]


EVERYWHERE: tuple[Binding, ...] = (
    Binding(
        "R",
        "rerun_failed",
        "Rerun failed tests",
        tooltip="All, if none failed",
        id="app.rerun_failed",
    ),
    Binding(
        "ctrl+n",
        "new_draft",
        "New draft",
        tooltip="From a template, filled in from live data",
        priority=True,
        id="app.new_draft",
    ),
    Binding(
        "ctrl+p",
        "command_palette",
        "Command palette",
        tooltip="Everything there is to do, by name",
        priority=True,
        id="app.palette",
    ),
    Binding("question_mark", "help", "Keys", tooltip="Every key that works here, searchable", id="app.help"),
    Binding("q", "quit", "Quit", tooltip="Asks only if something would be lost", id="app.quit"),
    Binding(
        "ctrl+q",
        "quit",
        "Quit from anywhere",
        tooltip="Also inside text fields",
        show=False,
        priority=True,
        id="app.quit_anywhere",
    ),
    Binding(
        "ctrl+z",
        "suspend_process",
        "Background",
        tooltip="Back to the shell; `fg` returns",
        show=False,
        id="app.background",
    ),
)
hints.known("app", EVERYWHERE)
