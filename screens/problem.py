"""What keeps the app, or one area, from working: what, where, and what to do, in place of the content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.errors import UserError
from screens.base import Pane
from screens.dialog import Dialog

PLACE = re.compile(r"^(?P<path>.+?):(?P<line>\d+)(?::\d+)?$")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong."""

    what: str
    where: str = ""
    fix: str = ""

    @property
    def place(self) -> tuple[Path, int] | None:
        """File and line, when `where` names them."""
        match = PLACE.match(self.where)
        return (Path(match["path"]), int(match["line"])) if match else None


def issues_of(error: UserError) -> tuple[Issue, ...]:
    """Every single problem that the error holds; itself when it holds no others."""
    problems: Iterable[Any] = getattr(error, "problems", ())
    found = []
    for problem in problems:
        what, _, fix = problem.text.partition("; ")
        found.append(Issue(f"{problem.key}: {what}" if problem.key else what, problem.where, fix))
    return tuple(found) or (Issue(error.what, error.where, error.fix),)


def describe(issues: Sequence[Issue]) -> Content:
    """The issues one below the other: where, what, and what to do."""
    lines: list[Content] = []
    for issue in issues:
        what = ("✗ ", "$error"), (issue.what, "bold $foreground")
        lines.append(Content.assemble(*what))
        if issue.where:
            lines.append(Content.assemble(("  " + issue.where, "$text-muted")))
        if issue.fix:
            lines.append(Content.assemble(("  " + issue.fix, "$foreground")))
        lines.append(Content(""))
    return Content("\n").join(lines)


def hint(keys: Iterable[tuple[str, str]]) -> Content:
    """A line of keys and what they do."""
    parts: list[tuple[str, str]] = []
    for key, action in keys:
        parts += [(f"{key} ", "bold $accent"), (f"{action}    ", "$text-muted")]
    return Content.assemble(*parts)


class Problem(Pane):
    """Takes the place of an area (or of all) until it is solved."""

    TITLE = "Problem"
    HELP = "Something has to be put right before this area can work. The app itself goes on."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "Try again", tooltip="Read everything again and go on", id="problem.retry"),
        Binding("e", "edit", "Open in editor", tooltip="Open the file that is named", id="problem.edit"),
    ]

    def __init__(
        self,
        title: str,
        issues: Sequence[Issue],
        *,
        retry: Callable[[], object],
        edit: Callable[[Path, int], object],
        file: Path | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._issues = tuple(issues)
        self._retry = retry
        self._edit = edit
        place = next((issue.place for issue in self._issues if issue.place), None)
        self._place = place if place is not None and place[0].is_absolute() else (file, place[1] if place else 0)

    def compose(self) -> ComposeResult:
        path = self._place[0]
        keys = [("r", "try again")]
        if path is not None:
            keys.insert(0, ("e", f"open {path.name}"))
        with VerticalScroll(classes="panel") as box:
            box.border_title = Content(self._title)
            yield Static(describe(self._issues))
            yield Static(hint(keys))

    def action_retry(self) -> None:
        """Try again."""
        self._retry()

    def action_edit(self) -> None:
        """Open the file that has to be changed."""
        path, line = self._place
        if path is not None:
            self._edit(path, line)


class Problems(Dialog[None]):
    """The problems of a configuration that was refused while the earlier one stays in force."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", tooltip="Back to where you were", id="problems.close"),
        Binding("e", "edit", "Open in editor", tooltip="Open the configuration", id="problems.edit"),
    ]

    def __init__(self, title: str, text: str, edit: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._edit = edit

    def compose(self) -> ComposeResult:
        keys = [("esc", "close")]
        if self._edit is not None:
            keys.insert(0, ("e", "open the configuration"))
        with VerticalScroll(classes="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(Content(self._text + "\n"))
            yield Static(hint(keys))

    def action_close(self) -> None:
        """Back."""
        self.dismiss()

    def action_edit(self) -> None:
        """Open the configuration and close."""
        self.dismiss()
        if self._edit is not None:
            self._edit()
