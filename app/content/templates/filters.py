"""The filters that templates have: those of Jinja that cannot grow, and some of our own within bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import wraps
from types import GeneratorType
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.exceptions import FilterArgumentError
from jinja2.runtime import Context

from app.content.templates.guard import Guard, weight
from app.git.broadcast import count_of, md

PLAIN = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby", "int"),
    *("items", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select"),
    *("selectattr", "sort", "string", "title", "truncate", "unique", "upper", "urlencode", "wordcount"),
)
OF_LISTS = frozenset(
    {
        *("count", "d", "default", "dictsort", "first", "groupby", "items", "join", "last", "length", "list", "map"),
        *("max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "sum", "unique"),
    }
)
"""What takes lists as lists; all others make a text of one first."""
COMPARING = frozenset({"dictsort", "groupby", "max", "min", "sort", "unique"})
WIDEST_INDENT = 40
LONGEST_MARKS = 100
"""Characters of what is searched from the end or stripped: their number counts for each character of the text."""
MOST_DIGITS = 15
_LAZY = (GeneratorType, map, filter, zip, reversed)


def allowed(known: Mapping[str, Callable[..., Any]], guard: Guard) -> dict[str, Callable[..., Any]]:
    """The filters by their names; what they take and make is charged."""
    own: dict[str, Callable[..., Any]] = {
        "count_of": count_of,
        "day": day,
        "indent": indent,
        "join": _join(guard, known["map"]),
        "json": as_json,
        "md": md,
        "replace": _replace(guard),
        "round": rounded,
        "sum": _sum(known["map"]),
        "trim": trim,
    }
    plain = {name: known[name] for name in PLAIN}
    return {name: _charged(name, function, guard) for name, function in {**plain, **own}.items()}


def _charged(name: str, function: Callable[..., Any], guard: Guard) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()):
            _taken(name, arg, guard)
        made = function(*args, **kwargs)
        if isinstance(made, _LAZY):
            made = _all(made, guard)
        elif not isinstance(made, (str, int, float, list, tuple, dict, type(None), Undefined)):
            made = list(made)
        return made if isinstance(made, Undefined) else guard.made(made)

    return call


def _taken(name: str, arg: Any, guard: Guard) -> None:
    if isinstance(arg, str):
        guard.spend(len(arg))
    elif isinstance(arg, (list, tuple, dict)):
        elements, characters = weight(arg)
        guard.spend(elements + (characters if name in COMPARING else 0))
        if name not in OF_LISTS:
            guard.printed(arg)


def _all(lazy: Any, guard: Guard) -> list[Any]:
    made = []
    for element in lazy:
        guard.spend()
        made.append(element)
    return made


def day(value: Any, form: str = "%-d %B %Y") -> str:
    """A date or moment, written as `form` says: 21 November 2026."""
    if not value:
        return ""
    try:
        return (datetime if len(str(value)) > 10 else date).fromisoformat(str(value)).strftime(form[:100])
    except ValueError:
        raise FilterArgumentError(f"{str(value)[:40]!r} is no date") from None


def indent(text: str, width: int = 4, first: bool = False) -> str:
    """Every line but the first (or that, too) moved to the right by up to 40 places."""
    if not 0 <= width <= WIDEST_INDENT:
        raise FilterArgumentError(f"indent takes 0 to {WIDEST_INDENT} places")
    space = " " * width
    moved = "\n".join(space + line if line else line for line in str(text).split("\n"))
    return moved if first else moved[len(space) if str(text) and str(text)[0] != "\n" else 0 :]


def trim(text: Any, chars: str | None = None) -> str:
    """The text without spaces, or these characters, at both ends."""
    marks(chars)
    return str(text).strip(chars)


def marks(given: Any) -> None:
    """Refuse what is too long to be looked for at each place of a text."""
    if isinstance(given, str) and len(given) > LONGEST_MARKS:
        raise FilterArgumentError(f"up to {LONGEST_MARKS} characters can be stripped or looked for from the end")


def as_json(value: Any) -> str:
    """The value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def rounded(value: Any, digits: int = 0) -> Any:
    """A number, rounded half to even; a whole one without digits."""
    if abs(digits) > MOST_DIGITS:
        raise FilterArgumentError(f"round takes up to {MOST_DIGITS} digits")
    if isinstance(value, Undefined):
        return value
    return round(float(value), digits) if digits > 0 else round(float(value))


def joined(guard: Guard, parts: Iterable[Any], between: str) -> str:
    """The parts as one text; its length is charged before it is made."""
    texts = []
    for part in parts:
        guard.printed(part)
        texts.append(str(part))
    guard.room(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def replaced_length(text: str, old: str, new: str) -> int:
    """The length of the text that `replace` would make, at most."""
    return len(text) + text.count(old) * len(new)


def _join(guard: Guard, each: Callable[..., Any]) -> Callable[..., str]:
    @pass_context
    def join(context: Context, value: Any, d: str = "", attribute: str | None = None) -> str:
        parts = value if attribute is None else each(context, value, attribute=attribute)
        return joined(guard, parts, str(d))

    return join


def _sum(each: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def total(context: Context, value: Any, attribute: str | None = None, start: float = 0) -> Any:
        parts = value if attribute is None else each(context, value, attribute=attribute)
        found = start
        for part in parts:
            if not isinstance(part, (int, float)):
                raise FilterArgumentError("sum adds numbers")
            found += part
        return found

    return total


def _replace(guard: Guard) -> Callable[..., str]:
    def replace(value: Any, old: str, new: str) -> str:
        text = str(value)
        guard.room(replaced_length(text, str(old), str(new)))
        return text.replace(str(old), str(new))

    return replace
