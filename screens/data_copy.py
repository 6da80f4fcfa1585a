"""The copy of the embedded data to a server that takes its place: what it is about, how far it is, and its keys."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from app.events import Bus, DataMove
from screens.dialog import Dialog
from screens.problem import hint
from widgets.figures import duration

BAR = 30


class MoveFace(Protocol):
    """The service behind it."""

    state: DataMove

    def start(self) -> None:
        """Copy, or go on."""

    async def cancel(self) -> None:
        """Stop."""

    def decline(self) -> None:
        """Never offer it again."""


def notice(move: DataMove) -> str:
    """One line for the tab bar; empty when there is nothing to say."""
    if move.state == "offered":
        # Short: what to press has to have room beside the tabs.
        return f"{move.total:,} rows are still embedded: ctrl+p, Copy the embedded data"
    if move.state == "running":
        left = f", {duration(move.left_s)} left" if move.left_s is not None else ""
        return f"copying to the server: {move.share:.0%}{left}"
    return f"copy to the server: {move.text}" if move.text else ""


class DataCopy(Dialog[None]):
    """Asks first, then shows the progress. Closing it leaves the copy running."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "begin", "Copy", tooltip="Copy now, in the background", id="data_copy.begin"),
        Binding("x", "cancel", "Stop", tooltip="Stop; what has arrived stays", id="data_copy.cancel"),
        Binding("d", "decline", "Never", tooltip="Do not offer it for this server again", id="data_copy.decline"),
        Binding("escape,q", "close", "Close", tooltip="Back; a copy goes on", id="data_copy.close"),
    ]

    def __init__(self, moving: MoveFace, bus: Bus) -> None:
        super().__init__()
        self._moving = moving
        self._unfollow: Any = None
        self._bus = bus

    def compose(self) -> ComposeResult:
        box = Static(self._words(), classes="dialog", id="data-copy")
        box.border_title = Content("Copy the embedded data to the server")
        yield box

    def on_mount(self) -> None:
        self._unfollow = self._bus.subscribe(DataMove, self._changed)

    def on_unmount(self) -> None:
        if self._unfollow is not None:
            self._unfollow()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        state = self._moving.state.state
        if action in {"begin", "decline"}:
            return state in {"offered", "failed"}
        return state == "running" if action == "cancel" else True

    def action_begin(self) -> None:
        """Copy."""
        self._moving.start()

    async def action_cancel(self) -> None:
        """Stop."""
        await self._moving.cancel()

    def action_decline(self) -> None:
        """Not again."""
        self._moving.decline()
        self.dismiss()

    def action_close(self) -> None:
        """Back."""
        self.dismiss()

    def _changed(self, move: DataMove) -> None:
        self.query_one("#data-copy", Static).update(self._words())
        self.refresh_bindings()

    def _words(self) -> Content:
        move = self._moving.state
        lines: list[Content] = []
        keys = [("esc", "close")]
        if move.state in {"offered", "failed"}:
            lines.append(
                Content(
                    f"{move.total:,} rows from before are in the embedded database, and not on the server.\n"
                    "They are copied and compared; what the server has already stays as it is, and so does the file."
                )
            )
            keys = [("y", "copy"), ("d", "do not offer again"), *keys]
        if move.state == "failed":
            lines.append(Content.assemble(("✗ ", "$error"), move.text))
        if move.state == "running":
            filled = round(move.share * BAR)
            left = f"   {duration(move.left_s)} left" if move.left_s is not None else ""
            lines.append(
                Content.assemble(
                    ("━" * filled, "$accent"),
                    ("─" * (BAR - filled), "$text-muted"),
                    f" {move.share:4.0%}   {move.rows:,} of {move.total:,} rows{left}",
                )
            )
            keys = [("x", "stop"), *keys]
        if move.state == "done":
            lines.append(Content.assemble(("✓ ", "$success"), f"{move.rows:,} rows are on the server"))
            if move.text:
                lines.append(Content.assemble(("⚠ ", "$warning"), move.text))
        return Content("\n\n").join([*lines, hint(keys)])
