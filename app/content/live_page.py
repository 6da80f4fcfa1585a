"""One page on the loopback, for a browser that shows a draft and follows its keys."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable

Page = Callable[[], Awaitable[str]]
"""The page as it is now."""
HEAD_BYTES = 16_384
WITHIN_S = 5.0
LOOK_MS = 400
_SCRIPT = """<script>
(() => {
  let seen = "%s";
  setInterval(async () => {
    try {
      const now = await (await fetch("version", {cache: "no-store"})).text();
      if (now !== seen) { seen = now; sessionStorage.setItem("y", scrollY); location.reload(); }
    } catch (error) { document.title = "◌ " + document.title.replace(/^◌ /, ""); }
  }, %d);
  const y = sessionStorage.getItem("y");
  if (y !== null) { scrollTo(0, Number(y)); sessionStorage.removeItem("y"); }
})();
</script>"""


class LivePage:
    """Serves a page to those who know its address, which nobody can guess."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._version = 0
        self._host = ""

    @property
    def url(self) -> str:
        """Where a browser finds it; empty before it was opened."""
        return f"http://{self._host}/{self._token}/" if self._host else ""

    async def open(self) -> str:
        """Listen on a free port of the loopback; the address. Raises OSError."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)
            port = self._server.sockets[0].getsockname()[1]
            self._host = f"127.0.0.1:{port}"
        return self.url

    def changed(self) -> None:
        """The page is another one now: browsers load it anew."""
        self._version += 1

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._host = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(WITHIN_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, kind, body = await self._answer(head)
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            writer.write(body)
            await writer.drain()
        writer.close()

    async def _answer(self, head: str) -> tuple[str, str, bytes]:
        request, _, rest = head.partition("\r\n")
        method, _, target = request.partition(" ")
        path = target.rpartition(" ")[0]
        hosts = [line[5:].strip() for line in rest.split("\r\n") if line[:5].lower() == "host:"]
        # Another site whose name leads here must not read it: it would send its own name.
        known = secrets.compare_digest(path.split("/")[1] if "/" in path else "", self._token)
        if method != "GET" or hosts != [self._host] or not known:
            return "404 Not Found", "text/plain", b"there is nothing here\n"
        rest_of_path = path.removeprefix(f"/{self._token}/")
        if rest_of_path == "version":
            return "200 OK", "text/plain", str(self._version).encode()
        if rest_of_path:
            return "404 Not Found", "text/plain", b"there is nothing here\n"
        version = self._version
        page = await self._page()
        script = _SCRIPT % (version, LOOK_MS)
        before, end, after = page.rpartition("</body>")
        whole = f"{before}{script}{end}{after}" if end else f"{page}{script}"
        return "200 OK", "text/html", whole.encode("utf-8", "replace")
