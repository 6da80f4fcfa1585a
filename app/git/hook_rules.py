"""The rules as a hook reads them: from the configuration file and the environment, in milliseconds.

Standard library only. What is wrong falls back to its default and is told, so that a typing error in a configuration
neither stops every push nor passes unseen. The defaults repeat those of `app.config.model`, and a test compares them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.config.given import LARGEST, given, json_table, json_value
from app.config.lookup import locate, shown


class Checked(NamedTuple):
    """The part of `app.git.model.Rules` that hooks check, under the same names."""

    pattern: str = ""
    examples: tuple[str, ...] = ()
    protected: tuple[str, ...] = ("main", "master")
    exempt: tuple[str, ...] = ()
    large_file_mb: float = 5.0


class Broadcasting(NamedTuple):
    """`[git.broadcast]`: where summaries go by themselves, of what, and with which templates."""

    to: tuple[str, ...] = ()
    events: tuple[str, ...] = ("push", "merge", "tag")
    branches: tuple[str, ...] = ("**",)
    templates: str = ""


class HookRules(NamedTuple):
    """What a hook needs of the configuration."""

    rules: Checked = Checked()
    broadcasting: Broadcasting = Broadcasting()
    default_branch: str = ""
    """What `[[repositories]]` names for the repository at hand; empty if it names none."""
    config: Path | None = None
    """The file that was read; None when there is none."""
    notes: tuple[str, ...] = ()
    """What is wrong with the configuration."""


def read(top: Path, config: Path | None = None, environ: Mapping[str, str] = os.environ) -> HookRules:
    """The rules for the repository whose working tree is `top`."""
    located = locate(config, environ)
    notes: list[str] = []
    values = _file(located.path, bool(located.named), notes)
    git = _nested(given(values or {}, environ, "git"), ("naming", "broadcast"))
    naming, broadcast = git["naming"], git["broadcast"]
    reader = _Reader(shown(located.path), notes)
    plain = Checked()
    rules = Checked(
        pattern=reader.pattern(naming.get("pattern", "")),
        examples=reader.texts("git.naming.examples", naming.get("examples"), ()),
        exempt=reader.texts("git.naming.exempt", naming.get("exempt"), ()),
        protected=reader.texts("git.protected", git.get("protected"), plain.protected),
        large_file_mb=reader.number("git.large_file_mb", git.get("large_file_mb"), plain.large_file_mb),
    )
    usual = Broadcasting()
    templates = broadcast.get("templates", "")
    broadcasting = Broadcasting(
        to=reader.texts("git.broadcast.to", broadcast.get("to"), ()),
        events=reader.texts("git.broadcast.events", broadcast.get("events"), usual.events),
        branches=reader.texts("git.broadcast.branches", broadcast.get("branches"), usual.branches),
        templates=templates if isinstance(templates, str) else "",
    )
    default = _default_branch(values or {}, top, located.path.parent)
    return HookRules(rules, broadcasting, default, located.path if values is not None else None, tuple(notes))


class _Reader:
    """Takes values that are right, and notes what is wrong."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self._name, self._notes = name, notes

    def texts(self, key: str, value: object, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of strings; from the environment as JSON."""
        if value is None:
            return default
        if isinstance(value, str):
            value = json_value(value)
        if isinstance(value, list) and all(isinstance(element, str) for element in value):
            return tuple(value)
        self._wrong(key, "a list of strings")
        return default

    def number(self, key: str, value: object, default: float) -> float:
        """A number above zero."""
        if value is None:
            return default
        try:
            number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
        except ValueError:
            number = 0.0
        if number > 0 and number - number == 0:
            return number
        self._wrong(key, "a number")
        return default

    def pattern(self, value: object) -> str:
        """A regular expression."""
        if isinstance(value, str):
            try:
                re.compile(value)
            except (re.error, RecursionError, OverflowError):
                value = None
        if isinstance(value, str):
            return value
        self._wrong("git.naming.pattern", "a regular expression, so names are not checked")
        return ""

    def _wrong(self, key: str, expected: str) -> None:
        self._notes.append(f"{self._name}: {key} is not {expected}; see `qd config check`")


def _file(path: Path, named: bool, notes: list[str]) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        if named or not isinstance(error, FileNotFoundError):
            notes.append(f"{shown(path)} cannot be read ({error.strerror}), so only the default rules hold")
        return None
    import tomllib

    try:
        if len(raw) <= LARGEST:
            return tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        pass
    notes.append(f"{shown(path)} is no valid configuration, so only the default rules hold; see `qd config check`")
    return {}


def _nested(table: Mapping[str, Any], inner: tuple[str, ...]) -> dict[str, Any]:
    """Variables such as `naming__pattern` put into the tables that they belong to."""
    merged: dict[str, Any] = {}
    for name in inner:
        found = table.get(name)
        if isinstance(found, str):
            found = json_table(found)
        merged[name] = dict(found) if isinstance(found, dict) else {}
    for name, value in table.items():
        head, separator, rest = name.partition("__")
        if separator and head in inner:
            merged[head][rest] = value
        elif name not in inner:
            merged[name] = value
    return merged


def _default_branch(values: Mapping[str, Any], top: Path, base: Path) -> str:
    entries = values.get("repositories")
    here = os.path.realpath(top)
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        path, branch = entry.get("path"), entry.get("default_branch")
        if isinstance(path, str) and isinstance(branch, str) and "\0" not in path:
            folder = os.path.realpath(base / os.path.expanduser(path))  # noqa: PTH111 - `~name` of nobody must not raise
            if folder == here:
                return branch
    return ""
