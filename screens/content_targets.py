"""The targets of a draft as the publish dialog lists them: ticked or not, and what stands there."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

from widgets.figures import count
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit

if TYPE_CHECKING:
    from app.content.model import Publication
    from app.content.outgoing import Delivered

STATES = {
    "scheduled": ("○", "$info"),
    "leased": ("◐", "$accent"),
    "sending": ("◐", "$accent"),
    "sent": ("✓", "$success"),
    "failed_transient": ("⚠", "$warning"),
    "failed_permanent": ("✗", "$error"),
    "unknown": ("⚠", "$error"),
    "missed": ("⚠", "$error"),
    "cancelled": ("·", "$text-muted"),
    "deleted": ("·", "$text-muted"),
}
WORDS = {
    "leased": "sending",
    "failed_transient": "tried again",
    "failed_permanent": "failed",
    "unknown": "unknown",
    "deleted": "taken back",
}
"""How states are told that are not told by their names."""
ASKING = ("unknown", "missed", "failed_permanent")
"""States in which nothing goes on by itself."""
WAITING = ("scheduled", "failed_transient")
UNDER_WAY = ("leased", "sending")


def possible(sent: Publication | None) -> tuple[tuple[str, str], ...]:
    """The keys that do something with a delivery, and what."""
    if sent is None:
        return ()
    if sent.state == "sent":
        return (("e", "changes it there"), ("D", "takes it back"))
    if sent.state == "unknown":
        return (("y", "it did arrive"), ("r", "sends it again"), ("d", "lets it go"))
    if sent.state in ASKING:
        return (("r", "sends it now"), ("d", "lets it go"))
    return (("d", "does not send it"),) if sent.state in WAITING else ()


class TargetList(RowList):
    """Targets, each ticked or not, with what was found."""

    def __init__(self, kinds: Mapping[str, str], ticked: Iterable[str]) -> None:
        super().__init__()
        self.kinds = dict(kinds)
        self.ticked = {name for name in ticked if name in kinds}
        self.problems: dict[str, int | None] = dict.fromkeys(kinds)
        self.last: dict[str, Delivered] = {}

    def signature(self, row: str) -> Hashable:
        """All that a line shows."""
        last = self.last.get(row)
        return row in self.ticked, self.problems[row], last and (last.publication.state, last.differs)

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`[✓] chat            discord  ✓ sent` or, of what cannot be sent, `✗2`."""
        wrong, last = self.problems[row], self.last.get(row)
        side = 14
        if wrong:
            state = (f"✗ {count(wrong, 'problem')}", "$error")
        elif last is not None and last.publication.state not in ("cancelled", "deleted"):
            sign, tone = STATES[last.publication.state]
            told = WORDS.get(last.publication.state, last.publication.state)
            state = ("● differs", "$warning") if last.differs else (f"{sign} {told}", tone)
        else:
            state = ("", "")
        room = max(width - 12 - side, 4)
        return (
            ("[✓] " if row in self.ticked else "[ ] ", "$accent"),
            (fit(clean_line(row, 60), room), "bold"),
            (f" {fit(self.kinds[row], 7)} ", "$text-muted"),
            (fit(state[0], side), state[1]),
        )
