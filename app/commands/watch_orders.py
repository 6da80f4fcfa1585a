"""What `qd test watch --json` is told on standard input, a JSON line for each order."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from app.errors import UserError
from app.events import Bus, TestStream
from app.testing.service import TestingService

NAMES = ("all", "failed", "last", "stop", "run", "quit")
AT_ONCE = ("stop", "quit")


class Orders:
    """Obeys orders about one project, in their sequence.

    Those that come before its first run has ended wait for that: an order would take that run's place, and nothing has
    failed yet that could run again.
    """

    def __init__(self, service: TestingService, project: str, bus: Bus, leave: asyncio.Event) -> None:
        self._service = service
        self._project = project
        self._leave = leave
        self._held: list[dict[str, Any]] | None = []
        self._unfollow = bus.subscribe(TestStream, self._heard)

    def listen(self) -> None:
        """Follow standard input. Its end changes nothing: a script may only want to read."""
        buffer = bytearray()
        loop = asyncio.get_running_loop()
        try:
            descriptor = sys.stdin.fileno()
        except (ValueError, OSError):
            return

        def readable() -> None:
            data = os.read(descriptor, 65536)
            if not data:
                loop.remove_reader(descriptor)
                return
            buffer.extend(data)
            *lines, rest = bytes(buffer).split(b"\n")
            buffer[:] = rest
            for line in lines:
                self.take(line)

        try:
            loop.add_reader(descriptor, readable)
        except OSError:
            # epoll refuses regular files (and /dev/null): such input is all there at once.
            with open(descriptor, "rb", closefd=False) as source:
                for line in source:
                    self.take(line)

    def take(self, line: bytes) -> None:
        """Obey a line now, or when the first run has ended; say on standard error what cannot be obeyed."""
        if not line.strip():
            return
        try:
            order = _parsed(line)
        except UserError as error:
            click.echo(f"quarterdeck: {error}", err=True)
            return
        if self._held is None or order["do"] in AT_ONCE:
            self._obey(order)
        else:
            self._held.append(order)

    def _heard(self, event: TestStream) -> None:
        # A project that cannot run has no first run to wait for.
        if event.event in ("ready", "problem"):
            self._unfollow()
            asyncio.get_running_loop().call_soon(self._release)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for order in held:
            self._obey(order)

    def _obey(self, order: dict[str, Any]) -> None:
        service, project = self._service, self._project
        if order["do"] == "stop" and self._held:
            self._held.clear()
        actions: dict[str, Callable[[], Any]] = {
            "all": lambda: service.run_all(project),
            "failed": lambda: service.run_failed(project),
            "last": lambda: service.run_last(project),
            "stop": lambda: service.stop(project),
            "run": lambda: service.run_tests(project, order["nodeids"]),
            "quit": self._leave.set,
        }
        actions[order["do"]]()


def _parsed(line: bytes) -> dict[str, Any]:
    where = "standard input"
    try:
        command = json.loads(line)
    except ValueError as error:
        raise UserError(f"not a JSON line: {error}", where=where, fix='write {"do": "all"}') from error
    if not isinstance(command, dict) or command.get("do") not in NAMES:
        raise UserError(
            f"unknown command {line.decode(errors='replace').strip()}",
            where=where,
            fix=f'"do" is one of {", ".join(NAMES)}',
        )
    nodeids = command.get("nodeids")
    if command["do"] == "run" and not (
        isinstance(nodeids, list) and nodeids and all(isinstance(i, str) for i in nodeids)
    ):
        raise UserError("nothing to run", where=where, fix='{"do": "run", "nodeids": ["tests/test_a.py::test_b"]}')
    return command
