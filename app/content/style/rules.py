"""The rules in force: those that are shipped, with what the configuration changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from app.content.style.emoji import plain
from app.content.style.model import EVERY, SEVERITIES, Fix, Kind, Options, Rule, Scope, Style
from app.errors import UserError

USING: Mapping[str, frozenset[str]] = {
    "replace": frozenset({"", "dash", "ellipsis", "heading-case", "thousands"}),
    "ban": frozenset({""}),
    "limit": frozenset({"emoji", "emoji-list", "exclamation", "sentence", "depth"}),
    "require": frozenset({"front-matter", "sign-off"}),
    "tone": frozenset({""}),
}
"""What the rules of each kind can use of the engine."""

_KINDS: tuple[Kind, ...] = get_args(Kind)
_FIXES: tuple[Fix, ...] = get_args(Fix)
_SCOPES: tuple[Scope, ...] = get_args(Scope)
_FIELDS = {field.name for field in fields(Rule)}
_PLACES = {"count": 0, "most": 0, "missing": ""}
"""What a message may have in braces."""


def style(options: Options, template: str = "", target: str = "") -> Style:
    """The style for texts of a template and for a target. Raises `UserError` for a rule that makes no sense."""
    rules = shipped()
    for number, table in enumerate(options.rules):
        rule = _changed(rules, table, f"content.style.rules[{number}]")
        rules = {**rules, rule.id: rule}
    _switch(rules, options.on, options.off, options.severity, "content.style")
    own = sum(1 for override in options.overrides if override.where)
    for number, override in enumerate(options.overrides, -own):
        where = override.where or f"content.style.overrides[{number}]"
        chosen = dict(rules)
        _switch(chosen, override.on, override.off, override.severity, where)
        if override.template in ("", template) and override.target in ("", target):
            rules = chosen
    return Style(
        rules=tuple(rule for rule in rules.values() if rule.on),
        dash=options.dash,
        ellipsis=options.ellipsis,
        emoji=frozenset(map(plain, options.emoji)),
        quotes=options.quotes,
    )


@cache
def _shipped() -> dict[str, Rule]:
    place = files("templates").joinpath("content", "style.toml")
    tables = tomllib.loads(place.read_text("utf-8"))["rules"]
    return {rule.id: rule for table in tables for rule in [_checked(_rule({}, table), "style.toml")]}


def shipped() -> dict[str, Rule]:
    """The house style, by id."""
    return dict(_shipped())


def _changed(rules: Mapping[str, Rule], table: Mapping[str, Any], where: str) -> Rule:
    known = rules.get(str(table.get("id", "")))
    missing = [] if known else [name for name in ("id", "kind", "message") if not table.get(name)]
    if missing:
        raise UserError(
            f"a rule of your own needs {' and '.join(missing)}",
            where=where,
            fix="write it, or give the id of a shipped rule to change that one",
        )
    start = {field: getattr(known, field) for field in _FIELDS} if known else {}
    return _checked(_rule(start, table), where)


def _rule(start: Mapping[str, Any], table: Mapping[str, Any]) -> Rule:
    values = {**start, **table}
    for name in ("scope", "words", "allowed", "keys"):
        if name in values:
            values[name] = tuple(values[name])
    return Rule(**{name: value for name, value in values.items() if name in _FIELDS})


def _checked(rule: Rule, where: str) -> Rule:
    for name, value, known in (
        ("kind", rule.kind, _KINDS),
        ("severity", rule.severity, SEVERITIES),
        ("fix", rule.fix, _FIXES),
        *(("scope", scope, _SCOPES) for scope in rule.scope),
    ):
        if value not in known:
            raise UserError(f'rule "{rule.id}": no {name} "{value}"', where=where, fix=f"one of: {', '.join(known)}")
    if rule.using not in USING[rule.kind]:
        names = ", ".join(sorted(USING[rule.kind] - {""})) or "nothing"
        raise UserError(
            f'rule "{rule.id}": using = "{rule.using}" is not known', where=where, fix=f"{rule.kind}: {names}"
        )
    if not (rule.using or rule.pattern or rule.swap or rule.words):
        raise UserError(f'rule "{rule.id}" says nothing', where=where, fix="give it a pattern, words or swap")
    if rule.kind == "tone" and rule.fix == "safe":
        raise UserError(f'rule "{rule.id}": tone is never put right by itself', where=where, fix='fix = "suggest"')
    try:
        pattern = re.compile(rule.pattern)
        # A replacement is read only with something to replace.
        if rule.replacement is not None:
            re.compile(rule.pattern + "|").sub(rule.replacement, "")
    except (re.error, IndexError, RecursionError, OverflowError) as error:
        raise UserError(
            f'rule "{rule.id}": no regular expression ({error})', where=where, fix="mend the pattern"
        ) from None
    if rule.pattern and rule.kind != "require" and pattern.match(""):
        raise UserError(
            f'rule "{rule.id}": its pattern fits nothing at all', where=where, fix="make it need a character"
        )
    try:
        rule.message.format(**_PLACES)
    except (KeyError, IndexError, ValueError, AttributeError):
        names = ", ".join(f"{{{name}}}" for name in _PLACES)
        raise UserError(
            f'rule "{rule.id}": unknown braces in its message', where=where, fix=f"known: {names}"
        ) from None
    return rule


def _switch(
    rules: dict[str, Rule], on: Iterable[str], off: Iterable[str], severity: Mapping[str, str], where: str
) -> None:
    """Switch rules and set severities, in place."""
    for way, names in (("on", on), ("off", off)):
        for name in names:
            for key in rules if name == EVERY else [_known(rules, name, f"{where}.{way}")]:
                rules[key] = replace(rules[key], on=way == "on")
    for name, value in severity.items():
        if value not in SEVERITIES:
            raise UserError(f'no severity "{value}"', where=f"{where}.severity", fix=f"one of: {', '.join(SEVERITIES)}")
        rules[_known(rules, name, f"{where}.severity")] = replace(rules[name], severity=value)


def _known(rules: Mapping[str, Rule], name: str, where: str) -> str:
    if name not in rules:
        import difflib

        near = difflib.get_close_matches(name, rules, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(rules)}"
        raise UserError(f'no rule "{name}"', where=where, fix=hint)
    return name
