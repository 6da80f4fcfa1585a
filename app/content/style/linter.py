"""Finds what is against the style in a text. What it found in a block is kept, so that a changed text costs little."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.content.style.checks import CHECKS, WHOLE, patterned
from app.content.style.markdown import Block, Document, read
from app.content.style.model import EVERY, Finding, Fix, Report, Rule, Scope, Style
from app.content.style.prose import Hit, Prose
from app.content.style.source import shown
from app.content.style.spans import Masked, Off, jinja, mask
from app.content.style.words import Lexicon

_ORDER = {"error": 0, "warn": 1, "info": 2}
_ENDING = re.compile(r"\n")
_SCOPES: dict[str, Scope] = {"heading": "heading", "cell": "cell", "title": "title"}


@dataclass(frozen=True, slots=True)
class _Checked:
    """What stands in a block, wherever that is."""

    masked: Masked
    hits: tuple[tuple[Rule, Hit], ...]


_Key = tuple[object, ...]


class Linter:
    """Checks texts against one style; for one thread at a time."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._scopes: dict[Scope, tuple[list[Rule], Lexicon]] = {}
        self._known: dict[_Key, _Checked] = {}

    def lint(self, text: str) -> Report:
        """All findings of a text, whose lines all end with `\\n`."""
        document = read(text)
        markers = jinja(text)
        off: Off = frozenset()
        known: dict[_Key, _Checked] = {}
        checked: list[tuple[Block, _Checked]] = []
        references = tuple(document.references)
        for block in document.blocks:
            inside = _within(markers, block, text) if markers else ()
            names = references if "[" in block.content else ()
            key = (block.kind, block.content, block.level, block.item, block.quoted, block.plain, inside, names, off)
            result = known.get(key) or self._known.get(key)
            if result is None:
                result = self._check(block, mask(block, inside, document.references, off))
            known[key] = result
            checked.append((block, result))
            off = result.masked.after
        self._known = known
        found = list(self._findings(document, checked))
        found += self._required(document, checked)
        found.sort(key=lambda one: (one.line, one.column, _ORDER[one.severity], one.rule))
        structure = (*document.structure, *(name for _, one in checked for name in one.masked.structure))
        protected = tuple(piece for _, one in checked for piece in one.masked.protected)
        return Report(tuple(found), structure, protected)

    def _check(self, block: Block, masked: Masked) -> _Checked:
        if block.quoted and not self.style.quotes:
            return _Checked(masked, ())
        scope = _SCOPES.get(block.kind, "body")
        prose = Prose(block, masked)
        hits: list[tuple[Rule, Hit]] = []
        looking, lexicon = self._of(scope)
        for rule in looking:
            found = CHECKS[rule.using](prose, self.style, rule) if rule.using else patterned(prose, rule)
            hits += [(rule, hit) for hit in found]
        hits += lexicon.find(prose)
        if not masked.off:
            return _Checked(masked, tuple(hits))
        kept = [(rule, hit) for rule, hit in hits if not _is_off(rule, hit, masked)]
        return _Checked(masked, tuple(_whole_groups(hits, kept)))

    def _of(self, scope: Scope) -> tuple[list[Rule], Lexicon]:
        """The rules of a scope that look at blocks by themselves, and the words of all of them."""
        if scope not in self._scopes:
            rules = [rule for rule in self.style.rules if "all" in rule.scope or scope in rule.scope]
            looking = [rule for rule in rules if rule.kind != "require" and (rule.using or rule.pattern)]
            self._scopes[scope] = looking, Lexicon(rules)
        return self._scopes[scope]

    def _findings(self, document: Document, checked: list[tuple[Block, _Checked]]) -> Iterator[Finding]:
        counts: dict[str, int] = {}
        groups: dict[tuple[int, str, int], int] = {}
        for number, (block, result) in enumerate(checked):
            for rule, hit in result.hits:
                if rule.using in WHOLE:
                    counts[rule.id] = counts.get(rule.id, 0) + 1
                    if counts[rule.id] <= rule.most:
                        continue
                group = -1 if hit.group < 0 else groups.setdefault((number, rule.id, hit.group), len(groups))
                yield _finding(document, block, rule, hit, group)

    def _required(self, document: Document, checked: list[tuple[Block, _Checked]]) -> Iterator[Finding]:
        for rule in self.style.rules:
            if rule.using == "front-matter":
                front = document.front or ""
                for key in rule.keys:
                    if not re.search(rf"^{re.escape(key)}[ \t]*[:=][ \t]*\S", front, re.MULTILINE):
                        message = rule.message.format(count=0, most=rule.most, missing=key)
                        yield Finding(rule.id, rule.severity, 1, 1, 1, 1, "", message)
            elif rule.using == "sign-off":
                last = next((block for block, _ in reversed(checked) if block.kind not in ("title", "html")), None)
                if last is None or not re.search(rule.pattern, last.content):
                    place = document.line_column(last.place(0) if last else 0)
                    message = rule.message.format(count=0, most=rule.most, missing="")
                    yield Finding(rule.id, rule.severity, *place, *place, "", message)


