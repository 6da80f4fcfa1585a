"""Discord's interactions: a press of a button, a form, a command. The request's signature was checked before.

The key `fb1:ITEM:VERDICT` in a button's `custom_id` names a row and what the press says of it; anybody can send
any key, so the row is looked up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.db.faults import UnavailableError
from app.feedback.discord.messages import Reading, text_of
from app.feedback.model import Violation
from app.feedback.receiver.intake import Intake
from app.feedback.rows import ViolationError, parse_object

PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 1, 2, 3, 4, 5
PONG, MESSAGE, CHOICES, FORM = 1, 4, 8, 9
EPHEMERAL = 64
LABEL, TEXT_INPUT, PARAGRAPH = 18, 4, 2
SCORES = {"good": 1.0, "up": 1.0, "accept": 1.0, "bad": -1.0, "down": -1.0, "reject": -1.0}
COMMENT = "comment"
_ID = re.compile(r"\d{1,20}", re.ASCII)
_KEY = re.compile(rf"fb1:([0-9A-Za-z._:-]{{1,64}}):({'|'.join((*SCORES, COMMENT))})", re.ASCII)
_DEEPEST = 8

Answer = dict[str, Any]


class Interactions:
    """Answers interactions, each within the time of a look-up and a commit."""

    def __init__(self, intake: Intake, reading: Reading) -> None:
        self._intake, self._reading = intake, reading

    async def answer(self, body: bytes) -> Answer:
        """The answer to one interaction; what it says is durable by then.

        Raises ViolationError for what is no interaction, and UserError where nothing can be kept.
        """
        interaction = _read(body)
        kind = interaction.get("type")
        if kind == PING:
            return {"type": PONG}
        if kind == AUTOCOMPLETE:
            return {"type": CHOICES, "data": {"choices": []}}
        if kind not in (COMMAND, COMPONENT, MODAL) or not _ID.fullmatch(str(interaction.get("id", ""))):
            raise ViolationError(Violation("type", "no interaction that is known"))
        data = interaction.get("data")
        if not isinstance(data, dict):
            raise ViolationError(Violation("data", "expected an object"))
        if kind == COMMAND:
            return await self._command(interaction, data)
        return await self._keyed(interaction, data, submitted=kind == MODAL)

    async def _command(self, interaction: Mapping[str, Any], data: Mapping[str, Any]) -> Answer:
        messages = _mapping(_mapping(data.get("resolved")).get("messages"))
        message = messages.get(str(data.get("target_id", "")))
        if isinstance(message, dict):
            return await self._keep(interaction, {"output": text_of(message)}, {"message": str(data["target_id"])})
        options = {
            str(option.get("name")): option.get("value")
            for option in data.get("options") or []
            if isinstance(option, dict)
        }
        said = {name: str(options[name]) for name in ("input", "output", "comment", "text") if options.get(name)}
        if not said:
            return _say("Nothing was said. Write it into one of the command's fields.")
        row: dict[str, Any] = {name: said[name] for name in ("input", "output") if name in said}
        comment = said.get("comment", said.get("text"))
        if comment is not None:
            row["comment"] = comment
        return await self._keep(interaction, row, {"command": str(data.get("name", ""))})

    async def _keyed(self, interaction: Mapping[str, Any], data: Mapping[str, Any], *, submitted: bool) -> Answer:
        match = _KEY.fullmatch(str(data.get("custom_id", "")))
        if match is None:
            return _say("This button is not one of ours.")
        item, verdict = match.groups()
        if verdict == COMMENT and not submitted:
            return _form(match[0])
        message = interaction.get("message")
        shown = text_of(message) if isinstance(message, dict) else ""
        try:
            found = await self._intake.item(item)
        except UnavailableError:
            # Nobody can look now, or it is on its way. What the person saw, and which item it was about, is in the row.
            found = {"output": shown}
        if found is None:
            return _say("What this is about is not known here any more.")
        row = {name: value for name, value in found.items() if value is not None}
        if verdict in SCORES:
            row |= {"score": SCORES[verdict], "score_raw": {"verdict": verdict}}
        if submitted:
            comment = "\n".join(_values(data.get("components")))
            if not comment.strip():
                return _say("Nothing was written.")
            row["comment"] = comment
        return await self._keep(interaction, row, {"item": item})

    async def _keep(self, interaction: Mapping[str, Any], row: Mapping[str, Any], about: Mapping[str, str]) -> Answer:
        user = _mapping(_mapping(interaction.get("member")).get("user")) or _mapping(interaction.get("user"))
        context: dict[str, Any] = {**about}
        if interaction.get("channel_id"):
            context["channel"] = str(interaction["channel_id"])
        if self._reading.names and user.get("username"):
            context["name"] = str(user.get("global_name") or user["username"])
        whole = {
            "source": "discord",
            "source_event_id": f"interaction:{interaction['id']}",
            "input": "",
            "output": "",
            **row,
            "context": context,
        }
        if user.get("id"):
            whole["author"] = self._reading.people.of(str(user["id"]))
        await self._intake.take(parse_object(whole))
        return _say("Thank you, it is noted.")


def _read(body: bytes) -> dict[str, Any]:
    try:
        interaction = json.loads(body)
    except (ValueError, RecursionError):
        raise ViolationError(Violation("", "not valid JSON")) from None
    if not isinstance(interaction, dict):
        raise ViolationError(Violation("", "expected a JSON object"))
    return interaction


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _values(components: Any, depth: int = 0) -> Iterator[str]:
    """What was filled in, in labels as well as in the rows of older clients."""
    if not isinstance(components, list) or depth > _DEEPEST:
        return
    for each in components:
        if not isinstance(each, dict):
            continue
        if isinstance(each.get("value"), str):
            yield each["value"]
        if isinstance(each.get("values"), list):
            yield from (str(value) for value in each["values"])
        yield from _values([each.get("component")], depth + 1)
        yield from _values(each.get("components"), depth + 1)


def _say(text: str) -> Answer:
    return {
        "type": MESSAGE,
        "data": {"content": text, "flags": EPHEMERAL, "allowed_mentions": {"parse": []}},
    }


def _form(key: str) -> Answer:
    field = {"type": TEXT_INPUT, "custom_id": "comment", "style": PARAGRAPH, "required": True, "max_length": 4000}
    label = {"type": LABEL, "label": "Comment", "component": field}
    return {"type": FORM, "data": {"custom_id": key, "title": "Comment", "components": [label]}}
