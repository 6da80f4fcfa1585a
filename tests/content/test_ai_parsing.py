"""Streams are read alike, however they were cut on their way."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.ai import parsing
from app.content.ai.model import Kind
from app.content.ai.parsing import Event, Events, Lines
from app.content.ai.wires import Reader, reader
from app.errors import UserError

ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])
WRITTEN = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["👩‍👧 é", "\u2028", "[DONE]"]
)


def _cut(raw: bytes, places: list[int]) -> list[bytes]:
    return [raw[a:b] for a, b in pairwise([0, *sorted({place % (len(raw) + 1) for place in places}), len(raw)])]


def _sent(kind: Kind, texts: list[str], ending: str) -> bytes:
    """What an endpoint sends for these pieces, with everything beside them that there may be."""
    blocks = []
    for number, text in enumerate(texts):
        if kind == "openai":
            choice = {"index": 0, "delta": {"role": "assistant", "content": text or None}, "finish_reason": None}
            chunk = json.dumps({"choices": [choice], "obfuscation": "x" * number}, ensure_ascii=number % 2 == 0)
            blocks.append(f": waiting{ending}data:{' ' * (number % 2)}{chunk}{ending}{ending}")
        elif kind == "anthropic":
            for delta in ({"type": "thinking_delta", "thinking": "hm"}, {"type": "text_delta", "text": text}):
                value = json.dumps({"type": "content_block_delta", "index": 0, "delta": delta}, ensure_ascii=False)
                blocks.append(f"event: content_block_delta{ending}data: {value}{ending}{ending}")
            blocks.append(f'event: ping{ending}data: {{"type": "ping"}}{ending}{ending}')
        else:
            value = json.dumps({"message": {"content": text}, "done": False}, ensure_ascii=False)
            blocks.append(value + ending)
    tail = {
        "openai": [
            'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}',
            "",
            'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}',
            "",
            "data: [DONE]",
        ],
        "anthropic": [
            'data: {"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 2}}}',
            "",
            'data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}',
            "",
            'data: {"type": "message_stop"}',
        ],
        "ollama": ['{"message": {"content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 7, '],
    }[kind]
    if kind == "ollama":
        tail[-1] += '"eval_count": 9}'
    return ("".join(blocks) + ending.join(tail)).encode()


def _read(kind: Kind, chunks: list[bytes]) -> tuple[str, Reader]:
    reading = reader(kind)
    text = "".join(piece for chunk in chunks for piece in reading.feed(chunk))
    return text + "".join(reading.close()), reading


@pytest.mark.parametrize("kind", ["openai", "anthropic", "ollama"])
@given(texts=st.lists(WRITTEN, max_size=8), ending=ENDINGS, places=st.lists(st.integers(0, 10_000), max_size=30))
def test_any_way_of_cutting_the_bytes_gives_the_same_text(
    kind: Kind, texts: list[str], ending: str, places: list[int]
) -> None:
    raw = _sent(kind, texts, ending)
    for chunks in (_cut(raw, places), [raw[at : at + 1] for at in range(len(raw))]):
        text, reading = _read(kind, chunks)
        assert text == "".join(texts)
        assert (reading.done, reading.tokens_in, reading.tokens_out) == (True, 7, 9)
        assert reading.finish in ("stop", "end_turn")


@given(raw=st.binary(max_size=300), places=st.lists(st.integers(0, 300), max_size=20))
def test_any_bytes_are_read_alike_however_they_are_cut(raw: bytes, places: list[int]) -> None:
    def events(chunks: list[bytes]) -> list[Event]:
        reading = Events()
        return [event for chunk in chunks for event in reading.feed(chunk)] + list(reading.close())

    assert events(_cut(raw, places)) == events([raw])
    for kind in ("openai", "anthropic", "ollama"):
        assert _read(kind, _cut(raw, places))[0] == _read(kind, [raw])[0]


@given(cut=st.integers(0, 2000))
def test_a_stream_that_ends_anywhere_gives_the_beginning_of_the_text(cut: int) -> None:
    texts = ["Grüße ", "👩‍👧", " and ", "the end"]
    for kind in ("openai", "anthropic", "ollama"):
        raw = _sent(kind, texts, "\n")
        text, reading = _read(kind, [raw[: cut % len(raw)]])
        assert "".join(texts).startswith(text)
        assert not reading.done or text == "".join(texts)


def test_events_with_names_and_several_lines_of_data() -> None:
    reading = Events()
    raw = b"\xef\xbb\xbfevent: a\ndata: one\ndata:two\nid: 3\n\n: only a comment\n\nevent: lost\n\ndata: z"
    assert list(reading.feed(raw)) == [Event("a", "one\ntwo")]
    assert list(reading.close()) == [Event("", "z")]


def test_what_is_no_stream_is_not_heard() -> None:
    for kind in ("openai", "anthropic", "ollama"):
        text, reading = _read(kind, [b"<html>\ndata: <p>\n\n[1, 2]\nnull\n" + b"[" * 5000])
        assert (text, reading.heard, reading.done) == ("", False, False)


def test_values_of_other_types_are_passed_over() -> None:
    for odd in (b'{"choices": [null], "usage": []}', b'{"choices": {"a": 1}}', b'{"choices": [{"delta": 3}]}'):
        assert _read("openai", [b"data: " + odd + b"\n\n"])[0] == ""
    assert _read("anthropic", [b'data: {"type": "content_block_delta", "delta": [1]}\n\n'])[0] == ""
    assert _read("ollama", [b'{"message": ["x"], "done": "no"}\n'])[0] == ""


def test_a_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "LINE_BYTES", 1000)
    reading = Lines()
    assert list(reading.feed(b"x" * 900)) == []
    with pytest.raises(UserError, match="without an end"):
        list(reading.feed(b"x" * 200))
