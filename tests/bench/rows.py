"""`python -m tests.bench.rows N URL`: fill an empty database with N rows of feedback, the same ones each time.

The database makes the rows itself, a hundred thousand with each statement, and gets its indexes afterwards. Sources,
models, scores, tags, texts and decisions are as unevenly spread as in life: some values are in every other row, some in
one of ten thousand.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pymysql
from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateIndex

from app.db.engine import Database
from app.feedback import texts
from app.feedback.tables import feedback, feedback_decision, feedback_tag

CHUNK = 100_000
TABLES = (feedback, feedback_tag, feedback_decision)
SOURCES = (("discord", 460), ("webhook", 300), ("app", 180), ("cli", 50), ("email", 9), ("beta", 1))
"""By name, how many of a thousand rows."""
STATES = (("waiting", 600), ("accepted", 220), ("rejected", 120), ("skipped", 60))
TAGS = (("tone", 180), ("late", 90), ("wrong", 60), ("praise", 40), ("units", 20), ("format", 9), ("legal", 1))
LANGUAGES = (("en", 700), ("de", 200), ("fr", 60), ("pl", 39), ("is", 1))
REVIEWERS = (("mara", 600), ("jo", 300), ("ines", 98), ("guest", 2))
SCORES = (("1.0", 4000), ("0.5", 1500), ("0.0", 400), ("-0.5", 598), ("-1.0", 2))
"""Of ten thousand rows; the rest has none."""
VERSIONS = 36
MODELS = ("desk-small", "desk-large", "desk-next")
PHRASES = (
    *("The order was filled at the limit price.", "Your account has no open positions.", "The fill came in late."),
    *("Prices are quoted in cents, not in euros.", "Orders are matched at noon.", "The stop loss was not hit."),
    *("I could not find such an instrument.", "Margin is called once a day.", "The spread is two ticks wide."),
)
EVENTS_KNOWN = 1000
"""Of so many rows, one has the very key that its event gives it: databases cannot compute that hash."""
REMARKS = ("not what I asked", "good", "late again", "the figure is wrong", "thanks", "too long")
START = "2025-03-01 00:00:00"
SPAN_S = 600 * 86_400


class Words:
    """How a database writes what the rows are made of; of SQLite, unless a method says otherwise."""

    def cat(self, *parts: str) -> str:
        """Texts, one behind the other."""
        return f"({' || '.join(parts)})"

    def div(self, over: str, under: int) -> str:
        """A whole number of times."""
        return f"(({over}) / {under})"

    def padded(self, number: str, width: int) -> str:
        """With leading zeros."""
        return f"printf('%0{width}d', {number})"

    def moment(self, seconds: str) -> str:
        """A time so long after the start."""
        return f"(strftime('%Y-%m-%d %H:%M:%S', unixepoch('{START}') + ({seconds}), 'unixepoch') || '.000000')"

    def digest(self, text: str) -> str:
        """16 bytes."""
        return f"digest16({text})"

    def long_hash(self, text: str) -> str:
        """64 hexadecimal figures."""
        return f"hash64({text})"

    def text(self, number: str) -> str:
        """A number, written out."""
        return f"CAST({number} AS TEXT)"


class ServerWords(Words):
    """The same for MariaDB and MySQL."""

    def cat(self, *parts: str) -> str:
        return f"CONCAT({', '.join(parts)})"

    def div(self, over: str, under: int) -> str:
        return f"(({over}) DIV {under})"

    def padded(self, number: str, width: int) -> str:
        return f"LPAD({number}, {width}, '0')"

    def moment(self, seconds: str) -> str:
        return f"DATE_ADD(CAST('{START}' AS DATETIME(6)), INTERVAL ({seconds}) SECOND)"

    def digest(self, text: str) -> str:
        return f"UNHEX(LEFT(SHA2({text}, 256), 32))"

    def long_hash(self, text: str) -> str:
        return f"SHA2({text}, 256)"

    def text(self, number: str) -> str:
        return f"CAST({number} AS CHAR CHARACTER SET ascii)"


def identity(number: int) -> str:
    """The id of a row."""
    return f"01K{number:023}"


def event(number: int) -> str:
    """What the source calls a row of `discord` or `webhook`."""
    return f"evt-{number:08}"


def chance(salt: int, below: int) -> str:
    """A number that looks random, the same for each row."""
    odd = (2_654_435_761 + 2 * salt * 40_503_001) % 2**32 | 1
    return f"(((((n + {salt}) * {odd}) & 4294967295) >> 9) * {below} >> 23)"


def drawn(salt: int, shares: Sequence[tuple[str, int]], whole: int = 1000, quote: str = "'") -> str:
    """One of these by its share; NULL for what is left."""
    at, cases = 0, []
    for value, share in shares:
        at += share
        cases.append(f"WHEN {chance(salt, whole)} < {at} THEN {quote}{value}{quote}")
    return f"(CASE {' '.join(cases)} ELSE NULL END)"


def one_of(number: str, values: Sequence[object]) -> str:
    """The value at this place."""
    cases = " ".join(
        f"WHEN {at} THEN '{value}'" if isinstance(value, str) else f"WHEN {at} THEN {value}"
        for at, value in enumerate(values)
    )
    return f"(CASE {number} {cases} END)"


def versions() -> list[tuple[str, str, int]]:
    """Model, version and key of every model, the oldest first."""
    named = [(MODELS[number * len(MODELS) // VERSIONS], f"v{number:02}") for number in range(VERSIONS)]
    return [(model, version, texts.number(f"{model}\0{version}".encode())) for model, version in named]


def columns(total: int, say: Words) -> dict[str, str]:
    """By column of `feedback`, how it follows from the number `n` of the row."""
    seconds = say.div(f"n * {SPAN_S}", total)
    # A version is used for a while after the next one is there.
    newest = say.div(f"n * {VERSIONS}", total)
    version = f"(CASE WHEN {newest} > {chance(3, 4)} THEN {newest} - {chance(3, 4)} ELSE 0 END)"
    known = f"{chance(4, 100)} < 97"
    phrase = [one_of(chance(salt, len(PHRASES)), PHRASES) for salt in (5, 6, 7)]
    # Some say the same, many nearly the same, most something of their own.
    crowd = say.div(f"{chance(8, 1000)} * {chance(9, 1000)}", 1000)
    cluster = f"(CASE WHEN {chance(10, 10)} < 4 THEN 7000 + {crowd} ELSE n * 922337203 + 1000000 END)"
    source, state = drawn(1, SOURCES), drawn(2, STATES)
    score = drawn(11, SCORES, 10_000, quote="")
    uncertainty = f"{chance(12, 10_000)} * 1e-4"
    output = say.cat(phrase[0], "' '", phrase[1], "' Ref '", say.text("n"), "'. '", phrase[2])
    remark = one_of(chance(13, len(REMARKS)), REMARKS)
    language = drawn(14, LANGUAGES)
    channel = say.cat("'c'", say.text(chance(15, 40)))
    context = say.cat('\'{"channel":"\'', channel, '\'","language":"\'', language, "'\"}'")
    key = say.digest(say.text("n"))
    tags = say.cat("'[\"'", drawn(16, TAGS), "'\"]'")
    named = say.cat("'evt-'", say.padded("n", 8))
    decided = say.moment(f"{seconds} + {chance(21, 2_000_000)}")
    return {
        "id": say.cat("'01K'", say.padded("n", 23)),
        "unique_key": key,
        "body_hash": key,
        "source": source,
        "source_event_id": f"(CASE WHEN {chance(1, 1000)} < 760 THEN {named} END)",
        "captured_at": say.moment(seconds),
        "received_at": say.moment(f"{seconds} + 2"),
        "author": say.cat("'user-'", say.text(say.div(f"{chance(17, 1000)} * {chance(18, 50_000)}", 1000))),
        "channel": f"(CASE WHEN {chance(19, 10)} < 5 THEN {channel} END)",
        "model": f"(CASE WHEN {known} THEN {one_of(version, [model for model, _, _ in versions()])} END)",
        "model_version": f"(CASE WHEN {known} THEN {one_of(version, [name for _, name, _ in versions()])} END)",
        "prompt_version": say.cat("'p'", say.text(chance(20, 9))),
        "language": f"(CASE WHEN {chance(19, 10)} < 5 THEN {language} END)",
        "state": state,
        "decided_at": f"(CASE WHEN {chance(2, 1000)} >= 600 THEN {decided} END)",
        "score": score,
        "score_order": f"COALESCE({score}, 2.0)",
        "uncertainty_order": f"(CASE WHEN {chance(22, 2)} = 0 THEN -1.0 ELSE {uncertainty} END)",
        "model_key": f"(CASE WHEN {known} THEN {one_of(version, [key for _, _, key in versions()])} ELSE 0 END)",
        "cluster": cluster,
        "schema_version": "1",
        "dedupe_hash": say.long_hash(say.text("n")),
        "input_hash": say.long_hash(say.text(say.div("n", 3))),
        "head": output,
        "tags": f"(CASE WHEN {chance(16, 1000)} < 400 THEN {tags} END)",
        "input": say.cat("'Question '", say.text("n"), "': what about this? '", phrase[2], "' '", phrase[1]),
        "output": output,
        "comment": f"(CASE WHEN n % 1000003 = 77 THEN 'a zebra' WHEN {chance(23, 10)} < 2 THEN {remark} END)",
        "context": f"(CASE WHEN {chance(19, 10)} < 5 THEN {context} END)",
    }


def statements(total: int, say: Words) -> list[str]:
    """What adds the rows `:first` to `:last` with their tags and decisions."""
    digits = "SELECT 0 d" + "".join(f" UNION ALL SELECT {digit}" for digit in range(1, 10))
    places = " CROSS JOIN ".join(f"({digits}) d{place}" for place in range(5))
    sum_ = " + ".join(f"d{place}.d * {10**place}" for place in range(5))
    numbers = f"(SELECT n FROM (SELECT :first + {sum_} AS n FROM {places}) every WHERE n < :last ORDER BY n) numbers"
    values = columns(total, say)
    state, captured = values["state"], values["captured_at"]
    verdict = f"(CASE {state} WHEN 'accepted' THEN 'accept' WHEN 'rejected' THEN 'reject' ELSE 'skip' END)"
    decision = {
        "id": values["id"],
        "feedback_id": values["id"],
        "kind": "'decide'",
        "decided_at": values["decided_at"],
        "reviewer": drawn(24, REVIEWERS),
        "verdict": verdict,
        "correction": f"(CASE WHEN {chance(25, 100)} = 0 THEN 'It should say otherwise.' END)",
        "duration_ms": f"800 + {chance(26, 9000)}",
        "rubric_version": "''",
        "task_hash": values["dedupe_hash"],
        # Of what was shown again, all is more than a week old.
        "reshow": "0",
    }
    tag = {"feedback_id": values["id"], "tag": drawn(16, TAGS), "state": state, "captured_at": captured}
    made = (
        ("feedback", values, ""),
        ("feedback_tag", tag, f" WHERE {chance(16, 1000)} < 400"),
        ("feedback_decision", decision, f" WHERE {chance(2, 1000)} >= 600"),
    )
    return [
        f"INSERT INTO {table} ({', '.join(parts)}) SELECT {', '.join(parts.values())} FROM {numbers}{where}"
        for table, parts, where in made
    ]


def fill(url: str, total: int, told: Callable[[str], None]) -> None:
    """Make the tables of an empty database and all that is in them."""
    db = Database(url)
    db.run_now(lambda conn: None)
    where, kind = db.url, db.backend
    db.close()
    target: _Sqlite | _Server = _Sqlite(where) if kind == "sqlite" else _Server(where, kind)
    began = time.monotonic()
    target.forget_indexes()
    for first in range(0, total, CHUNK):
        for statement in statements(total, target.words):
            target.run(statement.replace(":first", str(first)).replace(":last", str(min(first + CHUNK, total))))
        target.commit()
        if first // CHUNK % 10 == 9:
            told(f"{first + CHUNK:,} rows after {time.monotonic() - began:.0f} s")
    for number in range(0, total, EVENTS_KNOWN):
        for source in ("discord", "webhook"):
            key = texts.digest(f"e:{source}\0{event(number)}").hex()
            target.run(
                f"UPDATE feedback SET unique_key = x'{key}' WHERE id = '{identity(number)}' AND source = '{source}'"
            )
    _summed(target, total)
    target.commit()
    told(f"all rows after {time.monotonic() - began:.0f} s; now the indexes")
    target.make_indexes()
    target.close()
    told(f"done after {time.monotonic() - began:.0f} s")


def _summed(target: _Sqlite | _Server, total: int) -> None:
    """Counts, models, and clusters: what the program keeps beside the rows."""
    target.run(
        "INSERT INTO feedback_count (state, shard, total) SELECT state, 0, COUNT(*) FROM feedback GROUP BY state"
    )
    say = target.words
    for number, (model, version, key) in enumerate(versions()):
        first = say.moment(str(max(number, 0) * SPAN_S // VERSIONS))
        target.run(f"INSERT INTO feedback_model VALUES ({key}, '{model}', '{version}', {first})")


class _Sqlite:
    words = Words()

    def __init__(self, url: URL) -> None:
        self._conn = sqlite3.connect(url.database or "", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "threads = 2"):
            self._conn.execute(f"PRAGMA {pragma}")
        self._conn.create_function("digest16", 1, texts.digest, deterministic=True)
        self._conn.create_function("hash64", 1, lambda text: sha256(text.encode()).hexdigest(), deterministic=True)
        self._conn.execute("BEGIN")

    def run(self, sql: str) -> None:
        self._conn.execute(sql)

    def commit(self) -> None:
        self._conn.execute("COMMIT")
        self._conn.execute("BEGIN")

    def forget_indexes(self) -> None:
        for table in TABLES:
            for index in table.indexes:
                self.run(f"DROP INDEX {index.name}")

    def make_indexes(self) -> None:
        for table in TABLES:
            for index in table.indexes:
                self.run(str(CreateIndex(index).compile(dialect=sqlite.dialect())))

    def close(self) -> None:
        self._conn.execute("COMMIT")
        self._conn.execute("PRAGMA journal_mode = WAL")
        self._conn.close()


class _Server:
    words = ServerWords()

    def __init__(self, url: URL, kind: str) -> None:
        self._conn = pymysql.connect(
            host=url.host or "127.0.0.1",
            port=url.port or 3306,
            user=url.username,
            password=str(url.password or ""),
            database=url.database,
            charset="utf8mb4",
            read_timeout=36_000,
        )
        own = ", innodb_ddl_buffer_size = 268435456" if kind == "mysql" else ""
        self.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        # Nobody follows these rows, and the log of ten millions would fill the disk.
        self.run(f"SET SESSION sql_log_bin = 0, unique_checks = 0, time_zone = '+00:00'{own}")

    def run(self, sql: str) -> None:
        with self._conn.cursor() as cursor:
            cursor.execute(sql)

    def commit(self) -> None:
        self._conn.commit()

    def forget_indexes(self) -> None:
        for table in TABLES:
            self.run(f"ALTER TABLE {table.name} {', '.join(f'DROP INDEX {index.name}' for index in table.indexes)}")

    def make_indexes(self) -> None:
        for table in TABLES:
            self.run(f"ALTER TABLE {table.name} {', '.join(map(_added, _indexes(table)))}")
            self.run(f"ANALYZE TABLE {table.name}")

    def close(self) -> None:
        self._conn.close()


def _indexes(table: Table) -> list[Any]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _added(index: Any) -> str:
    made = str(CreateIndex(index).compile(dialect=mysql.dialect()))
    kind, _, rest = made.removeprefix("CREATE ").partition("INDEX ")
    name, _, keys = rest.partition(" ON ")
    return f"ADD {kind}INDEX {name} {keys[keys.index('(') :]}"


if __name__ == "__main__":
    fill(sys.argv[2], int(sys.argv[1].replace("_", "")), lambda text: print(text, file=sys.stderr, flush=True))
