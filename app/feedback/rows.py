"""A row of the table out of a row as it came in: checked, cleaned, with its keys and hashes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from app.db.types import storable
from app.feedback import texts
from app.feedback.contract import DEPTH, FIELD_BYTES, ROW_BYTES, SCHEMA_VERSION, FeedbackIn
from app.feedback.model import HEAD_LENGTH, Extra, Violation
from app.feedback.tables import EVENT_LENGTH, NAME_LENGTH, SCORE_UNKNOWN, TAG_LENGTH, UNCERTAINTY_UNKNOWN
from app.ids import new_id

AHEAD = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = tuple(FeedbackIn.model_fields)
LANGUAGE_LENGTH = 35

COLUMNS = (
    "id",
    "unique_key",
    "body_hash",
    "source",
    "source_event_id",
    "captured_at",
    "received_at",
    "author",
    "channel",
    "model",
    "model_version",
    "prompt_version",
    "run_id",
    "language",
    "state",
    "score",
    "score_order",
    "uncertainty_order",
    "model_key",
    "cluster",
    "schema_version",
    "dedupe_hash",
    "input_hash",
    "batch",
    "head",
    "tags",
    "score_raw",
    "input",
    "output",
    "comment",
    "context",
)
"""The columns of `feedback` that a new row fills, in the order of `Prepared.values`."""


_UNIQUE_KEY, _BODY_HASH, _EVENT = map(COLUMNS.index, ("unique_key", "body_hash", "source_event_id"))
CAPTURED_AT = COLUMNS.index("captured_at")
assert COLUMNS[0] == "id"


class ViolationError(Exception):
    """Something broke the contract."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation


@dataclass(slots=True)
class Prepared:
    """A row that keeps the contract: `values` go into the table as the databases' drivers take them."""

    values: tuple[Any, ...]
    tags: tuple[str, ...]
    own_id: bool
    """The sender gave the id, so that another row may have it."""

    @property
    def id(self) -> str:
        """The key of the row."""
        return str(self.values[0])

    def with_id(self, identity: str) -> Prepared:
        """The same row with another key."""
        return Prepared((identity, *self.values[1:]), self.tags, self.own_id)

    @property
    def unique_key(self) -> bytes:
        """The same for rows that are one."""
        key: bytes = self.values[_UNIQUE_KEY]
        return key

    @property
    def body_hash(self) -> bytes:
        """Tells whether two rows with one event have the same content."""
        body: bytes = self.values[_BODY_HASH]
        return body

    @property
    def by_event(self) -> bool:
        """The sender's event makes the row what it is, not its content."""
        return self.values[_EVENT] is not None


def parse(raw: bytes | str, extra: Extra = "forbid") -> FeedbackIn:
    """Read one JSON object. Raises ViolationError."""
    try:
        return FeedbackIn.model_validate_json(raw)
    except ValidationError as error:
        return _second_look(raw, error, extra)


def whole(raw: bytes | str) -> Mapping[str, Any]:
    """Read one JSON object of any shape. Raises ViolationError."""
    if len(raw) > ROW_BYTES:
        raise ViolationError(Violation("", f"has {len(raw)} bytes, at most {ROW_BYTES} are taken"))
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        if isinstance(raw, bytes):
            _utf8(raw)
        raise ViolationError(Violation("", f"not valid JSON: {error}")) from None
    if not isinstance(value, dict):
        raise ViolationError(Violation("", "expected a JSON object"))
    return value


