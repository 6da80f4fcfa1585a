"""Column maps: rows of other tools made rows of the contract.

A map names for each field of the contract where it is found: paths of keys joined by dots, of which the first that
holds something is taken. `*` stands for every element of a list. What no path took is kept in `context`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from app.errors import UserError
from app.feedback.contract import FeedbackIn
from app.feedback.imports.csv import typed
from app.feedback.model import Violation
from app.feedback.rows import ViolationError

FIELDS = tuple(FeedbackIn.model_fields)
TEXTS = frozenset(FIELDS) - {"score", "score_raw", "tags", "context"}
_EPOCH = re.compile(r"[0-9]{9,}(\.[0-9]+)?")
"""Seconds or milliseconds since 1970, which the contract takes; `fromisoformat` would see years in them. Eight figures
are a day, such as 20260131."""
EXAMPLE = '[map]\ninput = "fields.text"'


@dataclass(frozen=True, slots=True)
class Map:
    """`paths` by field of the contract, in the order in which they are tried.

    `constants` are taken where no path held anything. `scale` is the range of the source's scores, which become -1 to
    1; `scores` are words that stand for scores. `utc`: times without a zone are in UTC. `rest`: what no path took goes
    into `context`.
    """

    paths: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, Any] = field(default_factory=dict)
    scale: tuple[float, float] | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    utc: bool = False
    rest: bool = True


@dataclass(frozen=True, slots=True)
class Conversion:
    """Makes a row of the contract of an object; a value itself, so that another process can have it.

    `cells`: the values are texts of a table, that become numbers, lists and JSON as their field wants it.
    """

    map: Map | None = None
    cells: bool = False

    def __call__(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ViolationError where a value cannot be what its field is."""
        if self.map is not None:
            value = mapped(self.map, value, cells=self.cells)
        return typed(value) if self.cells else value


def mapped(using: Map, value: Mapping[str, Any], *, cells: bool = False) -> dict[str, Any]:
    """The row that `value` stands for; `cells`: tags in one text are left as they are. Raises ViolationError."""
    rest: Any = deepcopy(dict(value))
    row: dict[str, Any] = {}
    for name, paths in using.paths.items():
        for path in paths:
            keys = tuple(path.split("."))
            found = [each for each in _find(value, keys) if each not in (None, "", [], {})]
            if name == "score" and "*" in keys:
                # Among the judgements of many are words that are no scores.
                found = [each for each in found if _stands_for_score(using, each)]
            if found:
                row[name] = found if name == "tags" and len(found) > 1 else found[0]
                _remove(rest, keys)
                break
    for name, constant in using.constants.items():
        row.setdefault(name, constant)
    for name in TEXTS & row.keys():
        row[name] = _text(row[name])
    if "captured_at" in row and using.utc:
        row["captured_at"] = _aware(row["captured_at"])
    if "tags" in row and not (cells and isinstance(row["tags"], str)):
        row["tags"] = _tags(row["tags"])
    if "score" in row:
        row.setdefault("score_raw", row["score"])
        row["score"] = _score(using, row["score"])
    if using.rest and rest:
        given = row.get("context")
        row["context"] = {**rest, **given} if isinstance(given, dict) else rest
    row.setdefault("input", "")
    row.setdefault("output", "")
    return row


