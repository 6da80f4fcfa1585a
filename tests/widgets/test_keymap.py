"""Rebinding: what clashes, what is misspelt, what stays."""

from __future__ import annotations

import pytest

from widgets.keymap import KeyInfo, key_label, resolve, split_keys

KNOWN = (
    KeyInfo("app.quit", ("q",), "Quit"),
    KeyInfo("app.help", ("question_mark",), "Keys"),
    KeyInfo("list.down", ("j", "down"), "Down"),
    KeyInfo("tests.rerun", ("r",), "Rerun"),
    KeyInfo("tests.stop", ("x",), "Stop"),
    KeyInfo("git.switch", ("c",), "Switch"),
)


def test_a_free_key_is_taken() -> None:
    assert resolve({"app.help": "f1,h"}, KNOWN).keymap == {"app.help": "f1,h"}


def test_two_keys_can_change_places() -> None:
    resolved = resolve({"tests.rerun": "x", "tests.stop": "r"}, KNOWN)
    assert resolved.keymap == {"tests.rerun": "x", "tests.stop": "r"}
    assert resolved.problems == ()


@pytest.mark.parametrize(
    ("action", "key", "holder"),
    [("tests.rerun", "x", "tests.stop"), ("tests.rerun", "q", "app.quit"), ("app.help", "j", "list.down")],
)
def test_the_earlier_action_keeps_a_key(action: str, key: str, holder: str) -> None:
    resolved = resolve({action: key}, KNOWN)
    assert resolved.keymap == {}
    assert resolved.problems == (f"keys.{action}: {key} is already {holder}",)


def test_areas_do_not_disturb_each_other() -> None:
    assert resolve({"tests.rerun": "c"}, KNOWN).problems == ()


def test_of_several_keys_the_free_ones_stay() -> None:
    assert resolve({"tests.rerun": "x,f5"}, KNOWN).keymap == {"tests.rerun": "f5"}


def test_of_two_rebound_actions_the_first_in_the_file_keeps_the_key() -> None:
    resolved = resolve({"tests.stop": "f5", "tests.rerun": "f5"}, KNOWN)
    assert resolved.keymap == {"tests.stop": "f5"}
    assert resolved.problems == ("keys.tests.rerun: f5 is already tests.stop",)


def test_a_misspelt_action_is_named_with_its_neighbour() -> None:
    assert resolve({"test.rerun": "f5"}, KNOWN).problems == (
        "keys.test.rerun: no such action; did you mean tests.rerun?",
    )


def test_an_empty_key_is_refused() -> None:
    resolved = resolve({"tests.rerun": ","}, KNOWN)
    assert resolved.keymap == {}
    assert resolved.problems == ("keys.tests.rerun: ',' names no key",)


def test_keys_are_written_as_people_write_them() -> None:
    assert [key_label(key) for key in split_keys("?,ctrl+p,down,escape")] == ["?", "ctrl+p", "↓", "esc"]
