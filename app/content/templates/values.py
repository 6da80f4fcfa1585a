"""Answers to the fields of a template: checked, all mistakes told at once, and filled up with defaults."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.content.model import ContextPart, Template, TemplateField
from app.content.templates.fill import Text, data_of, fill_texts
from app.errors import UserError

LONGEST = 500
"""Characters of a text; a long one may have as many as a draft."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
YES, NO = ("yes", "true", "on", "1", "y"), ("no", "false", "off", "0", "n")
EMPTY: Mapping[str, Any] = {
    "text": "", "long": "", "number": None, "date": "", "choice": "", "multi": [], "toggle": False,
}  # fmt: skip


class AnswerError(ValueError):
    """An answer that does not fit its field; `fix` says what would."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def checked(field: TemplateField, given: Any) -> Any:
    """The answer as its field keeps it: text, number, day as YYYY-MM-DD, list of choices, flag. Raises AnswerError."""
    if field.kind == "toggle":
        return _toggle(given)
    if field.kind == "multi":
        return _multi(field, given)
    if field.kind == "number":
        return _number(given)
    if isinstance(given, (list, dict, bool)) or given is None:
        raise AnswerError("this is no text", "write one")
    text = str(given).replace("\r\n", "\n").strip("\n" if field.kind == "long" else None)
    if field.kind == "date":
        return _date(text)
    if field.kind == "choice":
        return _choice(field, text)
    if field.kind == "text":
        if "\n" in text:
            raise AnswerError("the text has several lines", "write it on one")
        if len(text) > LONGEST:
            raise AnswerError(f"the text has {len(text):,} characters", f"at most {LONGEST} fit")
    return text


def complete(
    template: Template, given: Mapping[str, Any], defaults: Mapping[str, Any], *, wanted: bool = True
) -> dict[str, Any]:
    """An answer for each field: as given, else the default, else empty.

    Raises UserError that tells all answers that do not fit, and with `wanted` those that are missing.
    """
    problems = _unknown(template, given)
    values: dict[str, Any] = {}
    missing: list[str] = []
    for field in template.fields:
        value = given.get(field.name)
        if value is None:
            value = defaults.get(field.name)
        try:
            values[field.name] = EMPTY[field.kind] if value in (None, "") else checked(field, value)
        except AnswerError as problem:
            problems.append(f"{field.name}: {problem}, {problem.fix}")
            continue
        if field.required and values[field.name] in (None, "", []):
            missing.append(field.name)
    if missing and wanted:
        problems.append(f"no answer to: {', '.join(missing)}")
    if problems:
        fix = f"give them, such as --set {missing[0]}=…" if missing and wanted else "correct the answers"
        raise UserError("; ".join(problems), where=f"template {template.id}", fix=fix)
    return values


def defaults_of(
    template: Template, context: Mapping[str, ContextPart], remembered: Mapping[str, Any], *, asked: bool
) -> dict[str, Any]:
    """What each field begins with: its default, filled from the context where it is computed, else the last answer.

    Where nobody is `asked`, an earlier answer does not stand in for one that is required. Defaults that do not fit
    are left out. Raises UserError for a template that is wrong.
    """
    texts = {field.name: Text(str(field.default), field.line) for field in template.fields if computed(field)}
    filled = fill_texts(template, texts, data_of(template, {}, context), no_data="") if texts else {}
    found: dict[str, Any] = {}
    for field in template.fields:
        value = filled[field.name].strip() if field.name in filled else field.default
        if remembers(field) and (asked or not field.required):
            value = remembered.get(field.name, value)
        try:
            if value not in (None, "", []):
                found[field.name] = checked(field, value)
        except AnswerError:
            continue
    return found


def computed(field: TemplateField) -> bool:
    """Whether the default is filled from the context."""
    return isinstance(field.default, str) and ("{{" in field.default or "{%" in field.default)


def remembers(field: TemplateField) -> bool:
    """Whether the last answer is the next default: not for days, for long texts, and for what the context tells."""
    return field.kind not in ("date", "long") and not computed(field)


def _unknown(template: Template, given: Mapping[str, Any]) -> list[str]:
    known = [field.name for field in template.fields]
    problems = []
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            problems.append(f"{name[:40]}: there is no such field, {hint}")
    return problems


def _toggle(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).strip().casefold()
    if word not in YES + NO:
        raise AnswerError(f"{word[:40]!r} is neither yes nor no", "write yes or no")
    return word in YES


def _number(given: Any) -> int | float:
    if isinstance(given, (list, dict, bool)) or given is None:
        raise AnswerError("this is no number", "write one such as 12 or 0.5")
    text = str(given).strip()
    try:
        found = int(text)
        if abs(found) < 1 << 63:
            return found
    except ValueError:
        pass
    try:
        point = float(text)
    except ValueError:
        point = math.nan
    if not math.isfinite(point):
        raise AnswerError(f"{text[:40]!r} is no number", "write one such as 12 or 0.5")
    return point


def _date(text: str) -> str:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise AnswerError(f"{text[:40]!r} is no date", "write it as 2026-11-21") from None


def _choice(field: TemplateField, text: str) -> str:
    for choice in field.choices:
        if choice.casefold() == text.casefold():
            return choice
    raise AnswerError(f"{text[:40]!r} is not to choose", f"one of: {', '.join(field.choices)}")


def _multi(field: TemplateField, given: Any) -> list[str]:
    if isinstance(given, dict):
        raise AnswerError("this is no list", "write one, two")
    parts = given if isinstance(given, (list, tuple)) else str(given).split(",")
    chosen = [_choice(field, str(part).strip()) for part in parts if str(part).strip()]
    return [choice for choice in field.choices if choice in chosen]
