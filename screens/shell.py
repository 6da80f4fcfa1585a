"""The one base screen: tab bar above, the open area below."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from screens import faults
from screens.areas import AREAS, Area, find, load
from screens.base import Pane, Runtime
from screens.dialog import Dialog
from widgets.tab_bar import Tab, TabBar

if TYPE_CHECKING:
    from textual import events
    from textual.message import Message

log = logging.getLogger(__name__)

LEAST_WIDTH = 40
LEAST_HEIGHT = 8


class Shell(Screen[None], inherit_bindings=False):
    """Holds the panes: each is mounted when its area is first opened, and from then on only shown and hidden."""

    AUTO_FOCUS = "*"
    BLANK = True
    ALLOW_IN_MAXIMIZED_VIEW = "TabBar"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next panel", tooltip="Move to the next panel", show=False, id="app.next"),
        Binding(
            "shift+tab",
            "app.focus_previous",
            "Previous panel",
            tooltip="Move to the panel before",
            show=False,
            id="app.previous",
        ),
        Binding("z", "zoom", "Zoom", tooltip="The focused panel alone, and back", id="app.zoom"),
        Binding("ctrl+c", "copy_text", "Copy selection", tooltip="Copy the selected text", show=False, id="app.copy"),
    ]

    def __init__(
        self,
        areas: tuple[Area, ...] = AREAS,
        *,
        start: str = "",
        clock: bool = True,
    ) -> None:
        super().__init__()
        self.areas = areas
        self.panes: dict[str, Pane] = {}
        self.pane: Pane | None = None
        self.problem: Pane | None = None
        self.bar = TabBar(tuple(Tab(area.id, area.number, area.title) for area in areas), clock=clock)
        self._runtime: Runtime | None = None
        self._focus_in: dict[str, Widget] = {}
        self._start = find(start, areas) or areas[0]
        self.log_path: Path | None = None
        """Where tracebacks go; a broken area names it."""
        self._too_small: Static | None = None

    def compose(self) -> ComposeResult:
        yield self.bar
        self.pane = self._build(self._start)
        self.bar.activate(self._start.id)
        yield self.pane

    def on_mount(self) -> None:
        if self.pane is not None:
            self._enter(self.pane)

    def _build(self, area: Area) -> Pane:
        try:
            pane: Pane = load(area.pane)()
        except Exception as error:
            log.exception("%s cannot be opened", area.title)
            pane = self.broken_page(area, error)
        self.panes[area.id] = pane
        return pane

    def _enter(self, pane: Pane) -> None:
        """Tell a pane that it is on screen once it has been laid out, and give it the keyboard."""

        def entered() -> None:
            if pane is self.pane and pane.is_mounted and self.problem is None:
                pane.active = True
                if self._runtime is not None and pane.runtime is not self._runtime:
                    pane.attach(self._runtime)
                pane.on_activated()
                self._give_focus(pane)

        pane.call_later(entered)

    def _give_focus(self, pane: Pane) -> None:
        remembered = self._focus_in.get(pane.AREA)
        if remembered is not None and remembered.is_attached and remembered.focusable:
            remembered.focus(scroll_visible=False)
        elif self.focused is None or pane not in self.focused.ancestors_with_self:
            pane.focus_default()

    def open_area(self, area_id: str) -> None:
        """Show an area, mounting it when it has not been open before."""
        area = find(area_id, self.areas)
        pane = self.panes.get(area.id) if area is not None else None
        if area is None or (pane is not None and pane is self.pane):
            return
        self.minimize()
        before = self.pane
        if before is not None and self.focused is not None and before in self.focused.ancestors_with_self:
            self._focus_in[before.AREA] = self.focused
        with self.app.batch_update():
            if before is not None:
                self._leave(before)
                before.display = False
            if pane is None:
                pane = self._build(area)
                self.pane = pane
                pane.display = self.problem is None
                self.mount(pane)
            else:
                self.pane = pane
                pane.display = self.problem is None
            self.bar.activate(area.id)
        self._enter(pane)

    def _leave(self, pane: Pane) -> None:
        if pane.active:
            pane.active = False
            pane.call_later(pane.on_deactivated)

    def attach(self, runtime: Runtime) -> None:
        """Hand the engine to every pane that is mounted; later ones get it when they are opened."""
        self._runtime = runtime
        for pane in self.panes.values():
            if pane.is_mounted:
                pane.call_later(pane.attach, runtime)

    def show_problem(self, problem: Pane) -> None:
        """Put a problem in place of the open area."""
        self.clear_problem()
        self.problem = problem
        if self.pane is not None:
            self._leave(self.pane)
            self.pane.display = False
        self.mount(problem)
        problem.call_later(problem.focus_default)

    def clear_problem(self) -> None:
        """Take the problem away and show the area again."""
        if self.problem is None:
            return
        self.problem.remove()
        self.problem = None
        if self.pane is not None:
            self.pane.display = True
            self._enter(self.pane)

    def replace(self, broken: Pane, replacement: Pane) -> None:
        """Exchange a pane that stopped working for another one."""
        area_id = next((name for name, pane in self.panes.items() if pane is broken), "")
        self._focus_in.pop(broken.AREA, None)
        if not area_id:
            return
        self.panes[area_id] = replacement
        broken.display = False
        broken.remove()
        shown = broken is self.pane
        replacement.display = shown and self.problem is None
        self.mount(replacement)
        if shown:
            self.pane = replacement
            self._enter(replacement)

    def reopen(self, area: Area) -> None:
        """Build an area's pane anew, in place of what stands there now."""
        stale = self.panes.get(area.id)
        if stale is None:
            return
        fresh = self._build(area)
        self.panes[area.id] = stale
        self.replace(stale, fresh)

    def broken_page(self, area: Area, error: Exception) -> Pane:
        """What stands in place of an area that stopped working."""
        from screens.editor import open_in_editor
        from screens.problem import Issue, Problem

        where = faults.shown(self.log_path) if self.log_path is not None else ""
        return Problem(
            f"{area.title} stopped working",
            (Issue(faults.headline(error), f"traceback in {where}" if where else ""),),
            retry=lambda: self.reopen(area),
            edit=lambda path, line: open_in_editor(self.app, path, line),
            file=self.log_path,
        )

    def break_down(self, pane: Pane, error: Exception) -> None:
        """Take a pane that failed off the screen and say so in its place."""
        area_id = next((name for name, known in self.panes.items() if known is pane), "")
        area = find(area_id, self.areas)
        if area is not None:
            self.replace(pane, self.broken_page(area, error))

    def unsaved(self) -> list[str]:
        """What panes and dialogs would lose, in words. One that cannot say is no reason to stay."""
        losses = []
        dialogs = [screen for screen in self.app.screen_stack if isinstance(screen, Dialog)]
        askable: list[Pane | Dialog[Any]] = [*dialogs, *self.panes.values()]
        for each in askable:
            try:
                losses.append(each.unsaved())
            except Exception:
                log.exception("%s cannot say what is unsaved", type(each).__name__)
        return [text for text in losses if text]

    async def _dispatch_message(self, message: Message) -> None:
        """What a pane has put off until after the next paint runs here: its failure must not stop the screen."""
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not (isinstance(self.app, faults.Containing) and self.app.absorb(error)):
                raise

    def action_zoom(self) -> None:
        """Give the focused panel the whole screen, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None and self.pane is not None:
            inside = [node for node in self.focused.ancestors_with_self if self.pane in node.ancestors]
            panel = next((node for node in inside if node.has_class("panel")), self.focused)
            self.maximized = panel if isinstance(panel, Widget) else self.focused

    def on_tab_bar_chosen(self, message: TabBar.Chosen) -> None:
        message.stop()
        if message.target == "notice":
            self.app.call_later(self.app.run_action, "app.problems")
        else:
            self.open_area(message.target)

    def on_pane_stands(self, message: Pane.Stands) -> None:
        message.stop()
        self.bar.set_badge(message.badge)

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < LEAST_WIDTH or event.size.height < LEAST_HEIGHT
        if small and self._too_small is None:
            self._too_small = Static("", id="too-small", markup=False)
            self.mount(self._too_small)
        if self._too_small is not None:
            self._too_small.update(f"too small: {LEAST_WIDTH}×{LEAST_HEIGHT} needed")
        self.set_class(small, "-small")
