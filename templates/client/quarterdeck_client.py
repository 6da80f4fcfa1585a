"""Sends feedback to a Quarterdeck receiver. One file, standard library only, Python 3.9 or newer: copy it anywhere.

    from quarterdeck_client import Client

    feedback = Client("http://127.0.0.1:8474", secret="…")
    feedback.send(source="support-bot", input="question", output="answer", score=-1, comment="wrong price")
    feedback.close()

`send` returns as soon as the row is on this machine's disk. A thread delivers it, again and again until the receiver
has taken it; rows that a program left behind go out when the next one makes a Client for the same address and folder.
What the receiver refuses for good is kept in `refused` below the folder, with the reason beside it. A Client goes on
working after a fork; a child that ends with `os._exit` should `flush` before.

Every `send` is an event of its own, also where two people say the same of one answer: a row without `source_event_id`
gets a fresh one, or its `id` where it has one. Who wants equal rows taken once gives them the same `source_event_id`.

Each address has a folder of its own, and rows in a folder that is given know which address they are for. Where a
receiver has moved, name its earlier addresses in `formerly`. Rows of older versions of this file, which do not say
where they belong, are delivered by whoever finds them in its folder or, without one, in the folder of all.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import hmac
import json
import os
import random
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["Client", "sign"]

# Loaded when the first address is looked up: a program that is forked at that moment would have half of it for ever.
codecs.lookup("idna")

BODY_BYTES = 256 * 1024
TIMEOUT_S = 10.0
PAUSE_FIRST_S = 0.5
PAUSE_MOST_S = 60.0
REFUSED = frozenset({400, 409, 411, 413, 415, 422})
"""Answers that will be the same for ever. Every other one, a wrong secret among them, may be mended meanwhile."""


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of `X-Quarterdeck-Signature` for a body sent at `at`, in whole seconds since 1970."""
    digest = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Client:
    """A queue of rows on their way to the receiver at `url`. Safe to use from several threads, and after a fork."""

    def __init__(
        self,
        url: str,
        secret: str = "",
        folder: os.PathLike[str] | None = None,
        *,
        formerly: Iterable[str] = (),
    ) -> None:
        self._url = _endpoint(url)
        self._secret = secret
        self._mark = _mark(self._url)
        addresses = [self._url, *map(_endpoint, formerly)]
        self._marks = frozenset(map(_mark, addresses))
        if folder is not None:
            self._folder = Path(folder)
            self._folders = [self._folder]
        else:
            everybody = Path.home() / ".local/share/quarterdeck-client"
            everybody.mkdir(parents=True, exist_ok=True, mode=0o700)
            # What lies in the folder of all, an older version of this file left there.
            self._folders = [*(everybody / _name(address) for address in addresses), everybody]
            self._folder = self._folders[0]
        self._refused = self._folder / "refused"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._refused.mkdir(exist_ok=True, mode=0o700)
        self._wakes: dict[int, threading.Condition] = {}
        self._changes = 0
        self._closed = False
        self._hurry = False
        self.problem = ""
        """Why the last delivery failed; empty when it did not."""
        self._thread: threading.Thread | None = None
        self._begin()

    def send(self, **row: Any) -> str:
        """Queue a row; returns its key once it is on the disk.

        `source`, `input` and `output` are needed; what else there is, the receiver's /openapi.json tells. Raises
        ValueError where the row cannot be sent as it is, and OSError where it cannot be kept.
        """
        key = uuid.uuid4().hex
        if row.get("source_event_id") is None:
            row["source_event_id"] = row["id"] if isinstance(row.get("id"), str) else key
        body = json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
        if len(body) > BODY_BYTES:
            raise ValueError(f"the row has {len(body)} bytes, at most {BODY_BYTES} are taken")
        for name in ("source", "input", "output"):
            if not isinstance(row.get(name), str):
                raise ValueError(f"{name}: expected a text")
        # Names sort by the time, so that rows go out in their order.
        name = f"{time.time_ns():020}-{self._mark}-{key}"
        draft = self._folder / f"{name}.part"
        try:
            with draft.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / f"{name}.json")
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        _sync(self._folder)
        self._begin()
        with self._wake:
            self._changes += 1
            self._wake.notify_all()
        return key

    def flush(self, timeout: float = 30.0) -> int:
        """Try now, and wait until everything is delivered or refused; returns how many rows are still here."""
        self._begin()
        end = time.monotonic() + timeout
        with self._wake:
            while True:
                left = len(self._waiting())
                remaining = end - time.monotonic()
                if not left or remaining <= 0 or self._thread is None or not self._thread.is_alive():
                    return left
                self._hurry = True
                self._wake.notify_all()
                self._wake.wait(min(remaining, 0.2))

    def close(self, timeout: float = 5.0) -> int:
        """Deliver what can be delivered within `timeout` seconds; returns how many rows wait for the next start."""
        left = self.flush(timeout)
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(TIMEOUT_S + 1)
        return left

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def _wake(self) -> threading.Condition:
        """This process's lock: in one that was forked, the parent's may be held by a thread that is not there."""
        return self._wakes.setdefault(os.getpid(), threading.Condition())

    def _begin(self) -> None:
        """See to it that a thread of this process delivers; a fork leaves it behind."""
        with self._wake:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            thread = threading.Thread(target=self._deliver, name="quarterdeck-client", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # The program is ending, or may have no more threads. The row is on the disk all the same.
                self.problem = str(error)
            else:
                self._thread = thread

    def _waiting(self) -> list[Path]:
        found: list[Path] = []
        for folder in self._folders:
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                found += [Path(entry.path) for entry in entries if self._is_ours(entry.name)]
        return sorted(found, key=lambda path: path.name)

    def _is_ours(self, name: str) -> bool:
        """Whether a file is a row for this receiver, or one that does not say for which."""
        if not name.endswith(".json"):
            return False
        parts = name[: -len(".json")].split("-")
        return len(parts) != 3 or parts[1] in self._marks

    def _deliver(self) -> None:
        failures = 0
        while True:
            with self._wake:
                seen = self._changes
                if self._closed:
                    return
            pause = self._round()
            failures = failures + 1 if pause is not None else 0
            with self._wake:
                if self._closed:
                    return
                self._wake.notify_all()
                if pause is None:
                    if seen == self._changes:
                        # Not for ever: a forked child or another program may leave rows here.
                        self._wake.wait(PAUSE_MOST_S)
                    continue
                wait = max(pause, min(PAUSE_MOST_S, PAUSE_FIRST_S * 2 ** min(failures, 10)) * random.uniform(0.5, 1))
                end = time.monotonic() + wait
                # Somebody who waits for the end may hurry us, but not past what the receiver asked for.
                while not self._closed and (left := end - time.monotonic()) > 0:
                    if self._hurry and not pause:
                        left = min(left, PAUSE_FIRST_S)
                        self._hurry = False
                        end = time.monotonic() + left
                    self._wake.wait(left)

    def _round(self) -> float | None:
        """Deliver all that waits. None when all of it went; else how long the receiver asked to be left alone."""
        try:
            waiting = self._waiting()
        except OSError as error:
            self.problem = str(error)
            return 0.0
        for path in waiting:
            if self._closed:
                return None
            try:
                body = path.read_bytes()
                status, reason, asked = self._post(body, path.stem.rpartition("-")[2])
                if status in (200, 202):
                    self.problem = ""
                    path.unlink()
                elif status in REFUSED:
                    self._refuse(path, f"{status} {reason}")
                else:
                    self.problem = f"{status} {reason}"
                    return asked
            except FileNotFoundError:
                continue  # Another process delivered it.
            except Exception as error:
                # Whatever it is: a thread that ended would deliver nothing any more.
                self.problem = str(error) or repr(error)
                return 0.0
            with self._wake:
                self._wake.notify_all()
        return None

    def _post(self, body: bytes, key: str) -> tuple[int, str, float]:
        """Status, what was said, and the seconds of `Retry-After`."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._secret:
            headers["X-Quarterdeck-Signature"] = sign(self._secret, body, int(time.time()))
        request = urllib.request.Request(self._url, data=body, headers=headers, method="POST")
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as response:
                said = response.read(2000)
                if not _taken(said):
                    raise ValueError(f"what answers at {self._url} is no receiver")
                return response.status, "", 0.0
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(2000).decode(errors="replace")
            asked = error.headers.get("Retry-After", "")
            return error.code, said, min(float(asked), PAUSE_MOST_S) if asked.isdigit() else 0.0

    def _refuse(self, path: Path, reason: str) -> None:
        self.problem = reason
        (self._refused / f"{path.stem}.why").write_text(reason, encoding="utf-8")
        path.replace(self._refused / path.name)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the row would be left behind, and whatever answers there be taken for the receiver."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Straight)


def _endpoint(url: str) -> str:
    return url.rstrip("/") + "/v1/feedback"


def _mark(endpoint: str) -> str:
    """What tells this receiver's rows from another's, in names of files."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:16]


def _name(endpoint: str) -> str:
    """The folder of a receiver; its beginning is for people."""
    host = endpoint.partition("//")[2].partition("/")[0].rpartition("@")[2]
    return re.sub(r"[^0-9A-Za-z.]+", "_", host)[:80] + "-" + _mark(endpoint)


def _taken(said: bytes) -> bool:
    """Whether this is a receiver's answer, and not that of a proxy or a login page in between."""
    try:
        answer = json.loads(said)
    except ValueError:
        return False
    return isinstance(answer, dict) and "status" in answer


def _sync(folder: Path) -> None:
    """The file's entry must survive a power loss, too, where the system can promise that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
