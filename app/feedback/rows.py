"""A row of the table out of a row as it came in: checked, cleaned, with its keys and hashes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from app.db.types import storable
from app.feedback import texts
from app.feedback.contract import DEPTH, FIELD_BYTES, ROW_BYTES, SCHEMA_VERSION, FeedbackIn
from app.feedback.model import HEAD_LENGTH, Extra, Violation
from app.feedback.tables import EVENT_LENGTH, NAME_LENGTH, SCORE_UNKNOWN, TAG_LENGTH, UNCERTAINTY_UNKNOWN
from app.ids import new_id

AHEAD = timedelta(days=1)
EARLIEST = "1970-01-01 00:00:00"
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


UNIQUE_KEY, CAPTURED_AT = map(COLUMNS.index, ("unique_key", "captured_at"))
_BODY_HASH, _EVENT = map(COLUMNS.index, ("body_hash", "source_event_id"))
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

    @property
    def unique_key(self) -> bytes:
        """The same for rows that are one."""
        key: bytes = self.values[UNIQUE_KEY]
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


def prepare(
    row: FeedbackIn, *, now: datetime, batch: str | None = None, identity: str | None = None, pure: bool = False
) -> Prepared:
    """Clean the row, give it its keys, and turn it into values for the table. Raises ViolationError.

    `pure` says that no text in it has a control character (`texts.is_pure`), which then are not looked for.
    """
    # Quicker than one attribute after the other.
    fields = vars(row)
    given, output = _text("input", fields["input"], pure), _text("output", fields["output"], pure)
    source, event, author, model, version, prompt = _names(fields)
    comment = fields["comment"]
    if comment is not None:
        comment = _text("comment", comment, pure)
    tags = _TAGS[fields["tags"]] if fields["tags"] else ()
    context, raw, captured = fields["context"], fields["score_raw"], fields["captured_at"]
    context_text = _json("context", context, pure) if context else None
    raw_text = _json("score_raw", raw, False) if raw is not None else None
    received = _NOW[now]
    plain_input = texts.canonical(given, pure)
    # Zero has two signs, which not every database tells apart.
    score = None if fields["score"] is None else fields["score"] + 0.0
    content = texts.content_hash(
        version, plain_input, texts.canonical(output, pure), author, texts.canonical(comment, pure)
    )
    tags_text = _TAGS_TEXT[tags] if tags else None
    if event is None:
        # The content is the key, so that nothing but the content can be the same.
        key = body_hash = bytes.fromhex(content[:32])
    else:
        key = texts.digest(f"e:{source}\0{event}")
        body_hash = texts.digest(f"{content}\n{model}\n{prompt}\n{score}\n{tags_text}\n{raw_text}\n{context_text}")
    channel = run = language = None
    uncertainty = UNCERTAINTY_UNKNOWN
    if context:
        if "channel" in context:
            channel = _word(context["channel"], EVENT_LENGTH)
        if "run_id" in context:
            run = _word(context["run_id"], NAME_LENGTH)
        if "language" in context:
            language = _word(context["language"], LANGUAGE_LENGTH)
        if "uncertainty" in context or "confidence" in context:
            uncertainty = _uncertainty(context)
    values = (
        fields["id"] or (new_id() if identity is None else identity),
        key,
        body_hash,
        source,
        event,
        received.stored if captured is None else _moment("captured_at", captured, received.latest),
        received.stored,
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
        _MODEL_KEYS[model, version],
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
    return Prepared(values, tags, fields["id"] is not None)


def _model_key(named: tuple[str | None, str | None]) -> int:
    model, version = named
    return 0 if model is None and version is None else texts.number(f"{model}\0{version}".encode())


_MODEL_KEYS = texts.Memo(_model_key)


def _text(field: str, text: str, pure: bool) -> str:
    if len(text) * 4 > FIELD_BYTES and len(text.encode()) > FIELD_BYTES:
        raise ViolationError(Violation(field, f"is too long, at most {FIELD_BYTES} bytes of UTF-8 are taken"))
    return text if pure else texts.clean(text)


_NAMED = ("source", "source_event_id", "author", "model", "model_version", "prompt_version")
_NAMES: texts.Memo[str | None, str | None] = texts.Memo(lambda text: None if text is None else texts.name(text))


def _names(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """The names of a row; each is one line without white space around it."""
    event = fields["source_event_id"]
    names = (
        _NAMES[fields["source"]],
        # It hardly ever comes again.
        None if event is None else texts.name(event),
        _NAMES[fields["author"]],
        _NAMES[fields["model"]],
        _NAMES[fields["model_version"]],
        _NAMES[fields["prompt_version"]],
    )
    if "" in names:
        raise ViolationError(Violation(_NAMED[names.index("")], "is blank"))
    return names


def canonical_tags(given: tuple[str, ...]) -> tuple[str, ...]:
    """Tags as they are kept: trimmed, each once. Raises ViolationError."""
    tags = dict.fromkeys(texts.canonical(texts.clean(tag)) for tag in given)
    if None in tags:
        raise ViolationError(Violation("tags", "one is blank"))
    if any(len(tag) > TAG_LENGTH for tag in tags if tag):
        raise ViolationError(Violation("tags", f"one has more than {TAG_LENGTH} characters"))
    return tuple(tag for tag in tags if tag)


_TAGS = texts.Memo(canonical_tags, 1024)
_TAGS_TEXT: texts.Memo[tuple[str, ...], str] = texts.Memo(texts.json_text, 1024)


def _json(field: str, value: Any, pure: bool) -> str:
    try:
        clean = (texts.flat_json(value) if pure else None) or texts.clean_json(value, DEPTH)
        text = texts.json_text(clean)
    except (ValueError, RecursionError) as error:
        raise ViolationError(Violation(field, str(error))) from None
    if len(text) * 4 > FIELD_BYTES and len(text.encode()) > FIELD_BYTES:
        raise ViolationError(Violation(field, f"is too long, at most {FIELD_BYTES} bytes of JSON are taken"))
    return text


def check_moment(field: str, given: datetime, *, now: datetime) -> None:
    """Raises ViolationError for a moment before 1970 or more than a day ahead."""
    _moment(field, given, _NOW[now].latest)


def _moment(field: str, given: datetime, latest: str) -> str:
    """A moment of a row as it is stored; `latest` is the last one that is taken."""
    try:
        stored = _stored(given.astimezone(UTC) if given.utcoffset() else given)
    except (OverflowError, ValueError):
        raise ViolationError(Violation(field, "is no time that can be kept")) from None
    if stored > latest:
        raise ViolationError(Violation(field, "lies in the future"))
    if stored < EARLIEST:
        raise ViolationError(Violation(field, "lies before 1970"))
    return stored


_DAYS: texts.Memo[int, str] = texts.Memo(lambda ordinal: date.fromordinal(ordinal).isoformat())
_TWO = tuple(f"{number:02}" for number in range(60))


def _stored(moment: datetime) -> str:
    """A UTC moment in the form that SQLite keeps and that servers take: `isoformat(" ", "microseconds")` without the
    zone, in a sixth of the time."""
    day, micros = _DAYS[moment.toordinal()], moment.microsecond
    seconds = f"{_TWO[moment.hour]}:{_TWO[moment.minute]}:{_TWO[moment.second]}"
    return f"{day} {seconds}.{micros:06}" if micros else f"{day} {seconds}.000000"


class _Now(NamedTuple):
    """When rows are received, as it is stored, and the last moment at which they may have been captured."""

    stored: str
    latest: str


_NOW: texts.Memo[datetime, _Now] = texts.Memo(lambda now: _Now(_stored(now), _stored(now + AHEAD)), 16)


def _word(value: object, length: int) -> str | None:
    """A part of the context that has a column of its own, where it is a short text."""
    if not isinstance(value, str):
        return None
    if len(value) > length * 4:
        return None
    text = _NAMES[value]
    return text if text and len(text) <= length else None


def _uncertainty(context: Mapping[str, Any]) -> float:
    """`uncertainty` of the context, else 1 - `confidence`; both run from 0 to 1."""
    for name, turned in (("uncertainty", False), ("confidence", True)):
        value = context.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return 1.0 - value if turned else float(value)
    return UNCERTAINTY_UNKNOWN
