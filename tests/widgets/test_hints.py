"""Hints name the keys that are in force."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from widgets import hints

ROWS = (("a,slash", "accept", "accept", "Accept", "Accept it"), ("escape", "back", "back", "Back", "Leave"))


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    hints.bindings("trial", ROWS)
    yield
    hints.rebind({})


def test_the_default_while_nothing_is_rebound() -> None:
    assert hints.key("trial", "a") == "a"


def test_a_rebound_key_is_named_by_its_first_key() -> None:
    hints.rebind({"trial.accept": "ctrl+y,plus", "trial.back": "backspace"})
    assert hints.key("trial", "a") == "ctrl+y"
    assert hints.key("trial", "/") == "ctrl+y"
    assert hints.key("trial", "esc") == "⌫"


def test_what_is_not_rebound_or_not_known_stays() -> None:
    hints.rebind({"trial.accept": "plus"})
    assert hints.key("trial", "esc") == "esc"
    assert hints.key("elsewhere", "a") == "a"
