"""Pictures of the Git screen in each state, at a large, a middle and a small size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import UserError
from tests.git_fake_service import FakeGit
from tests.git_fakes import (
    DUBIOUS,
    broken,
    cut_short,
    journal,
    many_branches,
    many_repositories,
    small,
    trading,
    workshop,
)
from tests.screens.git_host import Host, settled

LARGE, MIDDLE, SMALL = (160, 48), (100, 30), (80, 24)
Made = Callable[[], FakeGit]


def every(**more: Any) -> Made:
    return lambda: FakeGit.of(*workshop(), **more)


def refused() -> FakeGit:
    git = FakeGit.of(*workshop())
    git.outcome = UserError("the server refused main: protected branch", where="origin", fix="push to a branch instead")
    return git


def held_up() -> FakeGit:
    git = FakeGit.of(trading())
    git.gate = asyncio.Event()
    return git


STATES: dict[str, tuple[Made, tuple[str, ...]]] = {
    "empty": (lambda: FakeGit.of(), ()),
    "full": (every(), ()),
    "one": (lambda: FakeGit.of(trading()), ()),
    "reading": (lambda: FakeGit.of(trading(branches=(), problems=(), changes=None, counted=False, read_at=0.0)), ()),
    "many_repositories": (lambda: FakeGit.of(*many_repositories()), ("h", "j")),
    "many_branches": (lambda: FakeGit.of(many_branches()), ("ctrl+d",)),
    "commits": (every(), ("enter", "j", "j")),
    "dubious": (lambda: FakeGit.of(DUBIOUS, small("api")), ()),
    "gone": (lambda: FakeGit.of(broken("usb-stick", "the folder is not there any more"), small("api")), ("h",)),
    "unborn": (lambda: FakeGit.of(workshop()[5]), ()),
    "detached": (lambda: FakeGit.of(workshop()[4]), ()),
    "bare": (lambda: FakeGit.of(workshop()[6]), ()),
    "credentials": (lambda: FakeGit.of(workshop()[10]), ("h",)),
    "filtered": (every(), ("slash", *"gone")),
    "no_match": (every(), ("slash", *"zzz", "enter")),
    "marked": (every(), ("space", "space", "space")),
    "prune": (every(), ("P",)),
    "align": (every(), ("L",)),
    "performing": (held_up, ("P", "enter")),
    "done": (every(), ("P", "enter")),
    "refused": (refused, ("P", "enter")),
    "journal": (every(operations=journal()), ("J", "j")),
    "operation": (every(operations=journal()), ("J", "enter")),
    "cut_short": (every(cut=(cut_short(),)), ()),
    "hygiene": (every(), ("A",)),
    "hooks": (every(), ("H",)),
    "broadcast": (every(), ("b",)),
    "new": (every(), ("n", *"fix", "tab", *"OPS-9", "tab", *"slow fills")),
    "rename": (every(), ("m", "backspace")),
}
IN_THE_MIDDLE = ("full", "prune", "commits")
LIGHT = ("full", "prune")


def press(keys: tuple[str, ...]) -> Callable[[Any], Any]:
    async def before(pilot: Any) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return before


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["160x48", "80x24"])
@pytest.mark.parametrize("name", STATES)
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(made()), terminal_size=size, run_before=press(keys))


@pytest.mark.parametrize("name", IN_THE_MIDDLE)
def test_picture_at_a_middle_size(name: str, snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(made()), terminal_size=MIDDLE, run_before=press(keys))


@pytest.mark.parametrize("name", LIGHT)
def test_picture_in_light_colours(name: str, snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(made(), theme="quarterdeck-light"), terminal_size=LARGE, run_before=press(keys))
