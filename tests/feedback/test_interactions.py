"""Discord's interactions at the receiver: who may call, what a press, a form and a command become."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from app.feedback import capture
from app.feedback.receiver import intake
from tests.feedback.receiving import PEOPLE, Receiving, Reply, post, receiving, row
from tests.waiting import PATIENCE_S, until

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()
MINA = {"id": "80351110224678912", "username": "mina", "global_name": "Mina"}


def interaction(kind: int, data: Any = None, identity: str = "846462639134605312", **more: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "application_id": "845027738276462632",
        "type": kind,
        "data": data,
        "guild_id": "290926798626357999",
        "channel_id": "645027906669510667",
        "member": {"user": MINA},
        "token": "unused",
        "version": 1,
        **more,
    }


async def call(to: Receiving, value: Any, *, at: int | None = None, spoil: bool = False) -> Reply:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    stamp = str(int(time.time()) if at is None else at)
    signature = KEY.sign(stamp.encode() + body)
    if spoil:
        signature = bytes([signature[0] ^ 1]) + signature[1:]
    headers = {"X_Signature_Ed25519": signature.hex(), "X_Signature_Timestamp": stamp}
    return await to.exchange(post(body, path="/v1/discord/interactions", **headers))


async def test_a_ping_is_answered_only_when_discord_signed_it(tmp_path: Path) -> None:
    ping = interaction(1)
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        assert (await call(to, ping)).json() == {"type": 1}
        assert (await call(to, ping, spoil=True)).status == 401
        assert (await call(to, ping, at=int(time.time()) - 301)).status == 401
        body = json.dumps(ping).encode()
        for headers in (
            {},
            {"X_Signature_Ed25519": "zz", "X_Signature_Timestamp": "1"},
            {"X_Signature_Ed25519": "00" * 64, "X_Signature_Timestamp": str(int(time.time()))},
        ):
            reply = await to.exchange(post(body, path="/v1/discord/interactions", **headers))
            assert reply.status == 401
    async with receiving(tmp_path) as to:
        assert (await call(to, ping)).status == 404


async def test_a_press_is_a_row_about_the_item_it_names(tmp_path: Path) -> None:
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        item = (await to.send(row(1, model="m", model_version="v2"))).json()["id"]
        await to.settled()
        press = interaction(3, {"custom_id": f"fb1:{item}:bad", "component_type": 2})
        for _ in range(2):  # Discord may deliver twice.
            reply = (await call(to, press)).json()
            assert (reply["type"], reply["data"]["flags"]) == (4, 64)
        _, kept = sorted(await to.rows(), key=lambda each: str(each.source_event_id or ""))
        assert (kept.source, kept.input, kept.output, kept.score) == ("discord", "question 1", "answer 1", -1)
        assert (kept.model_version, kept.author) == ("v2", PEOPLE.of(MINA["id"]))
        assert "mina" not in json.dumps(kept.context).casefold()
        assert len(await to.rows()) == 2


@pytest.mark.parametrize("arrives", [True, False], ids=["in time", "later"])
async def test_a_press_on_a_row_that_is_on_its_way_is_kept(
    arrives: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(intake, "LOOKUP_S", PATIENCE_S if arrives else 0.2)

    def held_up(conn: Connection, payload: dict[str, Any]) -> None:
        assert go.wait(PATIENCE_S)
        capture.apply(conn, payload)

    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        to.spool.register(capture.CAPTURE, held_up)
        # An id that the sender gave may have colons.
        given = row(1, id="bot:7:42", model="m", model_version="v2")
        assert (await to.send(given)).json() == {"id": "bot:7:42", "status": "created"}
        press = interaction(3, {"custom_id": "fb1:bot:7:42:bad"}, message={"content": "as it was shown"})
        try:
            asked = asyncio.create_task(call(to, press))
            await until(lambda: to.spool._draining, what="the row is on its way")
            await asyncio.sleep(0.1)
            if arrives:
                go.set()
            assert "noted" in (await asked).json()["data"]["content"]
        finally:
            go.set()
        (kept,) = (each for each in await to.rows() if each.source == "discord")
        assert (kept.score, kept.context) == (-1, {"item": "bot:7:42", "channel": "645027906669510667"})
        assert (kept.output, kept.model) == (("answer 1", "m") if arrives else ("as it was shown", None))


async def test_a_press_that_names_nothing_of_ours_keeps_nothing(tmp_path: Path) -> None:
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        for key in ("fb1:unknown:good", "fb1:x:sell", "other", "", "fb1:../../x:good", "fb1:%00:good"):
            reply = await call(to, interaction(3, {"custom_id": key, "component_type": 2}))
            assert reply.json()["type"] == 4
        assert await to.rows() == []


async def test_a_comment_is_asked_for_and_kept_from_new_and_old_forms(tmp_path: Path) -> None:
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        item = (await to.send(row(1))).json()["id"]
        await to.settled()
        key = f"fb1:{item}:comment"
        form = (await call(to, interaction(3, {"custom_id": key, "component_type": 2}))).json()
        assert (form["type"], form["data"]["custom_id"]) == (9, key)
        assert len(form["data"]["title"]) <= 45
        field = {"type": 4, "custom_id": "comment", "value": "wrong price"}
        for number, components in enumerate(([{"type": 18, "component": field}], [{"type": 1, "components": [field]}])):
            sent = interaction(5, {"custom_id": key, "components": components}, identity=f"84646263913460531{number}")
            assert (await call(to, sent)).json()["type"] == 4
        kept = [each for each in await to.rows() if each.source == "discord"]
        assert [(each.comment, each.output) for each in kept] == [("wrong price", "answer 1")] * 2


async def test_commands_on_a_message_and_with_fields(tmp_path: Path) -> None:
    message = {"id": "1", "type": 0, "content": "the answer", "author": {"id": "2", "bot": True}}
    on_message = {"id": "9", "name": "Feedback", "type": 3, "target_id": "1", "resolved": {"messages": {"1": message}}}
    typed = {"id": "9", "name": "feedback", "type": 1, "options": [{"name": "text", "type": 3, "value": "too slow"}]}
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        for number, data in enumerate((on_message, typed, {"id": "9", "name": "feedback", "type": 1})):
            assert (await call(to, interaction(2, data, identity=str(100 + number)))).json()["type"] == 4
        assert (await call(to, interaction(4, typed))).json() == {"type": 8, "data": {"choices": []}}
        kept = await to.rows()
        assert [(each.output, each.comment) for each in kept] == [("the answer", None), ("", "too slow")]


async def test_what_is_no_interaction_is_refused(tmp_path: Path) -> None:
    async with receiving(tmp_path, discord_key=PUBLIC) as to:
        for value in (b"", b"{", b"[]", b"[" * 50_000, {"type": 99}, interaction(3, None), interaction(2, {}, "x")):
            assert (await call(to, value)).status == 422
        assert await to.rows() == []
