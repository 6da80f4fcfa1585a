"""Sends rows to a receiver over kept connections and prints how long each took: `URL SECRET CONNECTIONS RATE SECONDS`.

Requests leave at their moment, whether or not those before were answered, so that a receiver that stalls is charged for
all that wait. RATE 0 sends as fast as answers come. Printed is one JSON object.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
from urllib.parse import urlsplit

CONNECT_S = 0.5


def request(host: str, secret: str, number: int) -> bytes:
    """One signed request with a row of its own, about 1 KiB."""
    row = {
        "source": "load",
        "source_event_id": f"{secret[:4]}-{time.time_ns()}-{number}",
        "input": f"question {number} " * 20,
        "output": f"answer {number} " * 40,
        "score": (number % 21 - 10) / 10,
        "model": "m",
        "model_version": f"v{number % 5}",
        "tags": ["load"],
    }
    body = json.dumps(row).encode()
    at = int(time.time())
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /v1/feedback HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Quarterdeck-Signature: t={at},v1={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def sender(
    host: str,
    port: int,
    secret: str,
    numbers: range,
    first: float,
    gap_s: float,
    end: float,
    taken: list[float],
    bad: list[str],
) -> None:
    """Send over one connection, at `first` for the first time."""
    reader, writer = await asyncio.open_connection(host, port)
    due = first
    for number in numbers:
        now = time.perf_counter()
        if now >= end:
            break
        if gap_s or now < first:
            await asyncio.sleep(max(0.0, due - now))
        else:
            due = now
        writer.write(request(host, secret, number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        taken.append(time.perf_counter() - due)
        if not head.startswith(b"HTTP/1.1 202") or b"created" not in body:
            bad.append((head[:40] + body[:100]).decode())
        due += gap_s
    writer.close()


async def main(url: str, secret: str, connections: int, rate: float, seconds: float) -> None:
    """Send, and print what came of it."""
    parts = urlsplit(url)
    taken: list[float] = []
    bad: list[str] = []
    # Connections are made before the first row leaves.
    began = time.perf_counter() + CONNECT_S
    await asyncio.gather(
        *(
            sender(
                str(parts.hostname),
                parts.port or 80,
                secret,
                range(each * 10_000_000, (each + 1) * 10_000_000),
                began + (each / rate if rate else 0.0),
                connections / rate if rate else 0.0,
                began + seconds,
                taken,
                bad,
            )
            for each in range(connections)
        )
    )
    lasted = time.perf_counter() - began
    taken.sort()
    print(
        json.dumps(
            {
                "taken": len(taken) - len(bad),
                "refused": len(bad),
                "first_refused": bad[:1],
                "per_s": len(taken) / lasted,
                "p50_ms": taken[len(taken) // 2] * 1000,
                "p99_ms": taken[int(len(taken) * 0.99)] * 1000,
                "worst_ms": taken[-1] * 1000,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