def parse_object(value: Mapping[str, Any], extra: Extra = "forbid") -> FeedbackIn:
    """The same for an object that was read already, such as a row of a table. Raises ViolationError."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ViolationError(Violation("", f"cannot be written as JSON: {error}")) from None
    return parse(storable(text), extra)


def _second_look(raw: bytes | str, error: ValidationError, extra: Extra) -> FeedbackIn:
    """What could not be read at once: say why, or move what the contract does not know into `context`."""
    if len(raw) > ROW_BYTES:
        raise ViolationError(Violation("", f"has {len(raw)} bytes, at most {ROW_BYTES} are taken")) from None
    if isinstance(raw, bytes):
        raw = _utf8(raw)
    problems = error.errors(include_url=False, include_context=True, include_input=False)
    unknown = [str(problem["loc"][0]) for problem in problems if problem["type"] == "extra_forbidden"]
    if unknown == ["schema"] and (value := json.loads(raw)).get("schema") == SCHEMA_VERSION:
        # As exports write it, whose lines may come without their decisions.
        del value["schema"]
        return parse(json.dumps(value, ensure_ascii=False), extra)
    if extra == "context" and unknown:
        value = json.loads(raw)
        context = value.get("context") or {}
        if isinstance(context, dict):
            clash = [name for name in unknown if name in context]
            if clash:
                raise ViolationError(Violation(clash[0], "is a field of `context` already")) from None
            moved = {name: value.pop(name) for name in list(value) if name not in FIELDS}
            return parse(json.dumps({**value, "context": {**context, **moved}}, ensure_ascii=False), "forbid")
    raise ViolationError(_first(problems)) from None


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as broken:
        found = f"0x{broken.object[broken.start]:02x}"
        raise ViolationError(Violation("", f"not UTF-8: the byte {found} at {broken.start + 1}")) from None


def _first(problems: list[Any]) -> Violation:
    problem = problems[0]
    field = ".".join(str(part) for part in problem["loc"])
    kind = problem["type"]
    context = problem.get("ctx") or {}
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(field, FIELDS, n=1)
        reason = "is no field of the contract" + (f"; did you mean `{near[0]}`?" if near else "")
    elif kind == "missing":
        reason = "is missing"
    elif kind == "json_invalid":
        reason = f"not valid JSON: {context.get('error', problem['msg'])}"
    elif kind == "model_type":
        reason = "expected a JSON object"
    elif kind == "string_too_long":
        reason = f"is too long, at most {context['max_length']} characters are taken"
    else:
        reason = problem["msg"][:1].lower() + problem["msg"][1:]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Violation(field[:NAME_LENGTH], texts.clean(reason + more))


def prepare(row: FeedbackIn, *, now: datetime, batch: str | None = None, identity: str | None = None) -> Prepared:
    """Clean the row, give it its keys, and turn it into values for the table. Raises ViolationError."""
    source, given, output = _name("source", row.source), _text("input", row.input), _text("output", row.output)
    if source is None:
        raise ViolationError(Violation("source", "is empty"))
    event, author = _name("source_event_id", row.source_event_id), _name("author", row.author)
    model, version = _name("model", row.model), _name("model_version", row.model_version)
    prompt = _name("prompt_version", row.prompt_version)
    comment = None if row.comment is None else _text("comment", row.comment)
    tags = _tags(row.tags) if row.tags else ()
    context_text = _json("context", row.context) if row.context else None
    raw_text = _json("score_raw", row.score_raw) if row.score_raw is not None else None
    captured = now if row.captured_at is None else _moment(row.captured_at, now)
    plain_input = texts.canonical(given)
    # Zero has two signs, which not every database tells apart.
    score = None if row.score is None else row.score + 0.0
    content = texts.content_hash(version, plain_input, texts.canonical(output), author, comment)
    tags_text = _tags_text(tags) if tags else None
    if event is None:
        # The content is the key, so that nothing but the content can be the same.
        key = body_hash = bytes.fromhex(content[:32])
    else:
        key = texts.digest(f"e:{source}\0{event}")
        body_hash = texts.digest(f"{content}\n{model}\n{prompt}\n{score}\n{tags_text}\n{raw_text}\n{context_text}")
    context = row.context
    if context:
        channel, run = _word(context.get("channel"), EVENT_LENGTH), _word(context.get("run_id"), NAME_LENGTH)
        language, uncertainty = _word(context.get("language"), LANGUAGE_LENGTH), _uncertainty(context)
    else:
        channel, run, language, uncertainty = None, None, None, UNCERTAINTY_UNKNOWN
    values = (
        row.id or identity or new_id(),
        key,
        body_hash,
        source,
        event,
        _stored(captured),
        _stored_now(now),
        author,
        channel,
        model,
        version,
        prompt,
        run,
        language,
        "waiting",
        score,
        SCORE_UNKNOWN if score is None else score,
        uncertainty,
        _model_key(model, version),
        texts.shape(output),
        SCHEMA_VERSION,
        content,
        texts.input_hash(plain_input),
        batch,
        output[:HEAD_LENGTH],
        tags_text,
        raw_text,
        given,
        output,
        comment,
        context_text,
    )
    return Prepared(values, tags, row.id is not None)


@lru_cache(1024)
def _model_key(model: str | None, version: str | None) -> int:
    return 0 if model is None and version is None else texts.number(f"{model}\0{version}".encode())


def _text(field: str, text: str) -> str:
    if len(text) * 4 > FIELD_BYTES and len(text.encode()) > FIELD_BYTES:
        raise ViolationError(Violation(field, f"is too long, at most {FIELD_BYTES} bytes of UTF-8 are taken"))
    return texts.clean(text)


def _name(field: str, text: str | None) -> str | None:
    """A name is one line without white space around it."""
    if text is None:
        return None
    name = texts.name(text)
    if not name:
        raise ViolationError(Violation(field, "is blank"))
    return name


@lru_cache(1024)
def _tags(given: tuple[str, ...]) -> tuple[str, ...]:
    tags = dict.fromkeys(texts.canonical(texts.clean(tag)) for tag in given)
    if None in tags:
        raise ViolationError(Violation("tags", "one is blank"))
    if any(len(tag) > TAG_LENGTH for tag in tags if tag):
        raise ViolationError(Violation("tags", f"one has more than {TAG_LENGTH} characters"))
    return tuple(tag for tag in tags if tag)


_tags_text = lru_cache(1024)(texts.json_text)


def _json(field: str, value: Any) -> str:
    try:
        text = texts.json_text(texts.clean_json(value, DEPTH))
    except (ValueError, RecursionError) as error:
        raise ViolationError(Violation(field, str(error))) from None
    if len(text) * 4 > FIELD_BYTES and len(text.encode()) > FIELD_BYTES:
        raise ViolationError(Violation(field, f"is too long, at most {FIELD_BYTES} bytes of JSON are taken"))
    return text


def _moment(given: datetime, now: datetime) -> datetime:
    try:
        moment = given.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ViolationError(Violation("captured_at", "is no time that can be kept")) from None
    if moment > now + AHEAD:
        raise ViolationError(Violation("captured_at", "lies in the future"))
    if moment < EARLIEST:
        raise ViolationError(Violation("captured_at", "lies before 1970"))
    return moment


def _stored(moment: datetime) -> str:
    """A UTC moment in the form that SQLite keeps and that servers take."""
    return moment.isoformat(" ", "microseconds")[:26]


_stored_now = lru_cache(16)(_stored)


def _word(value: object, length: int) -> str | None:
    """A part of the context that has a column of its own, where it is a short text."""
    if not isinstance(value, str):
        return None
    if len(value) > length * 4:
        return None
    text = texts.name(value)
    return text if 0 < len(text) <= length else None


def _uncertainty(context: Mapping[str, Any]) -> float:
    """`uncertainty` of the context, else 1 - `confidence`; both run from 0 to 1."""
    for name, turned in (("uncertainty", False), ("confidence", True)):
        value = context.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return 1.0 - value if turned else float(value)
    return UNCERTAINTY_UNKNOWN
