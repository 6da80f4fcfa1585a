"""What the settings tree holds at each path: for messages, for reading the environment, and for listing all keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr

from app.config import toml
from app.config.model import Settings
from app.config.positions import KeyPath

Kind = Literal["text", "secret", "whole", "number", "flag", "choice", "texts", "named texts", "table", "tables"]

_SCALARS: Mapping[Any, Kind] = {
    str: "text",
    Path: "text",
    SecretStr: "secret",
    int: "whole",
    float: "number",
    bool: "flag",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One place of the tree. `default` is None where a value is required."""

    kind: Kind
    default: Any = None
    choices: tuple[str, ...] = ()
    table: type[BaseModel] | None = None
    """Of a table, or of each element of a list of tables."""


def shape_at(path: KeyPath) -> Shape | None:
    """What belongs at this path; None for a path that the tree does not have."""
    shape: Shape | None = Shape("table", table=Settings)
    for part in path:
        if shape is None:
            return None
        if shape.kind == "tables":
            shape = Shape("table", table=shape.table) if isinstance(part, int) else None
        elif shape.kind in ("texts", "named texts"):
            shape = Shape("text")
        elif shape.table is not None and part in shape.table.model_fields:
            field = shape.table.model_fields[str(part)]
            shape = _shape(field.annotation, None if field.is_required() else field.default)
        else:
            shape = None
    return shape


def leaves(table: type[BaseModel] = Settings, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Shape]]:
    """Every key below the fixed tables, with its shape."""
    for name in table.model_fields:
        here = (*path, name)
        shape = shape_at(here)
        if shape is not None and shape.kind == "table" and shape.table is not None:
            yield from leaves(shape.table, here)
        elif shape is not None:
            yield here, shape


def dotted(path: KeyPath) -> str:
    """`projects[0].args` or `keys."tests.rerun"`: the path as a person writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{toml.key(part)}" if text else toml.key(part)
    return text


def _shape(annotation: Any, default: Any) -> Shape:
    if annotation in _SCALARS:
        return Shape(_SCALARS[annotation], default)
    origin = get_origin(annotation)
    if origin is Literal:
        return Shape("choice", default, choices=get_args(annotation))
    if origin is tuple:
        element = get_args(annotation)[0]
        return Shape("texts", default) if element is str else Shape("tables", default, table=element)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape("table", default, table=annotation)
    return Shape("named texts", default)
