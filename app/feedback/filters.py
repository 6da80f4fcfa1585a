"""The filter language of screens and commands: `model:v3 score:<0 tag:tone -text:"late fill" before:2026-11-01`.

A filter is a list of terms, all of which a row must fulfil. A term is `field:value`, or a bare word, which is searched
for in input, output and comment. `-` before a term turns it round; `a,b` is a or b; quotes hold a value together; a
name that ends in `*` stands for all that begin so. Times without a zone are the machine's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from app.errors import UserError
from app.feedback.model import STATE_OF, STATES, VERDICTS, State

LONGEST = 4000
"""Characters of a filter."""
TERMS = 64
TIMES = "write 2026-11-01, 2026-11-01T14:30, 2026-11-01T14:30Z, today, yesterday or 7d"

Kind = Literal["name", "choice", "number", "time", "text"]
HAS = ("author", "comment", "context", "correction", "decision", "model", "note", "score", "tags", "uncertainty")


@dataclass(frozen=True, slots=True)
class Field:
    """What can stand before a colon. `choices` are the only values of a choice; numbers lie between the limits."""

    kind: Kind
    about: str
    choices: tuple[str, ...] = ()
    limits: tuple[float, float] = (-1.0, 1.0)


FIELDS: Mapping[str, Field] = {
    "state": Field("choice", "waiting, accepted, rejected or skipped", STATES),
    "verdict": Field("choice", "the decision that holds", VERDICTS),
    "source": Field("name", "where it came from"),
    "model": Field("name", "name or version of the model"),
    "version": Field("name", "version of the model"),
    "prompt": Field("name", "version of the prompt"),
    "tag": Field("name", "a tag that the row has now"),
    "score": Field("number", "from -1 (bad) to 1 (good), such as <0, 0.5, -1..0"),
    "before": Field("time", "captured before, such as 2026-11-01, today, 7d"),
    "after": Field("time", "captured then or later"),
    "decided_before": Field("time", "decided before"),
    "decided_after": Field("time", "decided then or later"),
    "text": Field("text", "in input, output or comment"),
    "input": Field("text", "in the input"),
    "output": Field("text", "in the output"),
    "comment": Field("text", "in the comment"),
    "author": Field("name", "who gave it"),
    "reviewer": Field("name", "who made the decision that holds"),
    "has": Field("choice", "what is there at all", HAS),
    "uncertainty": Field("number", "from 0 (sure) to 1", limits=(0.0, 1.0)),
    "channel": Field("name", "channel of its source"),
    "run": Field("name", "run id of its context"),
    "language": Field("name", "language of its context"),
    "event": Field("name", "event id of its source"),
    "id": Field("name", "id of the row"),
}
ALIASES: Mapping[str, str] = {
    "model_version": "version",
    "prompt_version": "prompt",
    "source_event_id": "event",
    "tags": "tag",
    "run_id": "run",
}
"""The contract's names of fields that are shorter here."""


@dataclass(frozen=True, slots=True)
class Word:
    """A value; `open`: what begins with it."""

    text: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """One of these."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of numbers; None is no bound on that side."""

    low: float | None = None
    high: float | None = None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `test` is Bounds for a number, a moment for a time, else Words."""

    field: str
    test: Words | Bounds | datetime
    negated: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.negated else ''}{self.field}:{_shown(self.test)}"


@dataclass(frozen=True, slots=True)
class Filter:
    """What was asked for. As text it is the same filter in full: parsing it gives this one again."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def states(self) -> tuple[State, ...]:
        """The states that its rows can be in."""
        left = list(STATES)
        for term in self.terms:
            if term.field in {"state", "verdict"} and isinstance(term.test, Words):
                given = {word.text for word in term.test.words}
                named = {state for verdict, state in STATE_OF.items() if verdict in given} | given
                left = [state for state in left if (state in named) != term.negated]
        return tuple(left)


class FilterError(UserError):
    """A filter that cannot be understood; `position` is the place of the first character of what is wrong, from 0."""

    def __init__(self, what: str, position: int, *, fix: str = "") -> None:
        super().__init__(what, where=f"filter, character {position + 1}", fix=fix)
        self.position = position


