"""Drafts from templates: with their context, the same at any later time, each numbered kind knowing its successors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from app.content.context import registry
from app.content.context.registry import Ask, register
from app.content.drafts import store
from app.content.drafts.drafts import Drafts
from app.content.making import Maker, again, superseded
from app.content.model import Draft, Template
from app.content.style import rules
from app.content.style.linter import Linter
from app.content.style.model import Options
from app.content.templates.catalogue import Catalogue
from app.content.templates.fill import shipped, tidy
from app.db.engine import Database
from app.db.spool import Spool
from app.errors import UserError
from app.ids import new_id
from app.word_diff import Piece, by_words, marked
from tests.content.drafting import drafting

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
COMMIT = {
    "short": "abc123def",
    "oid": "abc123def0",
    "scope": "",
    "author": "Ada",
    "url": "",
    "breaking": False,
    "text": "a *journal* @everyone",
    "repository": "desk",
}
GIT: dict[str, Any] = {
    "since": "2026-11-20T10:00:00+00:00",
    "published_before": True,
    "repository": "desk",
    "branch": "main",
    "repositories": [],
    "branches": [],
    "breaking": [],
    "authors": [{"name": "Ada", "count": 1}],
    "left_out": 0,
    "groups": [{"title": "Features", "commits": [COMMIT]}],
    "commits": [COMMIT],
    "total": 1,
    "files": 2,
    "insertions": 3,
    "deletions": 4,
}


@asynccontextmanager
async def making(db: Database, folder: Path, user: Path | None = None) -> AsyncIterator[tuple[Maker, Drafts, Spool]]:
    """What makes drafts of the shipped templates, and of the user's."""

    def ask(template: Template) -> Ask:
        return Ask(template.id, NOW, ZoneInfo("Europe/Berlin"), "Ada", db=db)

    async with drafting(db, folder) as (drafts, spool):
        yield Maker(Catalogue(user), drafts, ask, folder / "state"), drafts, spool


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """`world(source, data)`: what a source says from now on."""
    monkeypatch.setattr(registry, "_joined", {})

    def say(name: str, data: Any) -> None:
        async def source(_: Ask) -> Any:
            return data

        register(name, source)

    return say


async def made(maker: Maker, spool: Spool, name: str, **given: Any) -> Draft:
    """A draft of a template, in the database."""
    draft = await maker.make(await maker.begin(name, asked=False), given)
    assert await spool.flush(20)
    return draft


async def test_a_draft_is_the_same_whatever_happens_later(
    database: Database, tmp_path: Path, world: Callable[[str, Any], None]
) -> None:
    world("git", GIT)
    async with making(database, tmp_path) as (maker, drafts, spool):
        draft = await made(maker, spool, "devlog", title="The journal", story="It was late...")
        assert "1 commit, 2 files changed (+3, -4) since 20 November 2026" in draft.body
        assert "@everyone" not in draft.body
        assert draft.title == "The journal"
        world("git", {**GIT, "total": 99})
        world("tests", {**dict.fromkeys(("passed", "failed", "error", "skipped"), 1), "new_failures": [], "fixed": []})
        found = await drafts.find(draft.id)
        assert again(found, maker.catalogue.find("devlog")) == draft.body == found.body
        assert found.context["git"]["hash"] == draft.context["git"]["hash"]
        assert found.context["tests"] == draft.context["tests"]
        newer = await made(maker, spool, "devlog", title="Another")
        assert "99 commits" in newer.body


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in shipped().glob("*.md") if path.stem not in ("STYLE", "_parts"))
)
async def test_every_shipped_template_is_filled_with_and_without_data(
    tmp_path: Path, name: str, world: Callable[[str, Any], None]
) -> None:
    db = Database(f"sqlite:///{tmp_path}/qd.db")
    try:
        async with making(db, tmp_path) as (maker, _, _):
            texts = []
            for data in (None, GIT):
                world("git", data)
                begun = await maker.begin(name, asked=False)
                given = {field.name: "Some words" for field in begun.template.fields if field.required}
                title, text = await maker.preview(begun, given)
                assert title
                assert text == tidy(text)
                texts.append(text)
            for text in texts:
                assert "None" not in text
                assert "{{" not in text
                assert errors(text) == []
            if "git" in begun.template.context:
                assert texts[0] != texts[1]
    finally:
        db.close()


@pytest.mark.parametrize("path", sorted(shipped().rglob("*.md")), ids=lambda path: path.stem)
def test_what_is_shipped_keeps_the_house_style(path: Path) -> None:
    assert errors(path.read_text("utf-8")) == []


def errors(text: str) -> list[Any]:
    """What a text has against the house style that is an error."""
    return [each for each in Linter(rules.style(Options())).lint(text).findings if each.severity == "error"]


