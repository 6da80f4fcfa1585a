"""Threads that run blocking work in order, and that never keep the program from ending."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Workers:
    """At most `size` daemon threads, started when first needed.

    `concurrent.futures` joins its threads at exit, so a server that hangs would hold the whole program open until
    its read time-out; these are left behind instead.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._jobs: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, fn: Callable[..., Result], *args: object) -> Future[Result]:
        """Run `fn(*args)` in a thread; jobs start in the order they were submitted."""
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError(f"{self._name} is closed")
            self._jobs.append((future, fn, args))
            if self._idle < len(self._jobs) and len(self._threads) < self._size:
                thread = threading.Thread(
                    target=self._work, name=f"quarterdeck-{self._name}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._changed.notify()
        return future

    def close(self, timeout: float, *, cancel: bool = False) -> bool:
        """Accept no more jobs and wait for those accepted (with `cancel` only for those under way).

        Returns False when some were still running after `timeout` seconds.
        """
        with self._changed:
            self._closed = True
            if cancel:
                for future, _, _ in self._jobs:
                    future.cancel()
                self._jobs.clear()
            self._changed.notify_all()
            threads = tuple(self._threads)
        deadline = time.monotonic() + timeout
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._jobs and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._jobs:
                    return
                future, fn, args = self._jobs.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = fn(*args)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            # A traceback held by an idle thread would keep a whole unit of work's memory alive.
            del future, fn, args
