"""The three ways to ask for a text and to read the reply as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app import __version__
from app.content.ai.model import Kind, Message, Profile, Request
from app.content.ai.parsing import Events, Lines, value_of

ANTHROPIC_VERSION = "2023-06-01"
URLS: Mapping[Kind, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "ollama": "http://127.0.0.1:11434",
}
LISTS: Mapping[Kind, str] = {"openai": "/models", "anthropic": "/models", "ollama": "/api/tags"}
"""Where an endpoint tells its models."""
FINISHED = ("stop", "end_turn", "stop_sequence")


class Reader:
    """Reads a reply. `feed` gives the text as it comes; what else was said stands in the attributes.

    `done` is True once the endpoint said that nothing follows, `finish` is why. `error` is the error that came in place
    of the rest. `heard` tells whether anything of the wire's form came at all.
    """

    def __init__(self) -> None:
        self.heard = self.done = False
        self.finish = ""
        self.error: Mapping[str, Any] | None = None
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The texts that are whole with `chunk`."""
        raise NotImplementedError

    def close(self) -> Iterator[str]:
        """What is left at the end of the stream."""
        raise NotImplementedError


class OpenAI(Reader):
    """Chunks of a chat completion as server-sent events, with `[DONE]` at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._events = Events()

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The texts of the chunks."""
        for event in self._events.feed(chunk):
            yield from self._said(event.data)

    def close(self) -> Iterator[str]:
        """The last chunk."""
        for event in self._events.close():
            yield from self._said(event.data)

    def _said(self, data: str) -> Iterator[str]:
        if data.strip() == "[DONE]":
            self.heard = self.done = True
            return
        value = value_of(data)
        if value is None:
            return
        self.heard = True
        if value.get("error"):
            self.error = value
            return
        usage = _table(value.get("usage"))
        self.tokens_in = _count(usage, "prompt_tokens", self.tokens_in)
        self.tokens_out = _count(usage, "completion_tokens", self.tokens_out)
        choices = value.get("choices")
        for choice in choices[:1] if isinstance(choices, list) else ():
            choice = _table(choice)
            self.finish = _text(choice.get("finish_reason")) or self.finish
            delta = _table(choice.get("delta"))
            yield from filter(None, (_text(delta.get("content")), _text(delta.get("refusal"))))


class Anthropic(Reader):
    """Events of a message; what is thought aloud is passed over."""

    def __init__(self) -> None:
        super().__init__()
        self._events = Events()

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The texts of the deltas."""
        for event in self._events.feed(chunk):
            yield from self._said(event.data)

    def close(self) -> Iterator[str]:
        """The last event."""
        for event in self._events.close():
            yield from self._said(event.data)

    def _said(self, data: str) -> Iterator[str]:
        value = value_of(data)
        if value is None:
            return
        self.heard = True
        kind = value.get("type")
        if kind == "error":
            self.error = value
        elif kind == "message_start":
            self._used(_table(_table(value.get("message")).get("usage")))
        elif kind == "content_block_delta":
            delta = _table(value.get("delta"))
            if delta.get("type") == "text_delta" and _text(delta.get("text")):
                yield _text(delta.get("text"))
        elif kind == "message_delta":
            self.finish = _text(_table(value.get("delta")).get("stop_reason")) or self.finish
            self._used(_table(value.get("usage")))
        elif kind == "message_stop":
            self.done = True

    def _used(self, usage: Mapping[str, Any]) -> None:
        cached = [_count(usage, f"cache_{what}_input_tokens", None) or 0 for what in ("creation", "read")]
        told = _count(usage, "input_tokens", None)
        self.tokens_in = self.tokens_in if told is None else told + sum(cached)
        self.tokens_out = _count(usage, "output_tokens", self.tokens_out)


class Ollama(Reader):
    """A JSON object a line; the last one is `done`."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = Lines()

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The texts of the lines."""
        for line in self._lines.feed(chunk):
            yield from self._said(line)

    def close(self) -> Iterator[str]:
        """The last line."""
        for line in self._lines.close():
            yield from self._said(line)

    def _said(self, line: str) -> Iterator[str]:
        value = value_of(line)
        if value is None:
            return
        if value.get("error"):
            self.error = value
        content = _text(_table(value.get("message")).get("content"))
        self.heard = self.heard or "message" in value or "done" in value or self.error is not None
        if content:
            yield content
        if value.get("done") is True:
            self.done = True
            self.finish = _text(value.get("done_reason")) or "stop"
            self.tokens_in = _count(value, "prompt_eval_count", self.tokens_in)
            self.tokens_out = _count(value, "eval_count", self.tokens_out)


def reader(kind: Kind) -> Reader:
    """What reads a reply of this kind."""
    return {"openai": OpenAI, "anthropic": Anthropic, "ollama": Ollama}[kind]()


def request(profile: Profile, system: str, messages: Sequence[Message]) -> Request:
    """What asks the endpoint of a profile to stream a reply."""
    said = [{"role": message.role, "content": message.text} for message in messages]
    body: dict[str, Any] = {"model": profile.model}
    extra = {} if profile.temperature is None else {"temperature": profile.temperature}
    if profile.kind == "anthropic":
        body |= {profile.length_field: profile.max_tokens, "system": system, "messages": said, "stream": True, **extra}
        return Request(f"{profile.url}/messages", headers(profile), body)
    said.insert(0, {"role": "system", "content": system})
    if profile.kind == "ollama":
        options = {profile.length_field: profile.max_tokens, **extra}
        return Request(
            f"{profile.url}/api/chat", headers(profile), {**body, "messages": said, "stream": True, "options": options}
        )
    body |= {"messages": said, "stream": True, "stream_options": {"include_usage": True}}
    return Request(
        f"{profile.url}/chat/completions",
        headers(profile),
        {**body, profile.length_field: profile.max_tokens, **extra},
    )


def headers(profile: Profile) -> dict[str, str]:
    """Headers of every request, with the key; their names in small letters."""
    own = {"user-agent": f"Quarterdeck/{__version__}", "content-type": "application/json"}
    if profile.kind == "anthropic":
        own["anthropic-version"] = ANTHROPIC_VERSION
    if profile.key:
        own |= {"x-api-key": profile.key} if profile.kind == "anthropic" else {"authorization": f"Bearer {profile.key}"}
    return own


def models(kind: Kind, answer: Any) -> tuple[str, ...]:
    """The names of the models in an endpoint's list."""
    listed = _table(answer).get("models" if kind == "ollama" else "data")
    names = [_table(entry) for entry in listed] if isinstance(listed, list) else []
    return tuple(filter(None, (_text(entry.get("name") or entry.get("id")) for entry in names)))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(table: Mapping[str, Any], name: str, otherwise: int | None) -> int | None:
    value = table.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else otherwise
