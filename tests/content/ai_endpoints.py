"""Endpoints on loopback that speak as the documented ones do, with faults as ordered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.content.ai.model import Kind, Profile

LENGTH: Mapping[Kind, str] = {"openai": "max_tokens", "anthropic": "max_tokens", "ollama": "num_predict"}


@dataclass
class Script:
    """One answer: `body` in pieces of `size` bytes (0: at once); `cut` breaks the connection in place of the end.

    With `hold` the connection stays open and silent behind the body until the event is set.
    """

    body: bytes = b""
    status: int = 200
    kind: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    cut: bool = False
    hold: asyncio.Event | None = None


@dataclass
class Asked:
    """One request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Endpoint:
    """Gives the scripts one after the other, the last one for ever."""

    scripts: Sequence[Script]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    def profile(self, kind: Kind = "openai", **other: Any) -> Profile:
        """A profile that leads here."""
        given = {"name": "fake", "model": "small", "key": "sk-secret-key", "length_field": LENGTH[kind], **other}
        return Profile(kind=kind, url=f"http://127.0.0.1:{self.port}", **given)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            raw = await reader.readexactly(int(headers.get("content-length", 0)))
            script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
            self.asked.append(Asked(method, path, headers, json.loads(raw) if raw else None))
            own = {"Content-Type": script.kind, "Transfer-Encoding": "chunked", "Connection": "close", **script.headers}
            lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
            writer.write(f"HTTP/1.1 {script.status} Said\r\n{lines}\r\n".encode())
            size = script.size or len(script.body) or 1
            for at in range(0, len(script.body), size):
                chunk = script.body[at : at + size]
                writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                await writer.drain()
            if script.hold is not None:
                await script.hold.wait()
            if not script.cut:
                writer.write(b"0\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(*scripts: Script) -> AsyncIterator[Endpoint]:
    """An endpoint that answers as the scripts say."""
    fake = Endpoint(scripts)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake


def openai(*texts: str, finish: str | None = "stop", usage: bool = True, done: bool = True) -> bytes:
    """A stream of chunks of a chat completion."""
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]}]
    chunks += [{"choices": [{"index": 0, "delta": {"content": text}}], "obfuscation": "aB3"} for text in texts]
    if finish:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage:
        chunks.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n" for chunk in chunks]
    return (": processing\r\n\r\n" + "".join(lines) + ("data: [DONE]\r\n\r\n" if done else "")).encode()


def anthropic(*texts: str, stop: str | None = "end_turn") -> bytes:
    """The events of a message."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 100, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts
    ]
    if stop:
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 20}},
            {"type": "message_stop"},
        ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def ollama(*texts: str, done: str | None = "stop") -> bytes:
    """The lines of a chat."""
    lines: list[dict[str, Any]] = [{"message": {"role": "assistant", "content": text}, "done": False} for text in texts]
    if done:
        last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": done}
        lines.append({**last, "prompt_eval_count": 100, "eval_count": 20})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


STREAMS = {"openai": openai, "anthropic": anthropic, "ollama": ollama}


def error(status: int, message: str, **other: str) -> Script:
    """An error of OpenAI's form."""
    body = json.dumps({"error": {"message": message, "type": None, "param": None, "code": None, **other}})
    return Script(body.encode(), status, "application/json")
