"""What the receiver remembers of the rows it took lately, so that a repetition is known while the database is away."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

REMEMBERED = 50_000

Name = TypeVar("Name", bound=Hashable)
Known = TypeVar("Known")


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A row that is kept: its id, and the hash that tells whether another one with the same key has other content."""

    id: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What came under an idempotency key: the hash of the body, and the id that was answered. `quarantined`: the row of
    this id had other content."""

    body_hash: str
    id: str
    quarantined: bool = False

    @classmethod
    def read(cls, body_hash: str, answer: Mapping[str, Any]) -> KnownKey:
        """From what is kept of it."""
        return cls(body_hash, str(answer["id"]), bool(answer.get("quarantined")))

    def answer(self) -> dict[str, Any]:
        """What of it is kept beside the hash."""
        return {"id": self.id, **({"quarantined": True} if self.quarantined else {})}


class Recent(Generic[Name, Known]):
    """The latest entries; the oldest are forgotten beyond `most`."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._entries: OrderedDict[Name, Known] = OrderedDict()

    def get(self, name: Name) -> Known | None:
        """What is known, if it is."""
        return self._entries.get(name)

    def add(self, name: Name, known: Known) -> None:
        """Remember; what was there under this name is replaced."""
        self._entries[name] = known
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def drop(self, name: Name) -> None:
        """Forget."""
        self._entries.pop(name, None)
