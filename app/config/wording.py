"""Turns what the validator found into a sentence: what was expected, what is there, and how to write it."""

from __future__ import annotations

import datetime
import difflib
import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from pydantic_core import ErrorDetails

from app.config.positions import KeyPath
from app.config.shape import Shape, dotted, leaves, shape_at

LONGEST = 40
"""Characters shown of a value."""

_EXPECTED = {
    "text": "a string",
    "secret": "a string",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "texts": "a list of strings",
    "named texts": "a table of strings",
    "table": "a table",
    "tables": "a list of tables",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_COMMAND_LINES = ("command", "args")
_LEADING_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:[a-zA-Z]{0,8})\s*")

_SAMPLES = {"name": '"trading"', "path": '"~/code/trading"', "url": '"mysql://user@localhost/quarterdeck"'}


def sentence(error: ErrorDetails) -> str:
    """What is wrong with one value."""
    path: KeyPath = error["loc"]
    value = error.get("input")
    shape = shape_at(path)
    if error["type"] == "extra_forbidden":
        return unknown(path)
    if error["type"] == "missing":
        return f"missing; write {_sample(path, shape)}"
    if error["type"] == "value_error":
        text = str(error.get("ctx", {}).get("error", error["msg"]))
        return text if shape is None or shape.kind in ("secret", "named texts") else _got_inside(text, value)
    if error["type"] in _BOUNDS:
        words, bound = _BOUNDS[error["type"]]
        limit = error["ctx"][bound]
        default = f"; the default is {shown_value(shape.default)}" if shape and shape.default is not None else ""
        return f"expected {words} {shown_value(limit)}, got {shown_value(value)}{default}"
    if shape is None:
        return f"{error['msg']}, got {shown_value(value)}"
    return wrong(path, shape, value)


def wrong(path: KeyPath, shape: Shape, value: Any) -> str:
    """The value is of another type than the one that belongs there, or none of the choices."""
    if shape.kind == "choice":
        return _not_a_choice(shape, value)
    got = type_name(value) if shape.kind == "secret" else shown_value(value)
    return f"expected {_EXPECTED[shape.kind]}, got {got}; {_how(path, shape, value)}"


def unknown(path: KeyPath) -> str:
    """No such key; names the nearest one that there is, here or in another table."""
    name, table = str(path[-1]), path[:-1]
    around = shape_at(table)
    here = list(around.table.model_fields) if around and around.table else []
    near = difflib.get_close_matches(name, here, n=1, cutoff=0.6)
    if near:
        return f"unknown key; did you mean {dotted((*table, near[0]))}?"
    elsewhere = [dotted(leaf) for leaf, _ in leaves() if leaf[-1] == name]
    if elsewhere:
        return f"unknown key; did you mean {elsewhere[0]}?"
    return f"unknown key; known {'here' if table else 'tables'}: {', '.join(here)}"


def shown_value(value: Any) -> str:
    """A value as TOML writes it, short and on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, SecretStr):
        return '""' if not value.get_secret_value() else type_name(value)
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(element, Mapping) for element in value):
            return type_name(value)
        parts = [shown_value(element) for element in value[:3]]
        return f"[{', '.join([*parts, '…'] if len(value) > 3 else parts)}]"
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return repr(value) if len(repr(value)) <= LONGEST else f"{repr(value)[:LONGEST]}…"
    return type_name(value)


def type_name(value: Any) -> str:
    """What a value is, without showing it."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        tables = bool(value) and all(isinstance(element, Mapping) for element in value)
        return "a list of tables" if tables else "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, (datetime.date, datetime.time)):
        return "a date or time"
    return "a string"


def _how(path: KeyPath, shape: Shape, value: Any) -> str:
    written = _as_words(path, shape, value) or _converted(shape, value)
    if written:
        return f"write {written}"
    name = dotted(path)
    if shape.kind == "table":
        if len(path) == 2 and isinstance(path[1], int):
            return f"write [[{path[0]}]] on a line of its own, and the keys below it"
        return f"write [{name}] on a line of its own, and the keys below it"
    if shape.kind == "tables":
        return f"write [[{name}]] on a line of its own, and the keys of one below it"
    if shape.kind == "named texts":
        return f'write [{_header(path)}] on a line of its own, and lines such as name = "value" below it'
    if shape.kind == "texts":
        return 'for instance ["first", "second"]'
    return f"for instance {_sample(path, shape)}"


def _as_words(path: KeyPath, shape: Shape, value: Any) -> str:
    """The words of a command line, where a list of them belongs: a program of that whole name is not meant."""
    if path[-1] not in _COMMAND_LINES or shape.kind != "texts" or not isinstance(value, str):
        return ""
    try:
        words = shlex.split(value)
    except ValueError:
        return ""
    return f"[{', '.join(_quoted(word) for word in words)}]" if words else ""


def _header(path: KeyPath) -> str:
    """The name of a table as its header has it: without the numbers of the lists it stands in."""
    return dotted(tuple(part for part in path if isinstance(part, str)))


def _converted(shape: Shape, value: Any) -> str:
    """The same meaning in the type that belongs there, where that is plain."""
    if shape.kind == "texts" and isinstance(value, str):
        return f"[{_quoted(value)}]"
    if shape.kind == "text":
        if isinstance(value, (bool, int, float, datetime.date, datetime.time)):
            return f'"{shown_value(value)}"'
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
            return _quoted(value[0])
    if shape.kind in ("whole", "number"):
        number = _number(value)
        if number is not None and (shape.kind == "number" or number == int(number)):
            return repr(float(number) if shape.kind == "number" else int(number))
    if shape.kind == "flag" and not isinstance(value, (list, Mapping)):
        word = str(value).strip().lower()
        return "true" if word in _YES else "false" if word in _NO else ""
    return ""


def _number(value: Any) -> float | None:
    if isinstance(value, float):
        return value if value - value == 0 else None
    match = _LEADING_NUMBER.fullmatch(value) if isinstance(value, str) else None
    return float(match[1]) if match else None


def _not_a_choice(shape: Shape, value: Any) -> str:
    *others, last = (_quoted(choice) for choice in shape.choices)
    text = f"expected {', '.join(others)} or {last}, got {shown_value(value)}"
    folded = {choice.casefold(): choice for choice in shape.choices}
    near = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.6) if isinstance(value, str) else []
    return (
        f"{text}; did you mean {_quoted(folded[near[0]])}?"
        if near
        else f"{text}; the default is {_quoted(shape.default)}"
    )


def _sample(path: KeyPath, shape: Shape | None) -> str:
    """`poll_s = 1.0`: the key with a value that is right."""
    name = str(path[-1])
    value = _SAMPLES.get(name) or (shown_value(shape.default) if shape is not None else "")
    return f"{name} = {value}"


def _got_inside(text: str, value: Any) -> str:
    expected, separator, advice = text.partition("; ")
    return f"{expected}, got {shown_value(value)}{separator}{advice}"


def _quoted(text: str) -> str:
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}"
        for character in json.dumps(short, ensure_ascii=False)
    )