def parse(text: str, now: datetime | None = None) -> Filter:
    """Read a filter; blank text is one that every row fulfils. `now` is what `today` and `7d` count from. Raises
    FilterError."""
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST:,} characters", LONGEST, fix="make it shorter")
    if odd := _UNKEPT.search(text):
        raise FilterError("this is no character", odd.start(), fix="write it in UTF-8")
    return Filter(tuple(_Reader(text, now or datetime.now(UTC)).terms()))


def suggestions(text: str) -> list[str]:
    """What the last word of `text` could become: fields, and values of fields that have few."""
    head, _, last = text.rpartition(" ")
    sign = "-" if last.startswith("-") else ""
    name, colon, value = last[len(sign) :].partition(":")
    if colon:
        field = FIELDS.get(ALIASES.get(name, name))
        before, comma, begun = value.rpartition(",")
        found = [f"{name}:{before}{comma}{each}" for each in (field.choices if field else ()) if each.startswith(begun)]
    else:
        found = [f"{each}:" for each in FIELDS if each.startswith(name)]
    return [f"{head} {sign}{each}" if head else f"{sign}{each}" for each in found]


_UNKEPT = re.compile("[\ud800-\udfff]")
"""Halves of characters, such as bytes that are no UTF-8 become: no row holds them, and no database takes them."""
_NAME = re.compile(r"([A-Za-z_]+):")
_BARE = re.compile(r'[^\s",]+')
_BARE_WORD = re.compile(r'[^\s"]+')
_NUMBER = r"[-\u2212+]?(?:\d+(?:\.\d*)?|\.\d+)"
_SIDE = re.compile(rf"(<=|>=|<|>|=|)({_NUMBER})")
_BETWEEN = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?")
_UNIT = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Reader:
    def __init__(self, text: str, now: datetime) -> None:
        self.text, self.at, self.now = text, 0, now

    def terms(self) -> Iterator[Term]:
        count = 0
        while self._skip():
            count += 1
            if count > TERMS:
                raise FilterError(f"a filter has at most {TERMS} terms", self.at, fix="leave some out")
            yield self._term()
            if self.at < len(self.text) and not self.text[self.at].isspace():
                raise FilterError("a space is missing here", self.at, fix="put the whole value in quotes")

    def _skip(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _term(self) -> Term:
        start = self.at
        negated = self.text[self.at] == "-"
        self.at += negated
        if negated and (self.at == len(self.text) or self.text[self.at].isspace()):
            raise FilterError("`-` stands alone", start, fix="write it right before what must not be, as in -tag:tone")
        named = _NAME.match(self.text, self.at)
        if named is None:
            return Term("text", Words((self._word(_BARE_WORD),)), negated)
        given = named.group(1).lower()
        name = ALIASES.get(given, given)
        if name not in FIELDS:
            near = difflib.get_close_matches(name, (*FIELDS, *ALIASES), n=1)
            hint = f"did you mean `{near[0]}:`" if near else f"there are {', '.join(FIELDS)}"
            raise FilterError(
                f"there is no field `{named.group(1)}`", self.at, fix=f"{hint}; text with a colon goes in quotes"
            )
        self.at = named.end()
        return self._tested(name, FIELDS[name], negated)

    def _tested(self, name: str, field: Field, negated: bool) -> Term:
        if self.at == len(self.text) or self.text[self.at].isspace():
            raise FilterError(f"`{name}:` needs a value", self.at, fix=f"it is {field.about}")
        if field.kind in {"number", "time"}:
            start = self.at
            value = self._word(_BARE_WORD).text
            if field.kind == "time":
                return Term(name, moment(value, self.now, start), negated)
            if value.lower() == "none":
                return Term("has", Words((Word(name),)), not negated)
            return Term(name, _bounds(name, field, value, start), negated)
        words = [self._value(name, field)]
        while self.at < len(self.text) and self.text[self.at] == ",":
            self.at += 1
            words.append(self._value(name, field))
        return Term(name, Words(tuple(dict.fromkeys(words))), negated)

    def _value(self, name: str, field: Field) -> Word:
        start = self.at
        quoted = self.text.startswith('"', self.at)
        word = self._word(_BARE)
        if field.kind == "text":
            return word
        if field.kind == "choice":
            value = word.text.lower()
            if value not in field.choices:
                near = difflib.get_close_matches(value, field.choices, n=1)
                hint = f"did you mean `{near[0]}`" if near else f"it is one of {', '.join(field.choices)}"
                raise FilterError(f"`{name}:` knows no `{word.text}`", start, fix=hint)
            return Word(value)
        text = " ".join(word.text.split())
        follows = self.text[self.at : self.at + 1] == "*"
        if quoted and follows:
            self.at += 1
        begins = follows if quoted else text.endswith("*")
        if begins and not quoted:
            text = text[:-1]
        if not text:
            raise FilterError(
                f"`{name}:` needs a value", start, fix=f"it is {field.about}" + ("; `has:` asks for any" * begins)
            )
        return Word(text, begins)

    def _word(self, bare: re.Pattern[str]) -> Word:
        """A value in quotes or without; `at` stands behind it afterwards."""
        start = self.at
        if not self.text.startswith('"', start):
            found = bare.match(self.text, start)
            if found is None:
                raise FilterError("a value is missing here", start, fix='an empty place between commas is none; `""`')
            self.at = found.end()
            if self.text.startswith('"', self.at):
                raise FilterError("a quote in the middle of a value", self.at, fix="put the whole value in quotes")
            return Word(found.group())
        self.at = start + 1
        letters: list[str] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == '"':
                if not letters:
                    raise FilterError("there is nothing between the quotes", start, fix="write a value")
                return Word("".join(letters))
            if sign == "\\" and self.text[self.at : self.at + 1] in {'"', "\\"}:
                sign = self.text[self.at]
                self.at += 1
            letters.append(sign)
        raise FilterError("this quote has no end", start, fix='close it with `"`')


def moment(text: str, now: datetime | None = None, position: int = 0) -> datetime:
    """What a time means: `2026-11-01`, `today`, `7d`. Raises FilterError, which names the position."""
    now = now or datetime.now(UTC)
    today = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        if ago := _AGO.fullmatch(text):
            return (now - timedelta(**{_UNIT[ago[2]]: int(ago[1])})).astimezone(UTC)
        if text.lower() in {"today", "yesterday"}:
            return (today - timedelta(days=text.lower() == "yesterday")).astimezone(UTC)
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FilterError(f"`{text}` is no time", position, fix=TIMES)


def _bounds(name: str, field: Field, value: str, start: int) -> Bounds:
    if between := _BETWEEN.fullmatch(value):
        bounds = Bounds(_number(between[1]), _number(between[2]))
        if bounds.low is not None and bounds.high is not None and bounds.low > bounds.high:
            raise FilterError(f"`{value}` has its ends the wrong way round", start, fix="the lower one comes first")
    elif side := _SIDE.fullmatch(value):
        sign, number = side[1], _number(side[2])
        bounds = {
            "<": Bounds(high=number, with_high=False),
            "<=": Bounds(high=number),
            ">": Bounds(low=number, with_low=False),
            ">=": Bounds(low=number),
        }.get(sign, Bounds(number, number))
    else:
        raise FilterError(f"`{value}` is no number or range", start, fix=f"`{name}:` is {field.about}")
    least, most = field.limits
    for end in (bounds.low, bounds.high):
        if end is not None and not least <= end <= most:
            raise FilterError(f"`{name}:` runs from {least:g} to {most:g}", start, fix=f"it is {field.about}")
    return bounds


def _number(text: str) -> float:
    # Zero has two signs, and nobody means the other one.
    return float(text.replace("\u2212", "-")) or 0.0


def _shown(test: Words | Bounds | datetime) -> str:
    if isinstance(test, datetime):
        return test.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(test, Words):
        return ",".join(map(_quoted, test.words))
    if test.low is None:
        return f"{'<=' if test.with_high else '<'}{_plain(test.high)}"
    if test.high is None:
        return f"{'>=' if test.with_low else '>'}{_plain(test.low)}"
    return _plain(test.low) if test.low == test.high else f"{_plain(test.low)}..{_plain(test.high)}"


def _plain(number: float | None) -> str:
    """With all digits, and without an exponent, which the language does not know."""
    return format(Decimal(repr(number)), "f")


def _quoted(word: Word) -> str:
    star = "*" if word.open else ""
    if _BARE.fullmatch(word.text) and not word.text.endswith("*"):
        return word.text + star
    escaped = word.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"{star}'
