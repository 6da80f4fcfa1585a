"""A Notion on a port of this machine: pages below a page or in a data source, with its limits and faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "ntn_the-key"
PARENT = "11111111-2222-3333-4444-555555555555"
SCHEMA = {"Headline": {"type": "title"}, "Our id": {"type": "rich_text"}}


@dataclass
class FakeNotion:
    """What is there. `faults` are answered once each to a request that begins so; None as status cuts the line."""

    api: str = ""
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    faults: list[tuple[str, int | None, bytes, dict[str, str], bool]] = field(default_factory=list)

    def fail(self, request: str, status: int | None, code: str = "", *, done: bool = False, **headers: str) -> None:
        """Answer the next such request so; with `done` it has its effect all the same."""
        body = json.dumps({"object": "error", "status": status, "code": code, "message": f"it is {code}"}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append((request, status, body if code else b"<html>", named, done))


@contextmanager
def notion() -> Iterator[FakeNotion]:
    """Listen for one block."""
    fake = FakeNotion()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body, path = json.loads(raw) if raw else None, self.path.removeprefix("/v1")
            fake.requests.append((self.command, path, body))
            named = f"{self.command} {path}"
            fault = next((each for each in fake.faults if named.startswith(each[0])), None)
            if fault is not None:
                fake.faults.remove(fault)
                if fault[4]:
                    self._act(path, body)
                if fault[1] is None:
                    self.close_connection = True
                    return
                self._answer(fault[1], fault[2], fault[3])
                return
            if self.headers["Authorization"] != f"Bearer {KEY}":
                self._answer(*_error(401, "unauthorized", "API token is invalid."))
            elif self.headers["Notion-Version"] != "2026-03-11":
                self._answer(*_error(400, "missing_version", "which version?"))
            else:
                self._answer(*self._act(path, body))

        def _act(self, path: str, body: Any) -> tuple[int, bytes, dict[str, str]]:
            parts = path.strip("/").split("/")
            if path == "/pages":
                return _create(fake, body)
            if path == "/search":
                found = [page for page in fake.pages.values() if body["query"] in page["title"]]
                return _ok({"object": "list", "results": found})
            if parts[0] == "data_sources" and parts[-1] == "query":
                wanted = body["filter"]["rich_text"]["equals"]
                found = [page for page in fake.pages.values() if page["our"] == wanted]
                return _ok({"object": "list", "results": found})
            if parts[0] == "data_sources":
                return _ok({"object": "data_source", "properties": SCHEMA})
            page = fake.pages.get(parts[1])
            if page is None:
                return _error(404, "object_not_found", "Could not find page.")
            if parts[-1] == "markdown" and self.command == "PATCH":
                page["markdown"] = body["replace_content"]["new_str"]
            elif parts[-1] == "children":
                if len(body["children"]) > 100:
                    return _error(400, "validation_error", "body.children.length should be ≤ 100")
                page["blocks"] += body["children"]
            elif self.command == "PATCH":
                page["in_trash"] = body["in_trash"]
            return _ok(page)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Nothing: what came is remembered."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    fake.api = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _create(fake: FakeNotion, body: Any) -> tuple[int, bytes, dict[str, str]]:
    source = body["parent"]["type"] == "data_source_id"
    known = SCHEMA if source else {"title": {"type": "title"}}
    for name in body["properties"]:
        if name not in known:
            return _error(400, "validation_error", f"{name} is not a property that exists.")
    if len(body.get("children", ())) > 100:
        return _error(400, "validation_error", "body.children.length should be ≤ 100")
    identity = f"page-{len(fake.pages)}"
    given = body["properties"]["Headline" if source else "title"]
    our = body["properties"].get("Our id", {"rich_text": [{"text": {"content": ""}}]})
    fake.pages[identity] = {
        "object": "page",
        "id": identity,
        "url": f"https://www.notion.so/{identity}",
        "parent": body["parent"],
        "title": given["title"][0]["text"]["content"],
        "our": our["rich_text"][0]["text"]["content"],
        "markdown": body.get("markdown", ""),
        "blocks": body.get("children", []),
        "in_trash": False,
    }
    return _ok(fake.pages[identity])


def _ok(value: Any) -> tuple[int, bytes, dict[str, str]]:
    return 200, json.dumps(value).encode(), {}


def _error(status: int, code: str, message: str) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps({"object": "error", "status": status, "code": code, "message": message}).encode(), {}
