"""Column types that mean the same on SQLite, MariaDB and MySQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BLOB, CHAR, DateTime, LargeBinary, Numeric, String, Text
from sqlalchemy import JSON as GENERIC_JSON
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

MONEY_SCALE = 8
MONEY_DIGITS = 20


def utc_now() -> datetime:
    """The time now, aware."""
    return datetime.now(UTC)


def on_server(dialect: Dialect) -> bool:
    """True for MariaDB and MySQL."""
    return dialect.name in {"mysql", "mariadb"}


def storable(text: str) -> str:
    """`text` with lone surrogates made visible: no database takes them, and they come from names of any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def dumps(value: Any) -> str:
    """JSON as it is stored: compact, and refusing NaN, which MySQL would."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC with microseconds in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment needs a time zone, got {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Json(TypeDecorator[Any]):
    """Open-ended metadata. None is NULL. MariaDB reports its JSON as LONGTEXT, so that is what we ask for there."""

    impl = GENERIC_JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if not on_server(dialect):
            return dialect.type_descriptor(sqlite.JSON(none_as_null=True))
        if getattr(dialect, "is_mariadb", False):
            return dialect.type_descriptor(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"))
        return dialect.type_descriptor(mysql.JSON(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return dumps(value) if value is not None and getattr(dialect, "is_mariadb", False) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if isinstance(value, str) and getattr(dialect, "is_mariadb", False) else value


class Identifier(TypeDecorator[str]):
    """A name that is compared byte by byte, and is at most `length` characters long on every database."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="utf8mb4", collation="utf8mb4_bin"))
        return dialect.type_descriptor(String(self.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > self.length:
            raise ValueError(f"{value[:40]!r}… has {len(value)} characters, at most {self.length} fit")
        return value


class Word(Identifier):
    """A short word of ours, such as an outcome: ASCII."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="ascii", collation="ascii_bin"))
        return dialect.type_descriptor(String(self.length))


class Ulid(TypeDecorator[str]):
    """An identifier made by `app.ids.new_id`."""

    impl = CHAR
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(26)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.CHAR(26, charset="ascii", collation="ascii_bin"))
        return dialect.type_descriptor(CHAR(26))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and not (0 < len(value) <= 26 and value.isascii()):
            raise ValueError(f"not an identifier of 26 characters: {value[:40]!r}")
        return value


class Digest(TypeDecorator[bytes]):
    """A hash of 16 bytes: the key of something whose name has no bound."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.BINARY(16) if on_server(dialect) else BLOB())


class LongText(TypeDecorator[str]):
    """Text without a practical bound, compared byte by byte."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"))
        return dialect.type_descriptor(Text())


class Money(TypeDecorator[Decimal]):
    """An exact amount with 8 decimals. SQLite has no decimals: there it is a whole number of 10⁻⁸ parts."""

    impl = Numeric(MONEY_DIGITS, MONEY_SCALE)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if on_server(dialect):
            return dialect.type_descriptor(mysql.DECIMAL(MONEY_DIGITS, MONEY_SCALE))
        return dialect.type_descriptor(sqlite.INTEGER())

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError(f"an amount of money is exact, got the float {value!r}")
        parts = Decimal(value).scaleb(MONEY_SCALE)
        if parts != parts.to_integral_value() or abs(parts) >= 2**63:
            raise ValueError(f"{value} does not fit into {MONEY_SCALE} decimals and 64 bits")
        return Decimal(value) if on_server(dialect) else int(parts)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return value if isinstance(value, Decimal) else Decimal(value).scaleb(-MONEY_SCALE)
