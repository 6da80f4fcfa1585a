"""A terminal that goes away (its window closed, the connection lost) ends the app instead of stopping it for good."""

from __future__ import annotations

import asyncio
import select
import time
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver

PAUSE_S = 0.002
LOOK_S = 1.0
"""How often it is looked whether the terminal is there: who is not told of its end would read nothing for ever."""


@cache
def lasting(driver: type[Driver]) -> type[Driver]:
    """The driver, so that writing to a terminal that is gone comes back. Others than those with a writer stay as is.

    Textual hands what is to be written to a thread through a queue of thirty places. That thread ends when the
    terminal is gone, and the event loop then waits for a free place for ever: no signal is answered any more, and
    what is under way is never brought to its end.
    """
    from textual.drivers.linux_driver import LinuxDriver

    if not issubclass(driver, LinuxDriver):
        return driver

    class Lasting(driver):  # type: ignore[misc, valid-type]  # whichever Textual has chosen
        _told = False
        _looking = False

        def start_application_mode(self) -> None:
            """Begin, and look from now on whether the terminal is there."""
            super().start_application_mode()
            if not self._looking:
                self._looking = True
                self._look()

        def _look(self) -> None:
            if gone(self.fileno):
                self._app.exit(return_code=1)
            else:
                asyncio.get_running_loop().call_later(LOOK_S, self._look)

        def write(self, data: str) -> None:
            """Hand it to the thread, as long as there is one."""
            writer: Any = self._writer_thread
            while writer is not None and writer.is_alive():
                if not writer._queue.full():
                    super().write(data)
                    return
                # To wait for room in the queue would never end where the thread that empties it does.
                time.sleep(PAUSE_S)
            if writer is not None and not self._told:
                self._told = True
                self._app.exit(return_code=1)

        def close(self) -> None:
            """Wait for the thread, if it is there to end."""
            if self._writer_thread is not None and self._writer_thread.is_alive():
                super().close()

    return Lasting


def gone(descriptor: int) -> bool:
    """Whether a terminal was hung up."""
    look = select.poll()
    look.register(descriptor, 0)
    return bool(look.poll(0))
