"""One endpoint asked, with everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from app.content.ai import egress
from app.content.ai.client import Client
from app.content.ai.model import Kind, Message, Profile, Reply
from app.errors import UserError
from tests.content.ai_endpoints import STREAMS, Endpoint, Script, anthropic, endpoint, error, ollama, openai
from tests.waiting import until

KINDS: tuple[Kind, ...] = ("openai", "anthropic", "ollama")
ASKED = [Message("user", "Write. Grüße 👩‍👧")]


class Slept:
    """Sleeps nothing and remembers how long it would have."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def _ask(profile: Profile, *, local: bool = False, sleep: Slept | None = None) -> tuple[Reply, list[str]]:
    reply, shown = Reply(), list[str]()
    await Client(profile, local=local, sleep=sleep or Slept()).ask("Be short.", ASKED, reply, shown.append)
    return reply, shown


async def _refused(*scripts: Script, kind: Kind = "openai") -> tuple[str, Endpoint, Slept]:
    slept = Slept()
    async with endpoint(*scripts) as fake:
        with pytest.raises(UserError) as caught:
            await _ask(fake.profile(kind), sleep=slept)
        assert "sk-secret-key" not in str(caught.value)
        return str(caught.value), fake, slept


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 7])
async def test_a_reply_of_each_kind(kind: Kind, size: int) -> None:
    texts = ["Grüße ", "👩‍👧", "\n\nEnd."]
    async with endpoint(Script(STREAMS[kind](*texts), size=size)) as fake:
        reply, shown = await _ask(fake.profile(kind))
    assert (reply.text, shown) == ("".join(texts), texts)
    assert (reply.outcome, reply.why) == ("complete", "")
    assert (reply.tokens_in, reply.tokens_out, reply.estimated) == (100, 20, False)


async def test_what_each_kind_is_sent() -> None:
    async with endpoint(Script(openai("x"))) as fake:
        await _ask(replace(fake.profile(), length_field="max_completion_tokens"))
        asked = fake.asked[0]
    assert (asked.method, asked.path) == ("POST", "/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-secret-key"
    said = {"role": "user", "content": ASKED[0].text}
    assert asked.body == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be short."}, said],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 4096,
    }
    async with endpoint(Script(anthropic("x"))) as fake:
        await _ask(fake.profile("anthropic", temperature=0.5))
        asked = fake.asked[0]
    assert asked.path == "/messages"
    assert asked.headers["x-api-key"] == "sk-secret-key"
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in asked.headers
    assert asked.body["system"] == "Be short."
    assert asked.body["messages"] == [said]
    assert (asked.body["max_tokens"], asked.body["temperature"]) == (4096, 0.5)
    async with endpoint(Script(ollama("x"))) as fake:
        await _ask(fake.profile("ollama", key=""))
        asked = fake.asked[0]
    assert asked.path == "/api/chat"
    assert "authorization" not in asked.headers
    assert asked.body["options"] == {"num_predict": 4096}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("openai", openai("Half of", done=False)),
        ("openai", openai("Half of", finish=None)),
        ("openai", openai("Half of", finish=None, done=False, usage=False)),
        ("anthropic", anthropic("Half of", stop=None)),
        ("ollama", ollama("Half of", done=None)),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
async def test_a_reply_that_breaks_off_is_kept_as_partial_and_not_asked_again(
    kind: Kind, body: bytes, cut: bool
) -> None:
    async with endpoint(Script(body, cut=cut)) as fake:
        reply, _ = await _ask(fake.profile(kind))
        assert len(fake.asked) == 1
    assert (reply.text, reply.outcome) == ("Half of", "partial")
    assert "broke" in reply.why
    assert reply.tokens_out is not None


