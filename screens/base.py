"""What every area's screen is: a pane that the shell mounts at first use, shows and hides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from app.content.service import ContentService
    from app.events import Badge, Bus
    from app.settings import Settings
    from app.testing.service import TestingService
    from screens.feedback_service import FeedbackFace, RetrainFace, SourcesFace
    from screens.git_service import GitFace


class Runtime(Protocol):
    """What the engine offers to screens once it has started."""

    @property
    def bus(self) -> Bus:
        """Carries the events of all services."""

    @property
    def settings(self) -> Settings:
        """The configuration in force."""

    @property
    def testing(self) -> TestingService:
        """The Tests area."""

    @property
    def git(self) -> GitFace:
        """The Git area."""

    @property
    def feedback(self) -> FeedbackFace:
        """The Feedback area."""

    @property
    def retrain(self) -> RetrainFace:
        """The retrain trigger, which the Feedback area shows."""

    @property
    def discord(self) -> SourcesFace:
        """The reading of Discord's channels, whose problems the Feedback area shows."""

    @property
    def content(self) -> ContentService:
        """The Content area."""


class Command(NamedTuple):
    """One entry that a pane adds to the command palette."""

    title: str
    help: str
    run: Callable[[], object]


class Pane(Widget):
    """Base of all areas.

    A pane is mounted when its area is first opened and then stays; `active` tells whether it is on screen. It may be
    mounted before the engine is up: then it shows what was last seen, and `attach` follows. A pane that polls or
    animates starts that in `on_activated` and ends it in `on_deactivated`.
    """

    AREA: ClassVar[str] = ""
    """Id of the area in `screens.areas`."""
    TITLE: ClassVar[str] = ""
    """Name of the area, as on its tab."""
    HELP: ClassVar[str] = ""
    """What the area is for, in one or two plain sentences; the `?` panel shows it above the keys."""

    DEFAULT_CSS = """
    Pane {
        width: 1fr;
        height: 1fr;
        layout: vertical;
        background: $background;
    }
    """

    class Stands(Message):
        """How the area stands as far as the pane knows, before the engine tells or where it has nothing to tell."""

        def __init__(self, badge: Badge) -> None:
            super().__init__()
            self.badge = badge

    BLANK = True
    runtime: Runtime | None = None
    active: bool = False

    def attach(self, runtime: Runtime) -> None:
        """The engine is up (or was built anew): follow its events and show its state.

        Called after mounting, and again when the configuration has changed, which may have rebuilt the services.
        Overriders call `super().attach(runtime)` first and follow nothing twice.
        """
        self.runtime = runtime

    def on_activated(self) -> None:
        """The pane has come on screen."""

    def on_deactivated(self) -> None:
        """The pane has left the screen (another area was opened, or the app is closing)."""

    def unsaved(self) -> str:
        """What would be lost if the app ended now, as a phrase (`a test run in trading`); empty when nothing would."""
        return ""

    def commands(self) -> Iterable[Command]:
        """Entries for the command palette beyond the pane's keys: one per project, branch, draft."""
        return ()

    def focus_default(self) -> None:
        """Give the keyboard to the pane: to its first focusable widget, or to itself if it has none."""
        target = next((child for child in self.query("*") if child.focusable), None)
        if target is None:
            self.can_focus = True
            target = self
        target.focus(scroll_visible=False)
