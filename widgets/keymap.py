"""Which key does what: the rebinding of `[keys]`, its clashes and misspellings, and how keys are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from textual.binding import Binding, InvalidBinding
from textual.keys import format_key

SHARED_SCOPES = frozenset({"app", "list"})
"""Scopes that are in force together with every area's own keys."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One action that a key can be bound to. The part of `id` before the first dot is its scope."""

    id: str
    keys: tuple[str, ...]
    description: str
    tooltip: str = ""

    @property
    def scope(self) -> str:
        """Where the key is in force: `app` everywhere, an area's id in that area."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A keymap that Textual can use, and what was wrong with the one in the configuration."""

    keymap: Mapping[str, str]
    problems: tuple[str, ...] = ()


def split_keys(keys: str) -> tuple[str, ...]:
    """The keys of `"j,down"`, each in Textual's spelling; an empty one raises ValueError."""
    try:
        return tuple(binding.key for binding in Binding.make_bindings([Binding(keys, "")]))
    except InvalidBinding as error:
        raise ValueError(str(error)) from error


def key_label(key: str) -> str:
    """A key as people write it: `ctrl+p`, `?`, `↓`."""
    *modifiers, last = key.split("+")
    return "+".join((*modifiers, last if last == "enter" else format_key(last)))


def infos(bindings: Iterable[Binding]) -> list[KeyInfo]:
    """One KeyInfo per binding id, keys joined, in order of first appearance."""
    found: dict[str, KeyInfo] = {}
    for binding in bindings:
        if not binding.id:
            continue
        keys = split_keys(binding.key)
        known = found.get(binding.id)
        if known is not None:
            keys = tuple(dict.fromkeys((*known.keys, *keys)))
        found[binding.id] = KeyInfo(binding.id, keys, binding.description, binding.tooltip)
    return list(found.values())


def _overlap(one: str, other: str) -> bool:
    return one == other or one in SHARED_SCOPES or other in SHARED_SCOPES


def resolve(overrides: Mapping[str, str], known: Iterable[KeyInfo]) -> Resolved:
    """Apply `[keys]` to the known actions.

    A key that another action of the same scope holds already stays with that action; actions that are not rebound come
    first, then the rebound ones in the order of the configuration.
    """
    actions = {info.id: info for info in known}
    problems: list[str] = []
    held = {info.id: info.keys for info in actions.values() if info.id not in overrides}
    keymap: dict[str, str] = {}
    for action, text in overrides.items():
        info = actions.get(action)
        if info is None:
            near = get_close_matches(action, actions, 1)
            problems.append(f"keys.{action}: no such action" + (f"; did you mean {near[0]}?" if near else ""))
            continue
        try:
            wanted = split_keys(text)
        except ValueError:
            problems.append(f"keys.{action}: {text!r} names no key")
            held[action] = info.keys
            continue
        kept: list[str] = []
        for key in wanted:
            holder = _holder(key, info, held)
            if holder:
                problems.append(f"keys.{action}: {key_label(key)} is already {holder}")
            else:
                kept.append(key)
        if not kept:
            kept = [key for key in info.keys if not _holder(key, info, held)]
        held[action] = tuple(kept)
        if kept and tuple(kept) != info.keys:
            keymap[action] = ",".join(kept)
    return Resolved(keymap, tuple(problems))


def _holder(key: str, info: KeyInfo, held: Mapping[str, tuple[str, ...]]) -> str:
    """The action that has this key where `info` would use it."""
    for action, keys in held.items():
        if key in keys and action != info.id and _overlap(info.scope, action.partition(".")[0]):
            return action
    return ""
