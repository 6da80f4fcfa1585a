"""The page about retraining, live while it is open; from here a pipeline is fired by hand, held, and let go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from screens.feedback_figures import Figures
from screens.feedback_retrain import CHOSEN, fire_words, retrain_lines
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
LOOK_EVERY_S = 5.0
"""How often it is measured while the page is open: commands and other instances fire, report and hold, too."""


class Retraining(Figures):
    """Conditions, guards, what is missing and the last runs of every pipeline."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fire", "Fire", tooltip="Fire the pipeline now, after asking", id="feedback.retrain_fire"),
        Binding("h", "hold", "Hold", tooltip="Keep it from firing, or let it go on", id="feedback.retrain_hold"),
        Binding("n", "next", "Next", tooltip="The next pipeline", id="feedback.retrain_next"),
    ]

    def __init__(self, retrain: RetrainFace, bus: Bus, clock: Callable[[], float], mine: dict[str, str]) -> None:
        """`mine` are the reasons of what was held from this screen, by pipeline."""
        super().__init__("Retraining", self._lines, tall=True)
        self._mine = mine
        self._stood = 0
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
        self.set_interval(AGES_EVERY_S, self._rebuild)
        self.set_interval(LOOK_EVERY_S, self._look)
        self._look()
        self._read()
        # Its size is known once it is laid out.
        self.call_after_refresh(self._to_chosen)

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        self._unfollow()

    def _changed(self, _event: RetrainChanged) -> None:
        if self.is_mounted:
            self._read()

    def _look(self) -> None:
        """Let it be measured; what is new comes as RetrainChanged."""
        self._retrain.look_again()

    def _rebuild(self) -> None:
        """Make the page anew; where nobody scrolled away from the pipeline that the keys mean, it stays in view."""
        stays = int(self.lines.scroll_offset.y) == self._stood
        self.lines.rebuild()
        if stays:
            self._to_chosen()

    def _to_chosen(self) -> None:
        # The first one stands at the top, below what was said.
        first = not self._at % max(len(self._retrain.names), 1)
        lines = enumerate(self.lines.plain.split("\n"))
        top = 0 if first else next((n for n, line in lines if line.startswith(CHOSEN)), 0)
        self.lines.scroll_to(y=top, animate=False, force=True, immediate=True)
        self._stood = int(self.lines.scroll_offset.y)

    def _read(self) -> None:
        self._rebuild()
        self.run_worker(self._history(), exclusive=True, group="history", exit_on_error=False)

    async def _history(self) -> None:
        try:
            self._runs, self._looks = await self._retrain.history(HISTORY)
            self._unread = ""
        except Exception as error:
            # How it stands is known all the same.
            self._unread = clean_line(told(error).replace("\n", "; "), 200)
        self._rebuild()

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
        self._to_chosen()

    def choose(self, name: str) -> None:
        """Let the keys mean this pipeline."""
        if name in self._retrain.names:
            self._at = self._retrain.names.index(name)

    def action_fire(self) -> None:
        """Fire now, after asking."""
        from screens.confirm import Confirm

        name, status = self._pipeline, self._status
        if status is None:
            return
        about = fire_words(status.evaluation)

        async def fire() -> None:
            run, after = await self._retrain.fire(name, force=True)
            refused = "; ".join(guard.detail for guard in after.guards if not guard.ok) or after.progress
            self._say(f"{name} fired: run {run.id}" if run is not None else f"{name} did not fire: {refused}")

        self.app.push_screen(
            Confirm(f"Fire {clean_line(name, 40)} now?", clean_line(about, 600), yes="fire", no="leave it"),
            lambda yes: self._attempt(fire()) if yes else None,
        )

    def action_hold(self) -> None:
        """Ask why it is to be held; where it is held already, let it go on, after asking if somebody else did."""
        from screens.confirm import Confirm
        from screens.feedback_forms import Question

        name, status = self._pipeline, self._status
        if status is None:
            return

        async def hold(reason: str | None) -> None:
            await self._retrain.hold(name, reason)
            self._mine.pop(name, None)
            if reason is not None:
                self._mine[name] = reason
            self._say(f"{name} is held" if reason is not None else f"{name} may fire again")

        held = next((guard.detail for guard in status.evaluation.guards if guard.id == "hold" and not guard.ok), None)
        if held is not None and held == f"held: {self._mine.get(name)}":
            self._attempt(hold(None))
            return
        if held is not None:
            # Only the reason is kept with a hold, in which people name themselves where they want to be asked.
            about = f"It was not held from here. {held[:1].upper()}{held[1:]}"
            self.app.push_screen(
                Confirm(f"Let {clean_line(name, 40)} fire again?", clean_line(about, 600), yes="let it", no="leave it"),
                lambda yes: self._attempt(hold(None)) if yes else None,
            )
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
