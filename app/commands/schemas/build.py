"""Short ways to write a JSON Schema. Fields may be added to a document later, so none is closed."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0, "description": "seconds"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339, UTC"}


def choice(*values: str) -> Schema:
    """One of these strings."""
    return {"enum": list(values)}


def maybe(schema: Schema) -> Schema:
    """This, or null where it is unknown."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def record(**fields: Schema) -> Schema:
    """An object that always has these fields."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def document(title: str, /, **fields: Schema) -> Schema:
    """What a command prints as one document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **record(schema={"const": 1}, **fields),
    }
