"""Rows out of what Discord tells of messages and reactions.

A reply is a comment on the message it answers; any other message of a person is itself what is to be judged. Messages
of bots are the outputs that people react to, and no rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.feedback.discord.people import Pseudonyms

SOURCE = "discord"
DEFAULT, REPLY = 0, 19
WITHHELD = ("content", "embeds", "attachments", "components", "poll")
"""Parts that come back empty without the Message Content intent."""
TELLING = ("sticker_items", "message_snapshots")
"""Parts that explain a message without those."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How messages are read: which reactions mean what, and whether names are kept."""

    people: Pseudonyms
    good: frozenset[str] = frozenset({"👍"})
    bad: frozenset[str] = frozenset({"👎"})
    names: bool = False

    def score(self, emoji: str) -> float | None:
        """1 for a good sign, -1 for a bad one, None for any other."""
        plain = emoji.replace("\ufe0f", "")
        if plain in self.good:
            return 1.0
        return -1.0 if plain in self.bad else None


def is_persons(message: Message) -> bool:
    """Whether a person wrote it, rather than a bot, a webhook or Discord itself."""
    author = message.get("author") or {}
    return message.get("type") in (DEFAULT, REPLY) and not author.get("bot") and not message.get("webhook_id")


def is_empty(message: Message) -> bool:
    """Whether a person's message came without anything in it: withheld, unless Discord has a part that we do not
    know."""
    return is_persons(message) and not any(message.get(part) for part in (*WITHHELD, *TELLING))


def text_of(message: Message) -> str:
    """What a message says: its content, its embeds, and where it was forwarded, the original's."""
    parts = [str(message.get("content") or "")]
    for embed in _list(message.get("embeds")):
        parts += [str(embed.get(name) or "") for name in ("title", "description")]
        parts += [f"{field.get('name')}: {field.get('value')}" for field in _list(embed.get("fields"))]
    parts += [text_of(each["message"]) for each in _list(message.get("message_snapshots")) if each.get("message")]
    parts += [str(each.get("url") or "") for each in _list(message.get("attachments"))]
    return "\n".join(part for part in parts if part)


def row_of_message(message: Message, channel: str, reading: Reading) -> dict[str, Any] | None:
    """The row that a person's message is; None for one that says nothing."""
    text = text_of(message)
    if not is_persons(message) or not text:
        return None
    answered = message.get("referenced_message")
    row: dict[str, Any] = {
        "source": SOURCE,
        "source_event_id": f"message:{message['id']}",
        "captured_at": message["timestamp"],
        "input": "",
        "output": text,
        **_by(message.get("author") or {}, reading),
    }
    context = _context(message, channel, message.get("author") or {}, reading)
    if isinstance(answered, Mapping):
        row["output"], row["comment"] = text_of(answered), text
        context["answers"] = str(answered.get("id"))
    row["context"] = context
    return row


def row_of_reaction(
    message: Message, channel: str, emoji: str, user: Mapping[str, Any], reading: Reading
) -> dict[str, Any]:
    """The row that one person's reaction to a message is. Discord does not tell when it was given."""
    return {
        "source": SOURCE,
        "source_event_id": f"reaction:{message['id']}:{user['id']}:{emoji}",
        "input": "",
        "output": text_of(message),
        "score": reading.score(emoji),
        "score_raw": {"emoji": emoji},
        **_by(user, reading),
        "context": _context(message, channel, user, reading),
    }


def emoji_of(reaction: Mapping[str, Any]) -> str:
    """`👍`, or `name:id` for an emoji of a server's own."""
    emoji = reaction.get("emoji") or {}
    return f"{emoji.get('name')}:{emoji['id']}" if emoji.get("id") else str(emoji.get("name") or "")


def _by(user: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    return {"author": reading.people.of(str(user["id"]))} if user.get("id") else {}


def _context(message: Message, channel: str, user: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    context = {"channel": channel, "message": str(message["id"])}
    if reading.names and user.get("username"):
        context["name"] = str(user.get("global_name") or user["username"])
    return context


def _list(value: Any) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
