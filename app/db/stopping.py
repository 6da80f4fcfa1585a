"""A unit of work that can be ended while one of its statements runs, so that nobody pays for what nobody waits for."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

log = logging.getLogger(__name__)

AGAIN_S = 0.5
"""Between two statements nothing can be stopped: the next one is tried after this long."""

Kill = Callable[[int], None]
"""Ends the statement of a connection, given by the server's number of it."""


class StoppedError(Exception):
    """The unit of work was ended before it began."""


class Job:
    """What is known of a unit of work from outside the thread that does it."""

    def __init__(self) -> None:
        self.stopped = False
        self._lock = threading.Lock()
        self._left = threading.Event()
        self._raw: Any = None

    @contextmanager
    def using(self, conn: Connection) -> Iterator[None]:
        """The work is done on this connection. Raises StoppedError where it is not wanted any more."""
        with self._lock:
            if self.stopped:
                raise StoppedError
            self._raw = conn.connection.driver_connection
            self._left.clear()
        try:
            yield
        finally:
            # Behind this, the connection may serve others: nothing may be stopped on it any more.
            with self._lock:
                raw, self._raw = self._raw, None
            self._left.set()
            if self.stopped and not isinstance(raw, sqlite3.Connection):
                # A server may remember what came too late, and end the next statement instead.
                conn.invalidate()

    def stop(self, kill: Kill) -> None:
        """End it as soon as can be; returns at once."""
        self.stopped = True
        threading.Thread(target=self._stop, args=(kill,), name="quarterdeck-db-stop", daemon=True).start()

    def _stop(self, kill: Kill) -> None:
        while True:
            with self._lock:
                if self._raw is None:
                    return
                try:
                    if isinstance(self._raw, sqlite3.Connection):
                        self._raw.interrupt()
                    else:
                        kill(self._raw.thread_id())
                except Exception as error:
                    log.info("a statement could not be stopped: %s", type(error).__name__)
            if self._left.wait(AGAIN_S):
                return