@pytest.mark.parametrize(
    ("kind", "finish", "why"),
    [
        ("openai", "length", "at its limit"),
        ("openai", "content_filter", "for what it says"),
        ("ollama", "length", "at"),
    ],
)
async def test_a_reply_that_was_ended(kind: Kind, finish: str, why: str) -> None:
    body = openai("Some", finish=finish) if kind == "openai" else ollama("Some", done=finish)
    async with endpoint(Script(body)) as fake:
        reply, _ = await _ask(fake.profile(kind))
    assert (reply.text, reply.outcome) == ("Some", "partial")
    assert why in reply.why


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("openai", 'data: {"error": {"message": "The server had an error", "type": "server_error"}}\n\n'),
        ("openai", 'data: {"error": "The server had an error"}\n\n'),
        (
            "anthropic",
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "had an"}}\n\n',
        ),
        ("ollama", '{"error": "The server had an error"}\n'),
    ],
)
async def test_an_error_within_the_stream(kind: Kind, line: str) -> None:
    begun = {
        "openai": openai("Half", finish=None, done=False, usage=False),
        "anthropic": anthropic("Half", stop=None),
        "ollama": ollama("Half", done=None),
    }[kind]
    async with endpoint(Script(begun + line.encode())) as fake:
        reply, _ = await _ask(fake.profile(kind))
        assert len(fake.asked) == 1
    assert (reply.text, reply.outcome) == ("Half", "partial")
    assert "had an" in reply.why
    # Before any text was shown it is asked again.
    slept = Slept()
    async with endpoint(Script(line.encode()), Script(STREAMS[kind]("Whole"))) as fake:
        reply, _ = await _ask(fake.profile(kind), sleep=slept)
        assert (reply.text, reply.outcome, len(fake.asked)) == ("Whole", "complete", 2)
    assert len(slept.pauses) == 1


@pytest.mark.parametrize(
    ("script", "kind", "told", "times"),
    [
        (error(401, "Incorrect API key: sk-secret-key", code="invalid_api_key"), "openai", "check `key`", 1),
        (error(403, "no"), "openai", "may not", 1),
        (error(400, "maximum context length is 8192", code="context_length_exceeded"), "openai", "too long", 1),
        (error(400, "temperature is not supported"), "openai", "refuses the question", 1),
        (error(429, "quota", code="insufficient_quota"), "openai", "no credit", 1),
        (error(429, "Slow down", code="rate_limit_exceeded"), "openai", "too many questions: Slow down", 3),
        (Script(b"<html>busy</html>", 429, "text/html"), "openai", "too many questions", 3),
        (Script(b"<html>bad</html>", 502, "text/html"), "openai", "in trouble (502)", 3),
        (Script(b"", 500, headers={"x-should-retry": "false"}), "openai", "in trouble", 1),
        (Script(b'{"error": "model requires more memory"}', 500), "ollama", "more memory", 3),
        (Script(b'{"type": "error", "error": {"type": "overloaded_error"}}', 529), "anthropic", "overloaded", 3),
        (Script(b"", 302, headers={"Location": "http://127.0.0.1:9/"}), "openai", "moved", 1),
        (Script(b"<html>sign in</html>", 200, "text/html"), "openai", "no reply of this kind (text/html)", 1),
        (Script(b'{"error": {"message": "key", "type": "invalid_api_key"}}', 200), "openai", "not accepted", 1),
        (Script(openai("", usage=False)), "openai", "no text", 1),
        (Script(b"", 200), "openai", "broke off", 3),
        (Script(b"", 200, cut=True), "openai", "connection broke", 3),
    ],
)
async def test_what_an_endpoint_refuses(script: Script, kind: Kind, told: str, times: int) -> None:
    said, fake, slept = await _refused(script, kind=kind)
    assert told in said
    assert len(fake.asked) == times
    assert len(slept.pauses) == times - 1


async def test_a_model_that_is_not_there_names_those_that_are() -> None:
    listed = Script(b'{"models": [{"name": "llama3.2:latest"}, {"name": "qwen"}, 3]}', kind="application/json")
    missing = Script(b'{"error": "model \\"small\\" not found"}', 404, "application/json")
    said, fake, _ = await _refused(missing, listed, kind="ollama")
    assert "`ollama pull small`; there are llama3.2:latest, qwen" in said
    assert [(asked.method, asked.path) for asked in fake.asked] == [("POST", "/api/chat"), ("GET", "/api/tags")]
    said, _, _ = await _refused(error(404, "no such model"), kind="anthropic")
    assert "the model small is not there" in said