def _is_off(rule: Rule, hit: Hit, masked: Masked) -> bool:
    return any(
        start < max(hit.end, hit.start + 1) and hit.start < end and (rule.id in names or EVERY in names)
        for start, end, names in masked.off
    )


def _whole_groups(hits: list[tuple[Rule, Hit]], kept: list[tuple[Rule, Hit]]) -> Iterator[tuple[Rule, Hit]]:
    """What was kept; half of a pair is left for the author."""
    had, have = (Counter((rule.id, hit.group) for rule, hit in some) for some in (hits, kept))
    for rule, hit in kept:
        key = (rule.id, hit.group)
        yield rule, Hit(hit.start, hit.end) if hit.group >= 0 and had[key] != have[key] else hit


def _within(markers: list[tuple[int, int]], block: Block, text: str) -> tuple[tuple[int, int], ...]:
    """The markers that reach into a block, in offsets of its content."""
    found = []
    ends = [*(offset - 1 for offset, _ in block.places[1:]), len(block.content)]
    for (offset, place), line_end in zip(block.places, ends, strict=True):
        last = place + line_end - offset
        for start, end in markers[max(0, bisect_left(markers, (place, 0)) - 1) :]:
            if start >= last:
                break
            if end > place:
                found.append((offset + max(0, start - place), offset + min(last, end) - place))
    return tuple(found)


def _finding(document: Document, block: Block, rule: Rule, hit: Hit, group: int) -> Finding:
    start = block.place(hit.start)
    # After a line end the marks of the next line belong to the span: the replacement has them too.
    ends_line = hit.end > hit.start and block.content[hit.end - 1] != "\n"
    end = block.place(hit.end - 1) + 1 if ends_line else block.place(hit.end)
    replacement = None if hit.replacement is None else _in_place(document.text, block, hit)
    fix: Fix = "none" if replacement is None else hit.fix
    if rule.fix != "safe" and fix == "safe":
        fix = rule.fix
    if block.kind == "title" and fix == "safe":
        # Front matter stays as it is until its author says otherwise.
        fix = "suggest"
    if block.plain and replacement is not None:
        replacement = replacement.replace(": ", ", ")
    line, column = document.line_column(start)
    end_line, end_column = document.line_column(end)
    message = rule.message.format(count=hit.count, most=rule.most, missing="")
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        text=shown(document.text[start:end]),
        message=message,
        fix=fix,
        replacement=replacement if fix != "none" else None,
        start=start,
        end=end,
        group=group if fix == "safe" else -1,
    )


def _in_place(text: str, block: Block, hit: Hit) -> str:
    """The replacement as it goes into the text: each line end with the marks of lists and quotes that follow it."""
    parts = (hit.replacement or "").split("\n")
    ends = [match.start() for match in _ENDING.finditer(block.content, hit.start, hit.end)]
    whole = parts[0]
    for part, end in zip(parts[1:], ends, strict=False):
        whole += text[block.place(end) : block.place(end + 1)] + part
    return whole


def lint(text: str, style: Style) -> Report:
    """All findings of one text."""
    return Linter(style).lint(text)


def by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each."""
    counts = dict.fromkeys(_ORDER, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return counts
