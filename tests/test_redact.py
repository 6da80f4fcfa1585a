"""What is taken out of a text, and what is left in it."""

from __future__ import annotations

import pytest

from app.redact import names_a_secret, redact, redactor

HIDDEN = [
    "mysql://me:hunter2@db:3306/qd",
    "mysql+pymysql://me:hun@ter2@db/qd",
    "redis://:hunter2@db",
    "https://ghp0123456789abcdefhunter2@github.com/x.git",
    "Authorization: Bearer hunter2.hunter2",
    "{'Authorization': 'Basic aHVudGVyMg==hunter2'}",
    "authorization=hunter2",
    "sent Bearer hunter2hunter2 to it",
    "api_key=hunter2&symbol=AAPL",
    "https://x/?apikey=hunter2",
    "POLYGON_API_KEY=hunter2 qd",
    'password = "hunter2 with blanks"',
    "{'token': 'hunter2', 'a': 1}",
    '"client_secret": "hunter2"',
    "DB_PASSWORD: hunter2",
    "access-key: hunter2",
    "passwd='hunter2'",
]

LEFT = [
    "mysql://me@db:3306/qd",
    "tests/test_auth.py::test_password[a] failed",
    "config.toml:14: market.symbols: expected a list",
    "the keyring has no entry token of quarterdeck",
    "http://127.0.0.1:8080/a@b",
    "key=q",
    "monkey = 1",
    "user@host:path/file",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_hides(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "********" in redact(text)


@pytest.mark.parametrize("text", LEFT)
def test_leaves(text: str) -> None:
    assert redact(text) == text


def test_keeps_what_stands_around() -> None:
    assert redact("see mysql://me:hunter2@db/qd?x=1 and go") == "see mysql://me:********@db/qd?x=1 and go"
    assert redact('{"token": "hunter2", "a": 1}') == '{"token": ********, "a": 1}'


def test_hides_known_secrets_longest_first() -> None:
    apply = redactor(["swordfish", "swordfish and more", "abc"])
    assert apply("swordfish and more, swordfish, abc") == "********, ********, abc"


@pytest.mark.parametrize("name", ["POLYGON_API_KEY", "password", "MyToken", "DB_PASSWORD", "client-secret", "AUTH"])
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["keys", "author", "PATH", "name", "tokenizer", "authority"])
def test_names_of_no_secrets(name: str) -> None:
    assert not names_a_secret(name)


def test_a_long_text_takes_no_time() -> None:
    text = "a" * 200_000 + "://" + "b:" * 50_000 + "password" * 20_000
    assert redact(text)
