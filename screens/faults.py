"""Unexpected exceptions: an area's stops this area only, the shell's own ends the app with one clean page."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual._context import active_message_pump
from textual.app import App
from textual.dom import DOMNode
from textual.worker import WorkerFailed, active_worker

from screens.base import Pane

if TYPE_CHECKING:
    from textual.message import Message
    from textual.worker import Worker

log = logging.getLogger(__name__)


def root(error: BaseException) -> BaseException:
    """The exception itself, out of the wrapper that Textual puts around a worker's."""
    return error.error if isinstance(error, WorkerFailed) else error


def headline(error: BaseException) -> str:
    """Kind and message in one line."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    return f"{kind}: {text[:200]}" if text else kind


def shown(path: Path) -> str:
    """A path as people write it, `~` for their own folder."""
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)


def from_worker(error: BaseException) -> bool:
    """True when a worker failed: then the widget that started it still works."""
    return isinstance(error, WorkerFailed)


def culprit(error: BaseException) -> Pane | None:
    """The pane in whose code the exception arose; None when it is the shell's own.

    A handler fails in its widget's own task. Rendering and layout fail in the screen's, where only the frames of the
    traceback know the widget.
    """
    for node in _suspects(error):
        for ancestor in node.ancestors_with_self:
            if isinstance(ancestor, Pane):
                return ancestor
    return None


def _suspects(error: BaseException) -> Iterator[DOMNode]:
    if from_worker(error):
        worker: Worker[object] | None = active_worker.get(None)
        if worker is not None:
            yield worker.node
    pump = active_message_pump.get(None)
    if isinstance(pump, DOMNode):
        yield pump
    frames = []
    traceback = root(error).__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    for frame in reversed(frames):
        owner = frame.f_locals.get("self")
        if isinstance(owner, DOMNode):
            yield owner


class Containing(App[None]):
    """An app in which a broken area does not take the others down.

    `contain` None: contained except in tests (headless), where a fault has to be seen.
    """

    def __init__(self, contain: bool | None = None) -> None:
        super().__init__()
        self._contain = contain
        self._page = ""

    def break_down(self, pane: Pane, error: Exception) -> None:
        """Take a pane that failed off the screen and say so in its place."""
        raise NotImplementedError

    def ensure_log(self) -> Path:
        """Make sure that a log is written; returns its file."""
        raise NotImplementedError

    @property
    def contains(self) -> bool:
        """Whether an area's fault stays in its area."""
        return not self.is_headless if self._contain is None else self._contain

    def record(self, error: BaseException, what: str) -> Path:
        """Log an exception with its traceback; returns the log's file."""
        path = self.ensure_log()
        log.error(what, exc_info=error)
        return path

    def tell(self, error: BaseException, title: str = "") -> None:
        """Log an exception and show it in one line, with the log's path."""
        where = self.record(error, f"{title or 'an action'} failed")
        self.notify(f"{headline(error)}\ntraceback in {shown(where)}", title=title, severity="error", markup=False)

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """An action that fails is told; the widget whose key it was goes on."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            if not self.contains:
                raise
            self.tell(error)
            return True

    def absorb(self, error: Exception) -> bool:
        """Tell an exception of an area's code that ran in the app's or the screen's own task; False: not an area's."""
        pane = culprit(error) if self.contains and self.is_running else None
        if pane is not None:
            self.tell(error, pane.TITLE)
        return pane is not None

    async def _dispatch_message(self, message: Message) -> None:
        """Commands of the palette run here: one that fails must not end the loop of the whole app."""
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self.absorb(error):
                raise

    def _handle_exception(self, error: Exception) -> None:
        """Every exception that nobody caught ends here (Textual's own version always ends the app)."""
        pane = culprit(error) if self.contains and self.is_running else None
        if pane is None:
            self._die(error)
        elif from_worker(error):
            self.tell(root(error), pane.TITLE)
        else:
            self.record(error, f"{pane.TITLE} stopped working")
            self.call_later(self.break_down, pane, error)

    def _die(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is not None:
            return
        self._exception = error
        self._exception_event.set()
        where = shown(self.record(root(error), "the app stopped"))
        self._page = (
            "Quarterdeck stopped because of an error of its own.\n"
            f"  {headline(root(error))}\n"
            f"  The traceback is in {where}"
        )
        self.bell()
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Printed as it is, without wrapping, so that the path can be copied."""
        super()._print_error_renderables()
        if self._page:
            print(self._page, file=sys.stderr)
            self._page = ""
