"""JSON lines over a Unix socket, with file descriptors riding along."""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any, Dict, List, Optional, Sequence

Message = Dict[str, Any]
_MAX_FDS = 8


class Channel:
    """One end of a control connection. Descriptors of a message are in its `fds`, not inherited across exec."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._buffer = b""
        self._fds: List[int] = []

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the connection and every descriptor that nobody took."""
        self._socket.close()
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    def send(self, message: Message, fds: Sequence[int] = ()) -> bool:
        """Send one message; False when the other end is gone."""
        data = json.dumps(dict(message, nfds=len(fds))).encode("ascii") + b"\n"
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self._socket.sendmsg([data], ancillary)
            if sent < len(data):
                self._socket.sendall(data[sent:])
        except OSError:
            return False
        return True

    def receive(self) -> Optional[List[Message]]:
        """Read what is there, waiting for at least one byte. None when the other end is gone."""
        try:
            data, ancillary, _, _ = self._socket.recvmsg(1 << 16, socket.CMSG_SPACE(_MAX_FDS * 4))
        except OSError:
            return None
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                for fd in numbers:
                    os.set_inheritable(fd, False)
                    self._fds.append(fd)
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        messages: List[Message] = []
        for line in lines:
            message = json.loads(line)
            count = message.pop("nfds", 0)
            message["fds"], self._fds = self._fds[:count], self._fds[count:]
            messages.append(message)
        return messages
