"""The targets of a draft as the publish dialog lists them: ticked or not, and what stands there."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widgets.figures import count, moment, wall_clock
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
SHORT = {
    "changes it there": "changes",
    "takes it back": "takes back",
    "it did arrive": "arrived",
    "sends it again": "again",
    "sends it now": "again",
    "lets it go": "drops",
    "does not send it": "drops",
}
"""What keys do, where there is little room."""
ASKING = ("unknown", "missed", "failed_permanent")
"""States in which nothing goes on by itself."""
WAITING = ("scheduled", "failed_transient")
UNDER_WAY = ("leased", "sending")


FAILING = ("failed_transient", *ASKING)
"""States that are told in the dialog where they came about."""
_BAD_FIRST = ("failed_permanent", "unknown", "missed", "failed_transient", "leased", "sending", "scheduled")


def words_of(sent: Publication, at: str = "at ") -> str:
    """The state of a delivery, such as `sent` or `again at 18:38`."""
    if sent.state == "failed_transient" and sent.again_at is not None:
        return f"again {at}{moment(sent.again_at.timestamp(), wall_clock())}"
    return WORDS.get(sent.state, sent.state)


def last_of(found: Iterable[Publication]) -> dict[str, Publication]:
    """What counts of each target, of deliveries of which the last comes first.

    What is cancelled or taken back counts only where there is nothing else.
    """
    ordered = sorted(found, key=lambda each: each.state in ("cancelled", "deleted"))
    return {each.target: each for each in reversed(ordered)}


def told_of(found: Sequence[Publication]) -> tuple[str, str]:
    """`◐ chat sending, site sent`, with the sign of the worst and what is said of it; and the colour."""
    if not found:
        return "· nothing is on its way", "$text-muted"
    ranks = {state: rank for rank, state in enumerate(_BAD_FIRST)}
    worst = min(found, key=lambda each: (ranks.get(each.state, len(ranks)), not each.error))
    sign, tone = ("⚠", "$warning") if worst.state == "sent" and worst.error else STATES[worst.state]
    said = ", ".join(f"{clean_line(each.target, 60)} {words_of(each)}" for each in found)
    more = worst.error if worst.state not in ("cancelled", "deleted") else ""
    return f"{sign} {said}" + (f": {more}" if more else ""), tone


@dataclass(frozen=True, slots=True)
class Told:
    """Targets whose deliveries the line below tells of, as they go on; and how a change of the clocks was decided."""

    names: tuple[str, ...]
    clocks: str = ""

    def words(self, found: Sequence[Publication]) -> str:
        """What to say, given what is known of the draft's deliveries, the last first."""
        last = last_of(found)
        said, _ = told_of([last[name] for name in self.names if name in last])
        return f"{said}; {self.clocks}" if self.clocks else said


def marks_of(found: Iterable[Publication]) -> list[Hashable]:
    """What of deliveries changes by itself."""
    return [(each.id, each.state, each.parts_sent, each.error, each.again_at) for each in found]


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


def keys_of(sent: Publication | None, room: int) -> list[tuple[str, str]]:
    """The keys of the dialog, in few words where there is little room."""
    done = possible(sent)
    for each in (done, [(key, SHORT[about]) for key, about in done]):
        pairs = [("space", "ticks"), ("enter", "publishes"), *each, ("esc", "leaves")]
        if sum(len(key) + len(about) + 3 for key, about in pairs) <= room:
            break
    return pairs


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
        state = last and (last.publication.state, last.publication.again_at, last.differs)
        return row in self.ticked, self.problems[row], state

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`[✓] chat            discord  ✓ sent` or, of what cannot be sent, `✗2`."""
        wrong, last = self.problems[row], self.last.get(row)
        side = 14
        if wrong:
            state = (f"✗ {count(wrong, 'problem')}", "$error")
        elif last is not None and last.publication.state not in ("cancelled", "deleted"):
            sign, tone = STATES[last.publication.state]
            told = words_of(last.publication, at="")
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
