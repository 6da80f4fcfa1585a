"""A row as it travels: the same values, the same bytes and the same checksum whatever database it lies in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

from sqlalchemy import JSON, Boolean, Column, Double, Float, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from app.db.types import Json, Money, UtcDateTime, dumps

Kind = Literal["plain", "bool", "real", "time", "bytes", "money", "json"]
Values = tuple[Any, ...]
Key = tuple[Any, ...]

SUMS = 1 << 128
"""Checksums of rows are added up in 128 bits, so that the order of the rows does not count."""

_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (UtcDateTime, "time"),
    (Money, "money"),
    (Json, "json"),
    (JSON, "json"),
    (LargeBinary, "bytes"),
    (Boolean, "bool"),
    (Float, "real"),
    (String, "plain"),
    (Integer, "plain"),
)
_RAW: dict[type, Kind] = {str: "plain", int: "plain", bytes: "bytes", float: "real", bool: "bool"}
_TYPES: dict[Kind, Callable[[], TypeEngine[Any]]] = {
    "plain": NullType,
    "bool": Boolean,
    "real": Double,
    "time": NullType,
    "bytes": LargeBinary,
    "money": Money,
    "json": Json,
}

MOMENT_LENGTH = 26

_MANY_DIGITS = re.compile(rb"\d{19}")


def kind_of(column: Column[Any]) -> Kind:
    """How the values of a column travel; raises TypeError for a type that nobody has thought of.

    A type of ours that every database stores as the same plain type is carried as it is stored, to the letter.
    """
    for known, kind in _KINDS:
        if isinstance(column.type, known):
            return kind
    if isinstance(column.type, TypeDecorator):
        stored = {_stored(column.type, dialect) for dialect in (sqlite.dialect(), mysql.dialect())}
        if len(stored) == 1 and (found := _RAW.get(stored.pop())) is not None:
            return found
    raise TypeError(f"{column.table.name}.{column.name} is of the type {column.type!r}, which no copy carries")


def _stored(decorator: TypeDecorator[Any], dialect: Dialect) -> type:
    found: type = decorator.load_dialect_impl(dialect).python_type
    return found


@dataclass(frozen=True, slots=True)
class Shape:
    """A table and its columns, in the order in which the values of a row come."""

    table: Table
    kinds: tuple[Kind, ...]
    key_places: tuple[int, ...]
    names: tuple[str, ...]
    times: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.table.name

    @property
    def keys(self) -> tuple[Column[Any], ...]:
        """The columns of the primary key."""
        columns = tuple(self.table.columns)
        return tuple(columns[place] for place in self.key_places)

    def key(self, values: Sequence[Any]) -> Key:
        """The key of a row."""
        return tuple(values[place] for place in self.key_places)

    def decode(self, row: Sequence[Any]) -> Values:
        """The values of a row that `line` wrote; raises ValueError or TypeError when it is none."""
        if len(row) != len(self.kinds):
            raise ValueError(f"a row of {self.name} has {len(row)} values in place of {len(self.kinds)}")
        return tuple(map(_decoded, self.kinds, row))

    def plain(self, row: Sequence[Any]) -> Values:
        """The values of a row as every source gives them: moments as text, whatever the driver made of them."""
        values = list(row)
        for place in self.times:
            if values[place] is not None:
                values[place] = _moment(values[place])
        return tuple(values)

    def decode_key(self, text: str) -> Key:
        """The key that `encode_key` wrote."""
        return tuple(
            _decoded(self.kinds[place], value) for place, value in zip(self.key_places, json.loads(text), strict=True)
        )

    def encode_key(self, key: Key) -> str:
        """A key as text that is kept."""
        return _ENCODER.encode(key)

    def describe(self) -> dict[str, Any]:
        """What a backup file says about the table."""
        return {
            "name": self.name,
            "columns": [list(pair) for pair in zip(self.names, self.kinds, strict=True)],
            "keys": [self.names[place] for place in self.key_places],
        }


def shape_of(table: Table) -> Shape:
    """The shape of a table as this version knows it."""
    columns = tuple(table.columns)
    kinds = tuple(kind_of(column) for column in columns)
    keys = {column.name for column in columns if column.primary_key}
    if not keys:
        raise TypeError(f"{table.name} has no primary key, so its rows cannot be told apart")
    return _shape(table.name, tuple((column.name, kind) for column, kind in zip(columns, kinds, strict=True)), keys)


def shape_from(described: dict[str, Any]) -> Shape:
    """The shape of a table, perhaps of an earlier version, from what `describe` told."""
    columns: tuple[tuple[str, Kind], ...] = tuple((str(name), kind) for name, kind in described["columns"])
    return _shape(str(described["name"]), columns, set(described["keys"]))


def _shape(name: str, columns: tuple[tuple[str, Kind], ...], keys: set[str]) -> Shape:
    table = Table(
        name,
        MetaData(),
        *(Column(each, _TYPES[kind](), primary_key=each in keys, autoincrement=False) for each, kind in columns),
    )
    places = tuple(place for place, (each, _) in enumerate(columns) if each in keys)
    times = tuple(place for place, (_, kind) in enumerate(columns) if kind == "time")
    return Shape(table, tuple(kind for _, kind in columns), places, tuple(each for each, _ in columns), times)


@dataclass(frozen=True, slots=True)
class Line:
    """One row, ready to be written. `changed` says what of it the target cannot hold as it was."""

    values: Values
    text: bytes
    sum: int
    """The row's part of the table's checksum."""
    changed: str = ""


def line(shape: Shape, row: Sequence[Any], *, whole_numbers: bool = False) -> Line:
    """A row as a line of JSON that is the same for the same values.

    Bytes that are no UTF-8 and lone surrogates become visible escapes, since no server and no file takes them.
    `whole_numbers`: the target's JSON holds whole numbers of 64 bits only, larger ones become floats.
    """
    values, changed = tuple(row), ""
    text = _ENCODER.encode(values)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        values = tuple(map(_mended, values))
        data, changed = _ENCODER.encode(values).encode(), "characters that are no Unicode were made visible"
    if b"-0.0" in data and "real" in shape.kinds:
        # SQLite keeps no sign of zero.
        values = tuple(
            value + 0.0 if kind == "real" and value is not None else value
            for kind, value in zip(shape.kinds, values, strict=True)
        )
        data = _ENCODER.encode(values).encode()
    if whole_numbers and "json" in shape.kinds and _MANY_DIGITS.search(data):
        fitting = tuple(
            _fitting(value) if kind == "json" else value for kind, value in zip(shape.kinds, values, strict=True)
        )
        again = _ENCODER.encode(fitting).encode()
        if again != data:
            values, data, changed = fitting, again, "whole numbers of more than 64 bits in its JSON were rounded"
    return Line(values, data, int.from_bytes(blake2b(data, digest_size=16).digest(), "big"), changed)


def literals(shape: Shape, values: Values) -> str:
    """The row as a server reads it in an INSERT: `('a',1,NULL)`.

    Quicker than the driver, which asks each value anew what it is. Raises ValueError for what no server stores.
    """
    if "json" in shape.kinds:
        values = tuple(
            dumps(value) if kind == "json" and value is not None else value
            for kind, value in zip(shape.kinds, values, strict=True)
        )
    return "(" + ",".join([_text(value) if type(value) is str else _literal(value) for value in values]) + ")"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"no server stores the number {value}")
        text = repr(value)
        return text if "e" in text else text + "e0"
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(Decimal(value))


def _moment(value: Any) -> Any:
    """`2026-03-29 00:59:59.999990`, in UTC: so SQLite keeps it, and so the servers take it and give it."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, str) and len(value) != MOMENT_LENGTH:
        return datetime.fromisoformat(value).isoformat(" ", "microseconds")
    return value


def _plain(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return f"{value:.8f}"
    raise TypeError(f"a value of the type {type(value).__name__} is carried by no copy")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)


def _decoded(kind: Kind, value: Any) -> Any:
    if kind == "time":
        return _moment(value)
    if value is None or kind in {"plain", "bool", "json"}:
        return value
    if kind == "real":
        return float(value)
    return bytes.fromhex(value) if kind == "bytes" else Decimal(value)


def _mended(value: Any) -> Any:
    """The value with every character that cannot be written as UTF-8 made visible."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(each) for name, each in value.items()}
    return value


def _fitting(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        try:
            return float(value)
        except OverflowError:
            return value
    if isinstance(value, list):
        return [_fitting(each) for each in value]
    if isinstance(value, dict):
        return {name: _fitting(each) for name, each in value.items()}
    return value