def load(path: Path) -> Map:
    """The map in a TOML file. Raises UserError on what is none."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"the map cannot be read: {error.strerror}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"the map is not TOML: {error}", where=str(path), fix=f"write for instance:\n{EXAMPLE}"
        ) from None
    return _checked(found, str(path))


def _checked(found: Mapping[str, Any], where: str) -> Map:
    def wrong(what: str, fix: str) -> UserError:
        return UserError(what, where=where, fix=fix)

    if unknown := set(found) - {"map", "constants", "score", "options"}:
        raise wrong(f"[{min(unknown)}] is no part of a map", "its parts are [map], [constants], [score] and [options]")
    parts = {name: found.get(name, {}) for name in ("map", "constants", "score", "options")}
    if not all(isinstance(part, dict) for part in parts.values()) or not parts["map"]:
        raise wrong("the map has no [map]", f"write for instance:\n{EXAMPLE}")
    for part in ("map", "constants"):
        if unknown := set(parts[part]) - set(FIELDS):
            raise wrong(f"[{part}] {min(unknown)} is no field of the contract", f"its fields are {', '.join(FIELDS)}")
    paths: dict[str, tuple[str, ...]] = {}
    for name, given in parts["map"].items():
        tried = [given] if isinstance(given, str) else given
        if not isinstance(tried, list) or not tried or not all(isinstance(each, str) and each for each in tried):
            raise wrong(f"[map] {name} is no path", 'write "a.b", or a list of such paths')
        paths[name] = tuple(tried)
    score, options = parts["score"], parts["options"]
    low, high, words = score.get("low"), score.get("high"), score.get("words", {})
    scaled = low is not None or high is not None
    if scaled and not (_number(low) and _number(high) and low < high):
        raise wrong("[score] low and high are no range", "give both as numbers, the low one first")
    if not isinstance(words, dict) or not all(map(_number, words.values())) or set(score) - {"low", "high", "words"}:
        raise wrong("[score] is wrong", "it has low and high, or words = { up = 1, down = -1 }")
    if set(options) - {"utc", "rest"} or not all(isinstance(each, bool) for each in options.values()):
        raise wrong("[options] is wrong", "it has utc and rest, each true or false")
    return Map(
        paths,
        parts["constants"],
        (float(low), float(high)) if scaled else None,
        {name.casefold(): float(each) for name, each in words.items()},
        utc=options.get("utc", False),
        rest=options.get("rest", True),
    )


def _find(value: Any, keys: Sequence[str]) -> Iterator[Any]:
    if not keys:
        yield value
    elif keys[0] == "*":
        for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            yield from _find(each, keys[1:])
    elif isinstance(value, Mapping):
        # A table's column may have dots in its name.
        whole = ".".join(keys)
        if whole in value:
            yield value[whole]
        elif keys[0] in value:
            yield from _find(value[keys[0]], keys[1:])
    elif isinstance(value, list) and keys[0].isdecimal() and int(keys[0]) < len(value):
        yield from _find(value[int(keys[0])], keys[1:])


def _remove(value: Any, keys: Sequence[str]) -> None:
    """Take out what a path without a `*` or an index leads to, and objects that are empty then."""
    if not isinstance(value, dict):
        return
    whole = ".".join(keys)
    if whole in value:
        del value[whole]
    elif len(keys) > 1 and isinstance(inner := value.get(keys[0]), dict):
        _remove(inner, keys[1:])
        if not inner:
            del value[keys[0]]


def _text(value: Any) -> Any:
    """Texts stay; what is no text, such as a list of messages, is written as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tags(value: Any) -> Any:
    found: list[str] = []
    waiting = list(value) if isinstance(value, list) else [value]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, list):
            waiting = [*each, *waiting]
        elif isinstance(each, str) or _number(each):
            found.append(str(each))
        else:
            raise ViolationError(Violation("tags", "one is neither text nor a number"))
    return found


def _aware(value: str) -> str:
    if _EPOCH.fullmatch(value):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _stands_for_score(using: Map, value: Any) -> bool:
    """A number, also as text, or one of the map's words."""
    try:
        return _word(value) in using.scores or _number(value) or (isinstance(value, str) and isfinite(float(value)))
    except ValueError:
        return False


def _word(value: Any) -> str:
    return str(value).strip().casefold()


def _score(using: Map, value: Any) -> Any:
    if (word := _word(value)) in using.scores:
        return using.scores[word]
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ViolationError(Violation("score", f"{value[:40]!r} is no number")) from None
    if using.scale is None or not _number(value):
        return value
    low, high = using.scale
    if not low <= value <= high:
        raise ViolationError(
            Violation(
                "score", f"{value} lies outside of the scale of the map, {low:g} to {high:g}; give a map of yours"
            )
        )
    return 2 * (value - low) / (high - low) - 1


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
