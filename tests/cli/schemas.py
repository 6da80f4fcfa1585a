"""Checks a document against the part of JSON Schema that our schemas use, and the schemas against that part."""

from __future__ import annotations

from typing import Any

KNOWN = {
    *("$schema", "title", "description", "format", "type", "properties", "required", "items"),
    *("const", "enum", "minimum", "maximum", "anyOf", "oneOf"),
}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def errors(schema: dict[str, Any], value: Any, path: str = "$") -> list[str]:
    """Everything in which the value does not fit the schema."""
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{path}: the schema uses {sorted(unknown)}, which this check does not know"]
    found = _wrong_value(schema, value, path)
    if isinstance(value, dict):
        found += [f"{path}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                found += errors(inner, value[name], f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, element in enumerate(value):
            found += errors(schema["items"], element, f"{path}[{number}]")
    for word, least, most in (("anyOf", 1, 99), ("oneOf", 1, 1)):
        if word in schema:
            fitting = [choice for choice in schema[word] if not errors(choice, value, path)]
            if not least <= len(fitting) <= most:
                found.append(f"{path}: fits {len(fitting)} of {word}")
    return found


def _wrong_value(schema: dict[str, Any], value: Any, path: str) -> list[str]:
    found = []
    wanted = schema.get("type")
    if wanted is not None:
        right = isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
        found += [] if right else [f"{path}: {value!r} is no {wanted}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{path}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is none of {schema['enum']}")
    if isinstance(value, (int, float)):
        if value < schema.get("minimum", value):
            found.append(f"{path}: {value!r} is below {schema['minimum']}")
        if value > schema.get("maximum", value):
            found.append(f"{path}: {value!r} is above {schema['maximum']}")
    return found
