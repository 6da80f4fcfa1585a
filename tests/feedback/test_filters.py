"""The filter language: what it reads, what it refuses and where, and that it can be written as it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as each
from hypothesis import strategies as some

from app.feedback.filters import (
    FIELDS,
    Bounds,
    Field,
    Filter,
    FilterError,
    Term,
    Word,
    Words,
    parse,
    suggestions,
)

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


def words(*texts: str) -> Words:
    return Words(tuple(Word(text) for text in texts))


READ = {
    "": (),
    "  \t\n": (),
    "model:v3": (Term("model", words("v3")),),
    "score:<0": (Term("score", Bounds(high=0, with_high=False)),),
    "score:>=-.5": (Term("score", Bounds(low=-0.5)),),
    "score:0.25": (Term("score", Bounds(0.25, 0.25)),),
    "score:-1..0": (Term("score", Bounds(-1, 0)),),
    "score:\u22121..-0": (Term("score", Bounds(-1, 0)),),
    "score:none": (Term("has", words("score"), negated=True),),
    "-score:none": (Term("has", words("score")),),
    'text:"late fill"': (Term("text", words("late fill")),),
    "late, fill": (Term("text", words("late,")), Term("text", words("fill"))),
    '-"late fill"': (Term("text", words("late fill"), negated=True),),
    "STATE:Waiting,skipped": (Term("state", words("waiting", "skipped")),),
    "-tag:tone": (Term("tag", words("tone"), negated=True),),
    'tag:"a b",c,c': (Term("tag", words("a b", "c")),),
    "source:disc*": (Term("source", Words((Word("disc", open=True),))),),
    'source:"disc*"': (Term("source", words("disc*")),),
    'source:"a b"*': (Term("source", Words((Word("a b", open=True),))),),
    "model_version:v3": (Term("version", words("v3")),),
    "before:2026-11-01T12:00Z": (Term("before", datetime(2026, 11, 1, 12, tzinfo=UTC)),),
    "after:2026-11-01T12:00:00.5+02:00": (Term("after", datetime(2026, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)),),
    "after:90m": (Term("after", NOW - timedelta(minutes=90)),),
    "12:30": (Term("text", words("12:30")),),
    r'text:"a \"b\" \\ \n"': (Term("text", words('a "b" \\ \\n')),),
    "has:correction": (Term("has", words("correction")),),
}


@pytest.mark.parametrize("text", READ)
def test_reads(text: str) -> None:
    assert parse(text, NOW).terms == READ[text]


def test_days_begin_at_midnight_here() -> None:
    midnight = datetime(2026, 11, 1).astimezone()
    assert parse("before:2026-11-01").terms[0].test == midnight
    today = parse("after:today", NOW).terms[0].test
    assert isinstance(today, datetime)
    local = today.astimezone()
    assert (local.hour, local.minute, local.date()) == (0, 0, NOW.astimezone().date())
    yesterday = parse("after:yesterday", NOW).terms[0].test
    assert isinstance(yesterday, datetime)
    assert yesterday.astimezone().date() == local.date() - timedelta(days=1)


REFUSED = {
    "modle:v3": (0, "there is no field `modle`", "did you mean `model:`; text with a colon goes in quotes"),
    "tag:a  scoer:1": (7, "there is no field `scoer`", "did you mean `score:`; text with a colon goes in quotes"),
    "-modle:v3": (1, "there is no field `modle`", "did you mean `model:`; text with a colon goes in quotes"),
    "state:waitin": (6, "`state:` knows no `waitin`", "did you mean `waiting`"),
    "state:waiting,accept": (14, "`state:` knows no `accept`", "did you mean `accepted`"),
    "score:": (6, "`score:` needs a value", "it is from -1 (bad) to 1 (good), such as <0, 0.5, -1..0"),
    "score:bad": (6, "`bad` is no number or range", "`score:` is from -1 (bad) to 1 (good), such as <0, 0.5, -1..0"),
    "score:<2": (6, "`score:` runs from -1 to 1", "it is from -1 (bad) to 1 (good), such as <0, 0.5, -1..0"),
    "score:1..0": (6, "`1..0` has its ends the wrong way round", "the lower one comes first"),
    "before:2026-13-01": (
        7,
        "`2026-13-01` is no time",
        "write 2026-11-01, 2026-11-01T14:30, 2026-11-01T14:30Z, today, yesterday or 7d",
    ),
    'text:"late fill': (5, "this quote has no end", 'close it with `"`'),
    'text:late" fill"': (9, "a quote in the middle of a value", "put the whole value in quotes"),
    'text:"a"b': (8, "a space is missing here", "put the whole value in quotes"),
    'text:""': (5, "there is nothing between the quotes", "write a value"),
    "tag:a,": (6, "a value is missing here", 'an empty place between commas is none; `""`'),
    "tag:*": (4, "`tag:` needs a value", "it is a tag that the row has now; `has:` asks for any"),
    "a - b": (2, "`-` stands alone", "write it right before what must not be, as in -tag:tone"),
    "before:0001-01-01T00:00+14:00": (
        7,
        "`0001-01-01T00:00+14:00` is no time",
        "write 2026-11-01, 2026-11-01T14:30, 2026-11-01T14:30Z, today, yesterday or 7d",
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refuses_and_says_where(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    position, what, fix = REFUSED[text]
    assert (caught.value.position, caught.value.what, caught.value.fix) == (position, what, fix)
    assert caught.value.where == f"filter, character {position + 1}"


def test_has_an_end() -> None:
    with pytest.raises(FilterError, match="at most 4,000 characters"):
        parse("x" * 4001)
    with pytest.raises(FilterError, match="at most 64 terms"):
        parse("x " * 65)


def test_states_that_are_left() -> None:
    assert parse("").states == ("waiting", "accepted", "rejected", "skipped")
    assert parse("-state:waiting verdict:accept,skip").states == ("accepted", "skipped")
    assert parse("state:waiting verdict:reject").states == ()
    assert parse("-verdict:accept").states == ("waiting", "rejected", "skipped")


def test_suggests_fields_and_values() -> None:
    assert suggestions("st") == ["state:"]
    assert suggestions("tag:tone -sta") == ["tag:tone -state:"]
    assert suggestions("state:waiting,r") == ["state:waiting,rejected"]
    assert suggestions("has:co") == ["has:comment", "has:context", "has:correction"]
    assert suggestions("nothing:x") == []


_ANY = some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_NAMES = _ANY.map(lambda text: " ".join(text.split())).filter(bool)


def _numbers(field: Field) -> some.SearchStrategy[Bounds]:
    least, most = field.limits
    number = some.floats(least, most).map(lambda value: value or 0.0)
    return some.one_of(
        some.builds(Bounds, low=number, with_low=some.booleans()),
        some.builds(Bounds, high=number, with_high=some.booleans()),
        some.tuples(number, number).map(lambda pair: Bounds(min(pair), max(pair))),
    )


def _terms(name: str) -> some.SearchStrategy[Term]:
    field = FIELDS[name]
    test: some.SearchStrategy[object]
    if field.kind == "number":
        test = _numbers(field)
    elif field.kind == "time":
        test = some.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=some.just(UTC))
    else:
        one = {
            "choice": some.sampled_from(field.choices or ("",)).map(Word),
            "name": some.builds(Word, _NAMES, some.booleans()),
            "text": _ANY.map(Word),
        }[field.kind]
        test = some.lists(one, min_size=1, max_size=4, unique=True).map(lambda found: Words(tuple(found)))
    return some.builds(Term, some.just(name), test, some.booleans())  # type: ignore[arg-type]


_FILTERS = some.lists(some.sampled_from(list(FIELDS)).flatmap(_terms), max_size=6).map(lambda t: Filter(tuple(t)))


@each(_FILTERS)
def test_written_and_read_again_it_is_the_same(given: Filter) -> None:
    assert parse(str(given)) == given


@each(some.text(max_size=40) | some.text('abmodelstag:",*-<>.=0123 \\\n', max_size=40))
def test_any_text_is_read_or_refused_within_it(text: str) -> None:
    try:
        found = parse(text, NOW)
    except FilterError as error:
        position = error.position
    else:
        position = 0
        assert parse(str(found), NOW) == found
    assert 0 <= position <= len(text)