async def test_a_decision_that_supersedes_another_is_written_at_both_ends(database: Database, tmp_path: Path) -> None:
    given = {"problem": "p", "options": "a journal\nno journal"}
    async with making(database, tmp_path) as (maker, drafts, spool):
        first = await made(maker, spool, "adr", title="Use a journal", **given)
        assert first.number == 1
        assert first.body.startswith('---\nstatus: "proposed"\n')
        assert "# ADR-0001: Use a journal" in first.body
        edited = await drafts.save(first, first.body + "\nby hand\n")
        assert await spool.flush(20)
        second = await made(maker, spool, "adr", title="Use two: both", supersedes="ADR-0001", **given)
        assert second.number == 2
        assert 'supersedes: "ADR-0001"' in second.body
        old = await drafts.find(first.id)
        assert (old.version, old.fields["superseded_by"]) == (edited.version + 1, 2)
        assert 'status: "superseded by [ADR-0002](0002-use-two-both.md)"\n' in old.body
        assert old.body.endswith("\nby hand\n")
        assert [version.reason for version in await drafts.versions(first.id)] == ["edited", "saved", "created"]
        for wrong in ("9", "x", "ADR-", "99999999999999999999"):
            with pytest.raises(UserError, match="to supersede"):
                await made(maker, spool, "adr", title="t", supersedes=wrong, **given)
        assert (await drafts.counts())["draft"] == 2
        assert await drafts.next_number("adr") == 3


async def test_superseding_is_one_step(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the program, both ends are written or none: it is one write of the journal, and one transaction."""
    given = {"problem": "p", "options": "a journal\nno journal"}
    async with making(database, tmp_path) as (maker, drafts, spool):
        first = await made(maker, spool, "adr", title="Use a journal", **given)
        written: list[dict[str, Any]] = []
        put = spool.put

        async def noted(kind: str, payload: Any, op_id: str | None = None) -> str:
            written.append(payload)
            return await put(kind, payload, op_id)

        monkeypatch.setattr(spool, "put", noted)
        second = await made(maker, spool, "adr", title="Use two", supersedes="1", **given)
        assert [(each["id"], each["beside"]["id"]) for each in written] == [(second.id, first.id)]
        broken = {**written[0], "id": new_id(), "kept": {**written[0]["kept"], "id": new_id()}}
        broken["beside"] = {**broken["beside"], "template": "x" * 300, "revision": 99}
        with pytest.raises(ValidationError):
            await database.run(lambda conn: store.apply(conn, broken), write=True)
        assert (await drafts.counts())["draft"] == 2


def test_a_status_is_written_where_there_is_none() -> None:
    by = Draft("A", "adr", "", "adr", "New way", "", "draft", 1, 1, NOW, NOW, 12)
    status = 'status: "superseded by [ADR-0012](0012-new-way.md)"'
    assert superseded("# t\n", by) == f"---\n{status}\n---\n\n# t\n"
    assert superseded("---\ndate: x\n---\n# t\n\nstatus: kept\n", by) == (
        f"---\n{status}\ndate: x\n---\n# t\n\nstatus: kept\n"
    )


async def test_wrong_answers_keep_nothing(database: Database, tmp_path: Path) -> None:
    async with making(database, tmp_path) as (maker, drafts, spool):
        with pytest.raises(UserError, match="no answer to: title"):
            await made(maker, spool, "devlog")
        with pytest.raises(UserError, match="is no date"):
            await made(maker, spool, "devlog", title="x", when="tomorrow")
        assert await drafts.counts() == {}


async def test_the_next_draft_begins_with_the_last_answers(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/qd.db")
    try:
        async with making(db, tmp_path) as (maker, _, spool):
            await made(maker, spool, "devlog", title="x", audience="developers")
            begun = await maker.begin("devlog", asked=True)
            assert (begun.defaults["audience"], begun.defaults["title"]) == ("developers", "x")
            assert "title" not in (await maker.begin("devlog", asked=False)).defaults
    finally:
        db.close()


async def test_what_an_imported_template_says_is_filled_apart(tmp_path: Path) -> None:
    (tmp_path / "imported").mkdir()
    (tmp_path / "imported" / "theirs.md").write_text(
        "---\nname: '{{ a }} of {{ today }}'\nfields: [{name: a, default: '{{ author }}'}]\n---\n\n\n"
        "# {{ a }}\n\n\n\n`x`"
    )
    db = Database(f"sqlite:///{tmp_path}/qd.db")
    try:
        async with making(db, tmp_path, tmp_path) as (maker, _, spool):
            draft = await made(maker, spool, "theirs")
            assert (draft.title, draft.body) == ("Ada of 2026-11-21", "# Ada\n\n`x`\n")
    finally:
        db.close()


def test_no_two_empty_lines_but_in_code() -> None:
    text = "\n\na\n\n\n\nb\n  \n\n```\nx\n\n\n\ny  \n~~~\n\n\n```\n\n\n\nc\n\n"
    assert tidy(text) == "a\n\nb\n\n```\nx\n\n\n\ny  \n~~~\n\n\n```\n\nc\n"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("one two three\n", "one 2 three\n", "one [-two-]{+2+} three\n"),
        ("a\nb\n", "a\nb\nc\n", "a\nb\n{+c\n+}"),
        ("", "x", "{+x+}"),
        ("x", "", "[-x-]"),
        ("same", "same", "same"),
    ],
)
def test_differences_by_words(before: str, after: str, shown: str) -> None:
    pieces = by_words(before, after)
    assert marked(pieces) == shown
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_a_long_place_that_changed_is_shown_whole() -> None:
    before, after = "a " * 9000, "b " * 9000
    assert by_words(before, after) == (Piece("removed", before), Piece("added", after))
