"""The page about retraining, live while it is open; from here a pipeline is fired by hand, held, and let go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from screens.feedback_figures import Figures
from screens.feedback_retrain import retrain_lines
from screens.git_faults import told
from widgets.lines_view import TextLine, folded
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.events import Bus, RetrainChanged
    from app.feedback.retrain.model import Look, Run, Status
    from screens.feedback_service import RetrainFace

HISTORY = 100
"""Runs of all pipelines that are read."""
AGES_EVERY_S = 30.0


class Retraining(Figures):
    """Conditions, guards, what is missing and the last runs of every pipeline."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fire", "Fire", tooltip="Fire the pipeline now, after asking", id="feedback.retrain_fire"),
        Binding("h", "hold", "Hold", tooltip="Keep it from firing, or let it go on", id="feedback.retrain_hold"),
        Binding("n", "next", "Next", tooltip="The next pipeline", id="feedback.retrain_next"),
    ]

    def __init__(self, retrain: RetrainFace, bus: Bus, clock: Callable[[], float]) -> None:
        super().__init__("Retraining", self._lines, tall=True)
        self._retrain, self._bus, self._clock = retrain, bus, clock
        self._runs: list[Run] = []
        self._looks: list[Look] = []
        self._unread = ""
        self._said = ""
        self._at = 0
        self._unfollow: Callable[[], None] = lambda: None
        more = (("n", "next"),) if len(retrain.names) > 1 else ()
        self.hints = (("f", "fires"), ("h", "holds"), *more, *self.hints)

    def on_mount(self) -> None:
        from app.events import RetrainChanged

        super().on_mount()
        self._unfollow = self._bus.subscribe(RetrainChanged, self._changed)
        self.set_interval(AGES_EVERY_S, self.lines.rebuild)
        self._read()

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        self._unfollow()

    def _changed(self, _event: RetrainChanged) -> None:
        if self.is_mounted:
            self._read()

    def _read(self) -> None:
        self.lines.rebuild()
        self.run_worker(self._history(), exclusive=True, group="history", exit_on_error=False)

    async def _history(self) -> None:
        try:
            self._runs, self._looks = await self._retrain.history(HISTORY)
            self._unread = ""
        except Exception as error:
            # How it stands is known all the same.
            self._unread = clean_line(told(error).replace("\n", "; "), 200)
        self.lines.rebuild()

    def _lines(self, width: int) -> Iterable[TextLine]:
        if self._said:
            yield from folded(self._said, width, "$info", limit=4)
            yield TextLine()
        chosen = self._pipeline if len(self._retrain.names) > 1 else ""
        yield from retrain_lines(
            self._retrain.snapshot(), self._runs, self._looks, self._unread, self._clock(), width, chosen=chosen
        )

    # One pipeline

    @property
    def _pipeline(self) -> str:
        names = self._retrain.names
        return names[self._at % len(names)] if names else ""

    @property
    def _status(self) -> Status | None:
        found = self._retrain.snapshot().pipelines
        return next((status for status in found if status.evaluation.pipeline == self._pipeline), None)

    def action_next(self) -> None:
        """Let the keys mean the next pipeline."""
        self._at += 1
        self.lines.rebuild()

    def choose(self, name: str) -> None:
        """Let the keys mean this pipeline."""
        if name in self._retrain.names:
            self._at = self._retrain.names.index(name)

    def action_fire(self) -> None:
        """Fire now, after asking."""
        from screens.confirm import Confirm
        from widgets.figures import count

        name, status = self._pipeline, self._status
        if status is None:
            return
        found = status.evaluation
        about = f"{count(found.new_rows, 'new row')} would go to it. Guards still hold: {found.progress}"

        async def fire() -> None:
            run, after = await self._retrain.fire(name, force=True)
            refused = "; ".join(guard.detail for guard in after.guards if not guard.ok) or after.progress
            self._say(f"{name} fired: run {run.id}" if run is not None else f"{name} did not fire: {refused}")

        self.app.push_screen(
            Confirm(f"Fire {clean_line(name, 40)} now?", clean_line(about, 300), yes="fire", no="leave it"),
            lambda yes: self._attempt(fire()) if yes else None,
        )

    def action_hold(self) -> None:
        """Ask why it is to be held; where it is held already, let it go on."""
        from screens.feedback_forms import Question

        name, status = self._pipeline, self._status
        if status is None:
            return

        async def hold(reason: str | None) -> None:
            await self._retrain.hold(name, reason)
            self._say(f"{name} is held" if reason is not None else f"{name} may fire again")

        if any(guard.id == "hold" and not guard.ok for guard in status.evaluation.guards):
            self._attempt(hold(None))
            return
        self.app.push_screen(
            Question(f"Hold {clean_line(name, 40)}", "", hint="why it must not fire", keep="holds it"),
            lambda text: self._attempt(hold(text or "by hand")) if text is not None else None,
        )

    def _attempt(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception as error:
                self._say(clean_line(told(error).replace("\n", "; "), 300))

        self.run_worker(run(), group="retrain", exit_on_error=False)

    def _say(self, text: str) -> None:
        self._said = text
        if self.is_mounted:
            self._read()
