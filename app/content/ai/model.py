"""What the AI part speaks of: endpoints, what is sent to them, what they reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["openai", "anthropic", "ollama"]
Action = Literal["draft", "rewrite", "shorten", "tone", "titles", "continue"]
Outcome = Literal["complete", "partial", "stopped", "failed"]
Role = Literal["user", "assistant"]

ACTIONS: tuple[Action, ...] = ("draft", "rewrite", "shorten", "tone", "titles", "continue")


@dataclass(frozen=True, slots=True)
class Profile:
    """An endpoint, and how it is asked. Prices are for a million tokens; None where nobody told them."""

    name: str
    kind: Kind
    url: str
    model: str
    key: str = field(default="", repr=False)
    max_tokens: int = 4096
    length_field: str = "max_tokens"
    temperature: float | None = None
    price_in: Decimal | None = None
    price_out: Decimal | None = None
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, in its three parts; empty ones are left out."""

    system: str
    user: str
    context: str = ""

    @property
    def asked(self) -> str:
        """The message of the user: the context before what is to be done with it."""
        return f"{self.context}\n\n{self.user}" if self.context else self.user


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation behind the system prompt."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire. `headers` hold the key; `shown` does not."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any]

    @property
    def shown(self) -> Mapping[str, str]:
        """The headers with the key left out."""
        secret = {"authorization": "Bearer ***", "x-api-key": "***"}
        return {name: secret.get(name, value) for name, value in self.headers.items()}


@dataclass(slots=True)
class Reply:
    """What has come of a reply so far; it is filled while it is read, so that nothing of it is lost.

    `why` tells what is wrong with a reply that is not complete. Tokens are estimated where the endpoint told none.
    """

    text: str = ""
    outcome: Outcome = "failed"
    why: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    estimated: bool = False
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was made, as it is recorded."""

    profile: str
    model: str
    action: Action
    outcome: Outcome
    tokens_in: int | None
    tokens_out: int | None
    estimated: bool
    cost: Decimal | None
    duration_s: float
    draft_id: str | None = None
