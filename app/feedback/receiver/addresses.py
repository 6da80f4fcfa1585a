"""Where the receiver may listen: on this machine alone, unless requests are signed."""

from __future__ import annotations

import ipaddress
import socket

from app.errors import UserError

BACKLOG = 1024


def is_loopback_name(host: str) -> bool:
    """Whether a `Host` header names this machine: `localhost`, 127.0.0.0/8 or [::1], with or without a port."""
    name = host.strip().casefold()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    return name == "localhost" or _is_loopback(name)


def listening_socket(host: str, port: int, *, signed: bool) -> socket.socket:
    """A socket that listens. Raises UserError where the address cannot be had, or reaches beyond this machine while
    requests are not `signed`."""
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(
            f"this address is not known ({reason})", where=where, fix="correct feedback.receiver.host"
        ) from None
    if not signed and not all(_is_loopback(str(address[0])) for *_, address in found):
        raise UserError(
            "without a secret anybody on the network could send feedback",
            where=where,
            fix='set feedback.receiver.secret, or listen on "127.0.0.1"',
        )
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UserError(
            f"cannot listen here: {error.strerror}", where=where, fix="end what listens there, or choose another --port"
        ) from None
    listener.setblocking(False)
    return listener


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
