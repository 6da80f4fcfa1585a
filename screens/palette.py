"""What the command palette offers: the shell's own entries, and each area's keys and commands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.widgets import Input

from screens.areas import load
from screens.base import Command, Pane
from widgets.keymap import key_label

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.style import Style

    from screens.shell import Shell

DISCOVERED = 8
"""Entries of an area that show before anything is typed."""


class Palette(CommandPalette):
    """Textual's palette in the app's dress, its cursor steady."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False


class _Commands(Provider):
    """Offers `Command`s: a few at first, all of them to a search."""

    discovered = DISCOVERED

    def commands(self) -> Iterator[Command]:
        """All entries, those most used first."""
        raise NotImplementedError

    @property
    def shell(self) -> Shell:
        """The screen below the palette."""
        return cast("Shell", self.screen)

    async def discover(self) -> Hits:
        for index, command in enumerate(self.commands()):
            if index >= self.discovered:
                return
            yield DiscoveryHit(Content(command.title), command.run, command.title, command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self.commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.run, command.title, command.help)


class ShellCommands(_Commands):
    """Areas, keys, themes, files, and leaving."""

    discovered = 20

    ENTRIES = (
        ("Keys", "Every key that works here, searchable", "app.help"),
        ("New draft", "From a template, filled in from live data", "app.new_draft"),
        ("Rerun failed tests", "Run what failed again; everything, if nothing failed", "app.rerun_failed"),
        ("Configuration problems", "What is wrong with the configuration, and what to do", "app.problems"),
        ("Copy the embedded data to the server", "Bring along what was stored before", "app.copy_data"),
        ("Open the configuration", "Open config.toml in your editor", "app.edit_config"),
        ("Read the configuration again", "Apply config.toml as it is now", "app.reload_config"),
        ("Change theme", "Quarterdeck's own two, and Textual's", "app.change_theme"),
        ("Open the log", "Open the log file in your editor", "app.edit_log"),
        ("Save a screenshot", "Write what is on screen to an SVG file", "app.screenshot"),
        ("Quit", "Leave Quarterdeck", "app.quit"),
    )

    def commands(self) -> Iterator[Command]:
        for area in self.shell.areas:
            if len(self.shell.areas) > 1:
                yield Command(f"Go to {area.title}", f"Area {area.number}", partial(self.shell.open_area, area.id))
        for title, about, action in self.ENTRIES:
            if self.app.check_action(action.removeprefix("app."), ()) is not False:
                yield Command(title, about, partial(self.app.run_action, action))


class PaneCommands(_Commands):
    """The keys of the area that is open, and the commands of areas that have been open.

    An area that offers more names a subclass in `screens.areas`; each class serves the areas that name it.
    """

    def commands(self) -> Iterator[Command]:
        shell = self.shell
        for area in shell.areas:
            pane = shell.panes.get(area.id)
            if pane is None or load(area.commands) is not type(self):
                continue
            if pane is shell.pane:
                yield from self._keys(pane)
            yield from pane.commands()

    def _keys(self, pane: Pane) -> Iterator[Command]:
        offered: set[str] = set()
        for key, (node, binding, enabled, tooltip) in self.shell.active_bindings.items():
            inside = pane in node.ancestors_with_self
            if not inside or not enabled or not binding.show or not binding.description or binding.action in offered:
                continue
            offered.add(binding.action)
            title = f"{pane.TITLE}: {binding.description} ({key_label(key)})"
            run = partial(self.app.run_action, binding.action, node)
            yield Command(title, tooltip or binding.description, run)


class AllCommands(Provider):
    """Every area's provider and the shell's, in this order: Textual itself keeps none."""

    def __init__(self, screen: Screen[Any], match_style: Style | None = None) -> None:
        super().__init__(screen, match_style)
        dotted = dict.fromkeys(area.commands for area in cast("Shell", screen).areas)
        self._providers: list[Provider] = [load(name)(screen, match_style) for name in dotted]
        self._providers.append(ShellCommands(screen, match_style))

    async def discover(self) -> Hits:
        for provider in self._providers:
            async for hit in provider.discover():
                yield hit

    async def search(self, query: str) -> Hits:
        for provider in reversed(self._providers):
            async for hit in provider.search(query):
                yield hit
