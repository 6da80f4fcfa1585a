"""Values from `QUARTERDECK_…__…` variables: `QUARTERDECK_TESTS__POLL_S=2` is `tests.poll_s = 2`.

Lists and tables are written as JSON. A text that does not fit is handed on as it is: the validator then says what was
expected, and the origin names the variable.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config.model import Settings
from app.config.positions import KeyPath
from app.config.problems import Problem
from app.config.shape import Kind, Shape, dotted, shape_at
from app.config.wording import unknown

PREFIX = str(Settings.model_config["env_prefix"])
DELIMITER = str(Settings.model_config["env_nested_delimiter"])

_SAMPLES: Mapping[Kind, str] = {
    "texts": '["first", "second"]',
    "named texts": '{"name": "value"}',
    "table": '{"key": "value"}',
    "tables": '[{"name": "trading", "path": "/code/trading"}]',
}


@dataclass(frozen=True)
class Variables:
    """Each value with the variable it came from, and the variables that mean nothing."""

    values: dict[KeyPath, Any] = field(default_factory=dict)
    names: dict[KeyPath, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def where(name: str) -> str:
    """How messages and origins name a variable."""
    return f"environment {name}"


def read(environ: Mapping[str, str]) -> Variables:
    """What the environment says about the settings."""
    values: dict[KeyPath, Any] = {}
    names: dict[KeyPath, str] = {}
    problems = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        path: KeyPath = tuple(part.lower() for part in name[len(PREFIX) :].split(DELIMITER))
        shape = shape_at(path)
        if shape is None or any(part == "" for part in path) or _inside_texts(path):
            # One word alone is a variable of another kind: QUARTERDECK_CONFIG, QUARTERDECK_HOME.
            if len(path) > 1:
                problems.append(Problem(where(name), "", _unknown(path)))
            continue
        value = _value(shape, environ[name])
        sample = _SAMPLES.get(shape.kind)
        if sample and not isinstance(value, dict if sample.startswith("{") else list):
            problems.append(Problem(where(name), dotted(path), f"expected JSON; write {name}='{sample}'"))
            continue
        values[path] = value
        names[path] = name
    return Variables(values, names, tuple(problems))


def variable(path: KeyPath) -> str:
    """The variable that sets a key."""
    return PREFIX + DELIMITER.join(str(part).upper() for part in path)


def _inside_texts(path: KeyPath) -> bool:
    around = shape_at(path[:-1])
    return around is None or around.kind in ("texts", "named texts")


def _unknown(path: KeyPath) -> str:
    known = max(length for length in range(len(path)) if shape_at(path[:length]) is not None)
    around = shape_at(path[:known])
    if around is not None and around.kind in _SAMPLES and around.kind != "table":
        return f"cannot be set one by one; write {variable(path[:known])}='{_SAMPLES[around.kind]}'"
    if around is not None and around.table is None:
        return f"unknown key; {dotted(path[:known])} is no table"
    text = unknown(path[: known + 1])
    head, separator, meant = text.partition("did you mean ")
    if separator:
        return f"{head}did you mean {variable(tuple(meant.rstrip('?').split('.')))}?"
    return text


def _value(shape: Shape, text: str) -> Any:
    word = text.strip().lower()
    if shape.kind == "flag":
        return {"true": True, "1": True, "yes": True, "on": True}.get(
            word, {"false": False, "0": False, "no": False, "off": False}.get(word, text)
        )
    if shape.kind == "whole":
        return _parsed(int, text)
    if shape.kind == "number":
        number = _parsed(float, text)
        return number if isinstance(number, str) or math.isfinite(number) else text
    if shape.kind in ("texts", "named texts", "table", "tables"):
        return _parsed(json.loads, text)
    return text


def _parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return text