async def test_waits_as_long_as_the_endpoint_asks_for() -> None:
    limited = error(429, "Slow down")
    for headers, expected in (({"retry-after-ms": "1500"}, 1.5), ({"retry-after": "7"}, 7.0)):
        slept = Slept()
        async with endpoint(replace(limited, headers=headers), Script(openai("Whole"))) as fake:
            reply, _ = await _ask(fake.profile(), sleep=slept)
        assert reply.outcome == "complete"
        assert slept.pauses == [expected]
    said, fake, slept = await _refused(replace(limited, headers={"retry-after": "3600"}))
    assert "it asks to wait 3600 s" in said
    assert (len(fake.asked), slept.pauses) == (1, [])


async def test_an_endpoint_that_is_silent_or_away() -> None:
    never = asyncio.Event()
    async with endpoint(Script(hold=never)) as fake:
        with pytest.raises(UserError, match=r"said nothing for 0\.5 s"):
            await _ask(replace(fake.profile(), timeout_s=0.5))
        assert len(fake.asked) == 3
        fake.asked.clear()
        fake.scripts = [Script(openai("Half", finish=None, done=False), hold=never)]
        reply, _ = await _ask(replace(fake.profile(), timeout_s=0.5))
        assert (reply.text, reply.outcome, len(fake.asked)) == ("Half", "partial", 1)
        profile = fake.profile("ollama")
        never.set()
    with pytest.raises(UserError, match="ollama serve"):
        await _ask(profile)


async def test_what_came_stays_when_it_is_cancelled() -> None:
    hold = asyncio.Event()
    async with endpoint(Script(openai("What came ", finish=None, done=False), hold=hold)) as fake:
        reply, shown = Reply(), list[str]()
        asking = asyncio.ensure_future(Client(fake.profile()).ask("", ASKED, reply, shown.append))
        await until(lambda: shown)
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
        hold.set()
    assert (reply.text, reply.outcome, reply.estimated) == ("What came ", "stopped", True)
    assert reply.tokens_out == 20


async def test_a_local_text_goes_to_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy would carry it away.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with endpoint(Script(openai("Whole"))) as fake:
        here = fake.profile()
        assert (await _ask(here, local=True))[0].text == "Whole"
        named = replace(here, url=f"http://localhost:{fake.port}")
        assert (await _ask(named, local=True))[0].text == "Whole"
        assert fake.asked[1].headers["host"] == f"localhost:{fake.port}"
        for url in ("http://0.0.0.0:1", "http://192.0.2.1/v1", "https://[2001:db8::1]", "http://no-such-host.invalid"):
            with pytest.raises(UserError, match="stays on this machine") as caught:
                await _ask(replace(here, url=url), local=True)
            assert "choose a profile on this machine" in str(caught.value)
        for model in ("gpt-oss:120b-cloud", "glm-4.6:cloud"):
            with pytest.raises(UserError, match="works elsewhere"):
                await _ask(replace(here, model=model), local=True)
        assert len(fake.asked) == 2


def test_addresses_of_this_machine_alone() -> None:
    for address, expected in (
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%lo", False),
        ("10.0.0.1", False),
        ("x", False),
    ):
        assert egress.loopback(address) is expected


async def test_lists_of_models() -> None:
    for kind, body in (
        ("openai", {"object": "list", "data": [{"id": "a"}, {"id": "b"}]}),
        ("anthropic", {"data": [{"type": "model", "id": "a"}, {"id": "b"}]}),
        ("ollama", {"models": [{"name": "a"}, {"name": "b"}]}),
    ):
        async with endpoint(Script(json.dumps(body).encode(), kind="application/json")) as fake:
            assert await Client(fake.profile(kind)).models() == ("a", "b")
