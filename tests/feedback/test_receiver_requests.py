"""What the receiver makes of requests, over real sockets: signatures, limits, and bodies of every wrong kind."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from app.errors import UserError
from app.feedback.receiver.addresses import listening_socket
from app.feedback.receiver.options import BODY_BYTES
from app.feedback.receiver.signatures import sign
from tests.feedback.receiving import SECRET, post, read_reply, receiving, row

BODY = json.dumps(row()).encode()
OLD_SECRET = "the secret before this one"


def github(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def now() -> int:
    return int(time.time())


async def test_a_right_signature_is_taken_and_every_wrong_one_is_not(tmp_path: Path) -> None:
    async with receiving(tmp_path, secrets=(SECRET, OLD_SECRET)) as to:
        right = sign(SECRET, BODY, now())
        at, _, digest = right.partition(",v1=")
        wrong = {
            "none": {},
            "of another body": {"X_Quarterdeck_Signature": sign(SECRET, BODY + b" ", now())},
            "of another secret": {"X_Quarterdeck_Signature": sign("another secret altogether", BODY, now())},
            "too old": {"X_Quarterdeck_Signature": sign(SECRET, BODY, now() - 302)},
            "too new": {"X_Quarterdeck_Signature": sign(SECRET, BODY, now() + 310)},
            "time changed": {"X_Quarterdeck_Signature": f"t={now() - 1},v1={digest}"},
            "two times": {"X_Quarterdeck_Signature": f"{at},{at},v1={digest}"},
            "no time": {"X_Quarterdeck_Signature": f"v1={digest}"},
            "no number": {"X_Quarterdeck_Signature": f"t=now,v1={digest}"},
            "not ASCII": {"X_Quarterdeck_Signature": f"{at},v1=\u00e9{digest[1:]}"},
            "empty": {"X_Quarterdeck_Signature": f"{at},v1="},
            "too many": {"X_Quarterdeck_Signature": f"{at}" + ",v1=00" * 8 + f",v1={digest}"},
            "ours wrong beside a right one of GitHub": {
                "X_Quarterdeck_Signature": f"{at},v1=00",
                "X_Hub_Signature_256": github(BODY),
            },
            "GitHub's of another body": {"X_Hub_Signature_256": github(BODY + b" ")},
            "GitHub's of an old kind": {"X_Hub_Signature_256": github(BODY).replace("sha256", "sha1")},
        }
        for what, headers in wrong.items():
            reply = await to.send(BODY, **headers)
            assert (reply.status, reply.json()) == (401, {"error": "unauthorized"}), what
        assert (await to.send(BODY, X_Quarterdeck_Signature=right)).status == 202
        assert (await to.send(BODY, X_Quarterdeck_Signature=f"{at},v1={'0' * 64},v1={digest}")).status == 202
        assert (await to.send(BODY, X_Quarterdeck_Signature=sign(OLD_SECRET, BODY, now()))).status == 202
        assert (await to.send(BODY, X_Hub_Signature_256=github(BODY), X_GitHub_Delivery="d-1")).status == 202
        assert len(await to.rows()) == 1


async def test_refusals_are_told_without_what_was_sent(tmp_path: Path) -> None:
    lines: list[str] = []
    async with receiving(tmp_path, secrets=(SECRET,), tell=lines.append) as to:
        await to.send(BODY)
        for value in ({**row(), "hidden": "hunter2"}, {**row(), "score": "hunter2"}, b"hunter2"):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            await to.send(body, X_Quarterdeck_Signature=sign(SECRET, body, now()))
        assert (await to.send(BODY, X_Quarterdeck_Signature=sign(SECRET, BODY, now()))).status == 202
        assert [line.partition(" was answered ")[2].partition(":")[0] for line in lines] == ["401", "422", "422", "400"]
        assert all(line.startswith("127.0.0.1 ") for line in lines)
        assert lines[1].endswith("the row breaks the contract: a field is no field of the contract")
        assert "score input should be a valid number" in lines[2]
        assert not any("hunter2" in line or "hidden" in line for line in lines)
        for _ in range(40):
            await to.send(BODY)
        assert len(lines) < 20
    # What a flood left out is told together, at the latest at the end.
    told = sum(" was answered 401" in line for line in lines)
    assert lines[-1] == f"more requests were refused: {41 - told} × 401"


async def test_a_replayed_request_makes_no_second_row(tmp_path: Path) -> None:
    async with receiving(tmp_path, secrets=(SECRET,)) as to:
        headers = {"X_Quarterdeck_Signature": sign(SECRET, BODY, now()), "Idempotency_Key": "k"}
        first, again = await to.send(BODY, **headers), await to.send(BODY, **headers)
        assert (first.status, again.status) == (202, 200)
        assert again.json() == {**first.json(), "status": "duplicate"}
        delivered = {"X_Hub_Signature_256": github(BODY), "X_GitHub_Delivery": "d-1"}
        assert [(await to.send(BODY, **delivered)).status for _ in range(2)] == [202, 200]
        assert len(await to.rows()) == 1


async def test_requests_that_are_not_read_are_answered_with_why(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        chunked = b"5\r\nhello\r\n0\r\n\r\n"
        for raw, status in (
            (post(BODY, Content_Type="text/plain"), 415),
            (post(BODY, Content_Type=""), 415),
            (post(BODY, Content_Type="application/json; charset=iso-8859-1"), 415),
            (post(BODY, Content_Encoding="gzip"), 415),
            (post(b"", Content_Length=""), 411),
            (post(b"", Content_Length="", Transfer_Encoding="chunked") + chunked, 411),
            (post(BODY, Content_Length="-1"), 400),
            (post(BODY, Content_Length="lots"), 400),
            (post(b"x" * (BODY_BYTES + 1)), 413),
            (post(b"", Content_Length=str(10**15)), 413),
            (post(BODY, Host="feedback.example.org"), 421),
            (post(BODY, path="/v1/feedbacks"), 404),
            (post(BODY).replace(b"POST", b"PUT", 1), 405),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no HTTP at all\r\n\r\n", 400),
            (b"POST /v1/feedback HTTP/1.1\r\nX: " + b"x" * 40_000, 400),
        ):
            assert (await to.exchange(raw)).status == status, raw[:120]
        assert await to.rows() == []


async def test_bodies_that_break_the_contract_are_refused_field_by_field(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        digits = b'{"source": "s", "input": "", "output": "", "context": {"n": ' + b"9" * 5000 + b"}}"
        for body in (
            b"",
            b"{",
            b'{"source": "\xff"}',
            b"[" * 100_000,
            b'{"source": "\\ud800"}',
            digits,
            b"\xff\xfe{\0",
        ):
            reply = await to.send(body)
            assert reply.status == 400, body[:40]
            assert reply.json()["error"].startswith("the body is not valid JSON")
        deep: object = []
        for _ in range(40):
            deep = [deep]
        for value, field in (
            ([], ""),
            (row(source=""), "source"),
            (row(source=" \x00 "), "source"),
            (row(input=5), "input"),
            (row(score=1.5), "score"),
            (row(score="1"), "score"),
            (row(captured_at="2999-01-01T00:00:00Z"), "captured_at"),
            (row(captured_at="2024-01-01T00:00:00"), "captured_at"),
            (row(context={"deep": deep}), "context"),
            (row(tags=["x" * 65]), "tags.0"),
            (row(scroe=1), "scroe"),
        ):
            reply = await to.send(value)
            assert (reply.status, reply.json()["fields"][0]["field"]) == (422, field)
        reply = await to.send({"score": 7})
        assert {each["field"] for each in reply.json()["fields"]} == {"source", "input", "output", "score"}
        assert (await to.rows(), await to.quarantined()) == ([], 0)


async def test_a_right_charset_is_taken(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        for number, kind in enumerate(("application/json; charset=utf-8", 'Application/JSON;x=y; Charset="UTF-8"')):
            assert (await to.send(row(number), Content_Type=kind)).status == 202
        assert len(await to.rows()) == 2


async def test_hostile_text_is_kept_as_text(tmp_path: Path) -> None:
    text = "\x1b]0;owned\x07\x1b[31m[bold]red[/bold]\x00 \u202e'; DROP TABLE feedback; -- {{ 7*7 }} 🧨\r\nend"
    async with receiving(tmp_path) as to:
        reply = await to.send(row(output=text, comment=text, context={text: [text]}))
        assert reply.status == 202
        (kept,) = await to.rows()
        clean = "]0;owned[31m[bold]red[/bold] \u202e'; DROP TABLE feedback; -- {{ 7*7 }} 🧨\nend"
        assert (kept.output, kept.comment, kept.context) == (clean, clean, {clean: [clean]})
        assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in kept.output)


@pytest.mark.parametrize("key", ["x" * 201, "two words", "tab\there"])
async def test_keys_that_cannot_be_kept_are_refused(key: str, tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        assert (await to.send(BODY, Idempotency_Key=key)).status == 400
        assert await to.rows() == []


async def test_a_body_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    async with receiving(tmp_path, body_s=0.5) as to:
        _, writer = await asyncio.open_connection("127.0.0.1", to.port)
        writer.write(post(BODY)[:-5])
        await writer.drain()
        writer.transport.abort()
        stalled = await to.exchange(post(BODY)[:-5])
        assert (stalled.status, stalled.headers["connection"]) == (408, "close")
        assert (await to.send(row(1))).status == 202
        assert [each.input for each in await to.rows()] == ["question 1"]


async def test_a_head_that_trickles_in_is_ended(tmp_path: Path) -> None:
    async with receiving(tmp_path, head_s=0.5) as to:
        trickles = [await asyncio.open_connection("127.0.0.1", to.port) for _ in range(20)]
        writers = [writer for _, writer in trickles]
        fed = asyncio.create_task(_feed(writers))
        assert (await to.send(BODY)).status == 202
        for reader, _ in trickles:
            # Bytes that arrive after the end may take the answer away, and the connection with it.
            with contextlib.suppress(ConnectionError):
                assert (await read_reply(reader)).status == 408
                assert await reader.read() == b""
        fed.cancel()
        await asyncio.gather(fed, return_exceptions=True)
        for writer in writers:
            writer.close()


async def _feed(writers: list[asyncio.StreamWriter]) -> None:
    raw = post(BODY)
    for byte in raw:
        for writer in writers:
            writer.write(bytes([byte]))
        await asyncio.sleep(0.05)


async def test_a_byte_after_an_answer_does_not_hold_the_connection(tmp_path: Path) -> None:
    async with receiving(tmp_path, head_s=0.5) as to:
        reader, writer = await asyncio.open_connection("127.0.0.1", to.port)
        writer.write(post(BODY))
        assert (await read_reply(reader)).status == 202
        writer.write(b"P")
        assert (await read_reply(reader)).status == 408
        writer.close()


async def test_who_sends_too_much_is_told_to_wait(tmp_path: Path) -> None:
    async with receiving(tmp_path, rate_per_s=0.01, burst=3) as to:
        replies = [await to.send(row(number)) for number in range(5)]
        assert [reply.status for reply in replies] == [202, 202, 202, 429, 429]
        assert 90 <= int(replies[-1].headers["retry-after"]) <= 100
        assert len(await to.rows()) == 3


async def test_what_is_refused_before_it_is_read_counts_as_well(tmp_path: Path) -> None:
    faults: list[tuple[int, dict[str, str]]] = [
        (411, {"Content_Length": ""}),
        (413, {"Content_Length": "300000"}),
        (415, {"Content_Type": "text/plain"}),
        (421, {"Host": "evil.example"}),
    ]
    async with receiving(tmp_path, rate_per_s=0.01, burst=len(faults)) as to:
        # Within its rate a sender hears what is wrong.
        for status, headers in faults:
            assert (await to.exchange(post(b"", **headers))).status == status
        for headers in ({}, *(headers for _, headers in faults)):
            reply = await to.exchange(post(b"", **headers))
            assert reply.status == 429
            assert 90 <= int(reply.headers["retry-after"]) <= 100
            # Nobody reads on for what would be refused anyway.
            assert (reply.headers.get("connection") == "close") == bool(headers)


def test_without_a_secret_only_this_machine_may_send() -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(UserError, match="without a secret"):
            listening_socket(host, 0, signed=False)
    for host, signed in (("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True)):
        listening_socket(host, 0, signed=signed).close()
    with listening_socket("127.0.0.1", 0, signed=False) as taken, pytest.raises(UserError, match="cannot listen"):
        listening_socket("127.0.0.1", taken.getsockname()[1], signed=False)
    with pytest.raises(UserError, match="not known"):
        listening_socket("no such host", 0, signed=True)


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async with receiving(tmp_path) as to:
        reader, writer = await asyncio.open_connection("127.0.0.1", to.port)
        writer.write(b"".join(post(json.dumps(row(number)).encode()) for number in range(10)))
        ids = [(await read_reply(reader)).json()["id"] for _ in range(10)]
        writer.close()
        assert [each.id for each in sorted(await to.rows(), key=lambda each: int(each.input.split()[1]))] == ids
