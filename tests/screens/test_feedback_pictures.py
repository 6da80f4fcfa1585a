"""Pictures of the Feedback screen in each state, at a large and a small size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.feedback.model import Counts
from tests.feedback_fakes import FakeFeedback, FakeQuarantine, refused
from tests.retrain_fakes import FakeRetrain, evaluated, run
from tests.screens.feedback_host import Host, settled

LARGE, SMALL = (160, 48), (80, 24)


def from_row(number: int) -> FakeFeedback:
    service = FakeFeedback.of()
    service.waiting = service.waiting[number:]
    return service


def with_retrain() -> FakeFeedback:
    runs = [run(1), run(9, state="failed", error="the command failed with exit code 3", result=None)]
    return FakeFeedback.of(retrain=FakeRetrain((evaluated(),), runs))


DENIED = (
    "Discord's channel 1009876543210987654: /channels/1009876543210987654/messages: Discord answered 403: Missing "
    "Access; let the bot view the channel and read its message history"
)


def with_refused() -> FakeFeedback:
    return FakeFeedback.of(quarantine=FakeQuarantine([refused(n) for n in range(7)]))


STATES: dict[str, tuple[Callable[[], FakeFeedback], tuple[str, ...]]] = {
    "prose": (FakeFeedback.of, ()),
    "json": (lambda: from_row(1), ()),
    "markdown": (lambda: from_row(2), ()),
    "table": (lambda: from_row(3), ()),
    "diff": (lambda: from_row(4), ()),
    "hostile": (lambda: from_row(5), ()),
    "long": (lambda: from_row(6), ()),
    "under_way": (FakeFeedback.of, ("a", "x", "4")),
    "empty": (lambda: FakeFeedback.of(0), ()),
    "none_fulfils": (lambda: FakeFeedback.of(0, filter="model:v9"), ()),
    "looking": (lambda: FakeFeedback.of(0, reading=True), ()),
    "away": (lambda: FakeFeedback.of(12, up=False, problem="no server answers at 127.0.0.1:3306"), ()),
    "away_and_empty": (lambda: FakeFeedback.of(0, up=False, problem="no server answers at 127.0.0.1:3306"), ()),
    "not_kept": (lambda: FakeFeedback.of(problem="a decision could not be kept: no space left"), ()),
    "list": (FakeFeedback.of, ("v", "j", "space")),
    "filtered": (lambda: FakeFeedback.of(12, filter="score:<0 model:support", all_here=True), ()),
    "none_listed": (lambda: FakeFeedback.of(filter="model:v9", fits_none="model:v9"), ("v",)),
    "alike": (FakeFeedback.of, ("b",)),
    "tags": (FakeFeedback.of, ("t", *", sp")),
    "note": (FakeFeedback.of, ("o", *"too late")),
    "correction": (FakeFeedback.of, ("e", *"No: ")),
    "corrected": (FakeFeedback.of, ("e", *"No: ", "ctrl+s", "2")),
    "figures": (FakeFeedback.of, ("S",)),
    "filter": (FakeFeedback.of, ("slash",)),
    "first": (lambda: FakeFeedback.of(0, counts=Counts()), ()),
    "claimed": (lambda: FakeFeedback.of(0, counts=Counts(7, 812, 96, 20)), ()),
    "quarantine": (with_refused, ("Q", "j", "space")),
    "mend": (with_refused, ("Q", "e")),
    "nothing_refused": (FakeFeedback.of, ("Q",)),
    "sources": (lambda: FakeFeedback.of(sources=(DENIED,)), ("S",)),
    "retrain_below": (with_retrain, ()),
    "retrain": (with_retrain, ("T",)),
}


def press(keys: tuple[str, ...]) -> Callable[[Any], Any]:
    async def before(pilot: Any) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        if keys[:1] == ("e",):
            await pilot.pause(0.3)

    return before


@pytest.fixture(autouse=True)
def coloured_code() -> None:
    """The lexer is loaded in the background: before or after the picture would be chance."""
    from widgets import source

    source.warm()


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["160x48", "80x24"])
@pytest.mark.parametrize("name", STATES)
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(made()), terminal_size=size, run_before=press(keys))


@pytest.mark.parametrize("name", ["prose", "json"])
def test_picture_in_light_colours(name: str, snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(made(), theme="quarterdeck-light"), terminal_size=LARGE, run_before=press(keys))
