"""Whatever JSON comes in is stored and goes out the same, or is quarantined with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from app.feedback import texts
from app.feedback.contract import FeedbackIn
from app.feedback.rows import COLUMNS, FIELDS, Prepared, ViolationError, parse, prepare

NOW = datetime(2026, 3, 10, tzinfo=UTC)
SPACE = st.text(" \t\n\u00a0\u2003", min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.fixed_dictionaries(
    {"source": st.text(min_size=1, max_size=64), "input": st.text(), "output": st.text()},
    optional={
        "source_event_id": st.text(min_size=1, max_size=200),
        "author": st.text(min_size=1, max_size=200),
        "model_version": st.text(min_size=1, max_size=128),
        "comment": st.text(),
        "score": st.floats(-1, 1),
        "score_raw": JSON,
        "tags": st.lists(st.text(min_size=1, max_size=64), max_size=5),
        "context": st.dictionaries(st.text(max_size=8), JSON, max_size=5),
        "captured_at": st.datetimes(datetime(1970, 1, 2), datetime(2026, 3, 9), timezones=st.just(UTC)).map(
            datetime.isoformat
        ),
    },
)
PURE = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters='"\\'), min_size=1, max_size=20)
PURE_ROWS = st.fixed_dictionaries(
    {"source": PURE, "input": PURE, "output": PURE},
    optional={
        "source_event_id": PURE,
        "comment": PURE,
        "tags": st.lists(PURE, max_size=3),
        "context": st.dictionaries(PURE | st.just("channel"), PURE | st.floats(0, 1) | st.none() | st.lists(PURE)),
    },
)
"""Without anything that JSON would escape."""
ANYTHING = JSON | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=6), JSON, max_size=8) | ROWS


def values(row: Prepared) -> dict[str, Any]:
    return dict(zip(COLUMNS, row.values, strict=True))


def once(value: Any) -> Prepared | ViolationError:
    try:
        return prepare(parse(json.dumps(value).encode()), now=NOW, identity="i")
    except ViolationError as error:
        return error


@given(ANYTHING)
def test_every_json_value_is_taken_or_refused_with_a_reason(value: Any) -> None:
    found = once(value)
    if isinstance(found, ViolationError):
        assert found.violation.reason
        return
    kept = values(found)
    for name in ("input", "output", "comment"):
        assert kept[name] == (None if value.get(name) is None else texts.clean(value[name]))
    assert kept["score"] == value.get("score")


@given(ROWS)
def test_what_was_stored_goes_out_and_comes_in_again_as_the_same(value: dict[str, Any]) -> None:
    first = once(value)
    if isinstance(first, ViolationError):
        return
    kept = values(first)
    out = {name: kept[name] for name in FIELDS if name in kept and kept[name] is not None and name != "id"}
    out["captured_at"] = kept["captured_at"] + "+00:00"
    for name in ("tags", "context", "score_raw"):
        if name in out:
            out[name] = json.loads(out[name])
    again = once(out)
    assert isinstance(again, Prepared)
    assert {**values(again), "id": ""} == {**kept, "id": ""}


@given(ROWS | PURE_ROWS, st.booleans())
def test_a_row_is_the_same_whether_each_text_is_looked_at_or_the_line_once(
    value: dict[str, Any], ascii_only: bool
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode(errors="backslashreplace")
    try:
        row = parse(raw)
        at_length = prepare(row, now=NOW, identity="i")
    except ViolationError:
        return
    assert prepare(row, now=NOW, identity="i", pure=texts.is_pure(raw)) == at_length


@given(
    st.datetimes(datetime(1970, 1, 3), datetime(2026, 3, 8), timezones=st.timezones()),
    st.sampled_from([0, 1, 999_999, None]),
)
def test_a_moment_is_stored_as_databases_write_it(moment: datetime, micros: int | None) -> None:
    moment = moment if micros is None else moment.replace(microsecond=micros)
    found = once({"source": "s", "input": "", "output": "", "captured_at": moment.isoformat(timespec="microseconds")})
    # Zones of long ago have offsets with seconds, which the contract does not take.
    if isinstance(found, ViolationError):
        offset = moment.utcoffset()
        assert offset is not None
        assert offset.total_seconds() % 60
        return
    assert values(found)["captured_at"] == f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


@given(st.text(), st.text(), SPACE, SPACE)
def test_hashes_ignore_white_space_and_the_form_of_accents(given_text: str, output: str, one: str, two: str) -> None:
    def hashes(text: str, answer: str) -> tuple[Any, ...]:
        row = values(prepare(FeedbackIn(source="s", input=text, output=answer), now=NOW, identity="i"))
        return row["dedupe_hash"], row["input_hash"], row["unique_key"]

    plain = hashes(f"{given_text} x {output}", output)
    assert hashes(f"{one}{given_text}{two}x{one}{output}{two}", f"{two}{output}{one}") == plain
    decomposed = normalize("NFD", normalize("NFC", given_text))
    assert hashes(f"{decomposed} x {normalize('NFC', output)}", normalize("NFD", output)) == plain


@given(st.text(min_size=1), st.text(min_size=1))
def test_hashes_tell_different_texts_apart(one: str, two: str) -> None:
    same = texts.canonical(texts.clean(one)) == texts.canonical(texts.clean(two))
    keys = {prepare(FeedbackIn(source="s", input=text, output=""), now=NOW).unique_key for text in (one, two)}
    assert (len(keys) == 1) == same


def test_zero_has_one_sign() -> None:
    """Not every database keeps the other one, and a row that goes out and comes in again must be the same."""
    one, other = (
        once({"source": "s", "input": "", "output": "", "source_event_id": "e", "score": z}) for z in (0.0, -0.0)
    )
    assert isinstance(one, Prepared)
    assert isinstance(other, Prepared)
    assert one.body_hash == other.body_hash
    assert str(values(other)["score"]) == "0.0"
