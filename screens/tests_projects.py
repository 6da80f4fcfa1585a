"""The names of all projects in one line, each with how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.testing.model import ProjectSnapshot

Part = tuple[str, str]


class ProjectTabs(Static):
    """Shows the projects; a click on one chooses it."""

    class Chosen(Message):
        """A project was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__(Content(""), id="projects")
        self.auto_links = False

    def show(self, snapshots: Iterable[ProjectSnapshot], current: str) -> None:
        """Take over how the projects stand."""
        self.update(project_tabs(snapshots, current), layout=False)

    def action_choose(self, number: int) -> None:
        """A name was clicked."""
        self.post_message(self.Chosen(number))


def project_tabs(snapshots: Iterable[ProjectSnapshot], current: str) -> Content:
    """The names of all projects with how each stands."""
    parts: list[Part | Content] = []
    for number, snapshot in enumerate(snapshots):
        name = clean_line(snapshot.name, 40)
        style = "$accent bold" if snapshot.name == current else "$text-muted"
        glyph, tone = project_badge(snapshot)
        tab = Content.assemble((f" {name} ", style), (glyph, tone), ("  ", ""))
        parts.append(tab.stylize(Style.from_meta({"@click": f"choose({number})"})))
    return Content.assemble(*parts)


def project_badge(snapshot: ProjectSnapshot) -> Part:
    """A project's whole state in a few characters; its outcome as soon as all tests are in."""
    if snapshot.state in ("broken", "gone"):
        return "⚠", "$warning"
    progress = snapshot.progress
    if progress is not None and not progress.all_in:
        share = f"{100 * progress.done // progress.total}%" if progress.total else ""
        return f"◐{share}", "$accent"
    if snapshot.counts.bad:
        return f"✗{snapshot.counts.bad}", "$error"
    if snapshot.certain:
        return f"✓{snapshot.certain}", "$text-muted"
    return ("✓", "$success") if snapshot.counts.total and snapshot.certain is None else ("·", "$text-muted")
