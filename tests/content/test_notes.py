"""Notes: versions, links, and one search on every database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert

from app.content.model import Note
from app.content.notes import finding, words
from app.content.notes.links import mended, slug_of, targets
from app.content.notes.notes import Notes
from app.content.notes.search import search
from app.content.tables import note, note_tag
from app.db.copying.job import copy
from app.db.engine import Database
from app.db.spool import Spool
from app.errors import UserError
from app.events import Bus
from app.storage import register

SHELF = (
    ("Engine", "How the parser reads hello-world and foo.bar, the C++ way.", ("code", "c++")),
    ("Crème brûlée", "Recipe: sugar, CREAM and eggs. AND then wait... 🦊 watches.", ("food",)),
    ("日本語の文書", "東京に行く。", ("travel",)),
    ("Café plans", "the of a to be: nothing but short words, x y", ("food", "travel")),
    ("Engines of old", "An engine said 'no' to C and C#; snake_case too. Straße.", ()),
    ("Überblick", "Ωmega, Привет мир, the engine again", ("code",)),
    ("Long", f"begin {'w' * 200} end {'я' * 60} emoji 👩‍👧 here", ()),
)
QUERIES: tuple[tuple[str, list[str]], ...] = (
    ("engine", ["Engines of old", "Engine", "Überblick"]),
    ("ENGIN", ["Engines of old", "Engine", "Überblick"]),
    ("engine old", ["Engines of old"]),
    ("engi old", []),
    ("c++", ["Engine"]),
    ("c#", ["Engines of old"]),
    ("c said", ["Engines of old"]),
    ("foo.bar", ["Engine"]),
    ("hello-world", ["Engine"]),
    ("hello-wor", ["Engine"]),
    ("AND", ["Engines of old", "Crème brûlée", "Engine"]),
    ("sugar AND eggs", ["Crème brûlée"]),
    ("\"said\" 'no'", ["Engines of old"]),
    ('(engine" OR *', []),
    ("creme", ["Crème brûlée"]),
    ("BRÛLÉE", ["Crème brûlée"]),
    ("cafe", ["Café plans"]),
    ("strasse", ["Engines of old"]),
    ("uberblick", ["Überblick"]),
    ("ωMEGA", ["Überblick"]),
    ("привет МИР", ["Überblick"]),
    ("the of a to be", ["Café plans"]),
    ("x y", ["Café plans"]),
    ("日本", ["日本語の文書"]),
    ("日", ["日本語の文書"]),
    ("書", ["日本語の文書"]),
    ("本日", []),
    ("東京 行く", ["日本語の文書"]),
    ("🦊", ["Crème brûlée"]),
    ("👩‍👧", ["Long"]),
    ("w" * 199, ["Long"]),
    ("я" * 50, ["Long"]),
    ("я" * 5, ["Long"]),
    ("case", ["Engines of old"]),
    ("tag:food", ["Café plans", "Crème brûlée"]),
    ("tag:food tag:travel", ["Café plans"]),
    ("tag:code engine", ["Engine", "Überblick"]),
    ("engine TAG:#Code", ["Engine", "Überblick"]),
    ("tag:c++", ["Engine"]),
    ("tag:nothing", []),
    ("+++ ***", []),
    ("gone", []),
)


@asynccontextmanager
async def noting(db: Database, folder: Path) -> AsyncIterator[tuple[Notes, Spool]]:
    spool = Spool(folder / "spool.db")
    register(spool)
    spool.start(db, Bus())
    try:
        yield Notes(db, spool), spool
    finally:
        await spool.close()


async def filled(notes: Notes, spool: Spool) -> list[Note]:
    made = [await notes.add(title, body, tags) for title, body, tags in SHELF]
    trashed = await notes.add("Gone engine", "gone")
    assert await spool.flush(20)
    await notes.place(trashed, state="trashed")
    assert await spool.flush(20)
    return made


async def test_every_database_gives_the_same_answers(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        await filled(notes, spool)
        found = {query: [head.title for head in await notes.search(query)] for query, _ in QUERIES}
        assert found == dict(QUERIES)
        assert len(await notes.search("")) == len(SHELF)
        for limit in (1, 2, 3):
            for query, titles in QUERIES:
                assert [head.title for head in await notes.search(query, limit=limit)] == titles[:limit]
        hit = (await notes.search("cream"))[0]
        assert "CREAM" in hit.snippet
        assert hit.tags == ("food",)


async def test_words_that_went_are_found_no_more(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        made = await notes.add("One", "apple")
        await notes.save(made, body="pear")
        assert await spool.flush(20)
        assert await notes.search("apple") == ()
        assert [head.id for head in await notes.search("pea")] == [made.id]


async def test_a_copy_can_be_searched_and_so_can_a_file_that_was_vacuumed(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        await filled(notes, spool)
    other = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    copy(database, other)
    other.run_now(lambda conn: conn.execute(delete(note).where(note.c.title == "Long")) and None, True)
    other.close()
    with closing(sqlite3.connect(tmp_path / "copy.db", isolation_level=None)) as file:
        file.execute("VACUUM")
    other = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    found = {
        query: [head.title for head in other.run_now(partial(search, query=words.parse(query), limit=50))]
        for query, _ in QUERIES
    }
    assert found == {query: [title for title in titles if title != "Long"] for query, titles in QUERIES}
    other.close()


async def test_versions_are_kept_and_both_of_two_who_save_one_note(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        made = await notes.add(" A\ntitle ", "one", ["#B", "a", "a"], front="---\nx: 1\n---\n")
        assert await notes.save(made, body="one") is made
        await notes.save(made, body="two")
        last = await notes.save(made, body="three")
        assert await spool.flush(20)
        found = await notes.find(made.id[-8:].lower())
        assert (found.title, found.body, found.tags, found.slug) == ("A title", "three", ("a", "b"), "a-title")
        assert (found.hash, found.version, found.front) == (last.hash, 2, made.front)
        assert [version.body for version in await notes.versions(made.id)] == ["three", "two", "one"]
        trashed = await notes.place(found, state="trashed")
        assert await spool.flush(20)
        assert (await notes.page()).notes == ()
        assert [head.id for head in (await notes.page("trashed")).notes] == [trashed.id]
        for name, told in (("", "no note"), ("%", "no note")):
            with pytest.raises(UserError, match=told):
                await notes.find(name)
        with pytest.raises(UserError, match="has a title"):
            await notes.add(" ", "x")


async def test_two_notes_of_one_name_both_stay(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        made = [await notes.add("Same", str(n)) for n in range(2)]
        assert await spool.flush(20)
        third = await notes.add("Same", "2")
        assert await spool.flush(20)
        found = [(await notes.find(each.id)) for each in (*made, third)]
        assert [each.body for each in found] == ["0", "1", "2"]
        assert [each.slug for each in found][::2] == ["same", "same-2"]
        assert found[1].slug == f"same-{made[1].id[-6:].lower()}"


async def test_links_lead_both_ways_and_follow_a_new_name(database: Database, tmp_path: Path) -> None:
    body = "[[Old Name]] [[old-name|shown]] ![[Old name#Part|x]] [[Else]] `[[Old name]]`\n```\n[[Old name]]\n```\n"
    async with noting(database, tmp_path) as (notes, spool):
        old = await notes.add("Old name", "about [[old name]] itself")
        linking = await notes.add("Linking", body)
        assert await spool.flush(20)
        assert {head.title for head in await notes.backlinks(old)} == {"Old name", "Linking"}
        assert {slug: head and head.title for slug, head in (await notes.linked(linking)).items()} == {
            "old-name": "Old name",
            "else": None,
        }
        new, others = await notes.rename(old, "New: name")
        assert await spool.flush(20)
        assert [each.id for each in others] == [linking.id]
        assert (await notes.find("new name")).body == "about [[New: name]] itself"
        assert (await notes.find("linking")).body == (
            "[[New: name]] [[New: name|shown]] ![[New: name#Part|x]] [[Else]] `[[Old name]]`\n```\n[[Old name]]\n```\n"
        )
        assert {head.title for head in await notes.backlinks(new)} == {"New: name", "Linking"}
        assert [version.reason for version in await notes.versions(linking.id)] == ["mended", "created"]


async def test_a_second_new_name_finds_what_the_first_one_wrote(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        old = await notes.add("Old", "about [[Old]] itself")
        linking = await notes.add("Linking", "[[Old]], and more")
        first, others = await notes.rename(old, "New")
        assert [each.id for each in others] == [linking.id]
        await notes.save(others[0], body="[[New]], and much more")
        await notes.save(first, body="[[New]] has another text")
        await notes.rename(first, "Newest")
        assert await spool.flush(20)
        assert (await notes.find("linking")).body == "[[Newest]], and much more"
        assert (await notes.find("newest")).body == "[[Newest]] has another text"
        assert [version.body for version in await notes.versions(linking.id)] == [
            "[[Newest]], and much more",
            "[[New]], and much more",
            "[[New]], and more",
            "[[Old]], and more",
        ]


async def test_the_list_is_read_a_page_at_a_time(database: Database, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as (notes, spool):
        for n in range(5):
            await notes.add(f"t{n}", "x", ["odd"] if n % 2 else ["even"])
        assert await spool.flush(20)
        for tag, expected in (("", ["t4", "t3", "t2", "t1", "t0"]), ("#Odd", ["t3", "t1"])):
            titles, after = [], None
            while True:
                page = await notes.page(tag_=tag, limit=2, after=after)
                titles += [head.title for head in page.notes]
                after = page.after
                if after is None:
                    break
            assert titles == expected
        assert await notes.tags() == {"even": 3, "odd": 2}


def test_links_and_slugs() -> None:
    assert slug_of(" Folder/Some Note.md ") == "some-note"
    assert slug_of("Ünï_code: 日本!") == "ünï-code-日本"
    assert slug_of("***") == ""
    assert targets("[[a]] [[b|c]] [[a#d]] [[#own]] [[ ]] [x](y) [[x\ny]] ~~~\n") == ("a", "b")
    assert targets("| [[a\\|shown]] | [[b#c\\|d]] | ![[e.md#^f|100x20]] |") == ("a", "b", "e")
    assert targets("``[[a]] ` [[b]]`` [[c]] \\[[d]] ~~~\n\n~~~\n[[e]]\n~~~\n[[f]]\n```\n[[g]]") == ("c", "d", "f")
    assert mended("| [[a\\|b]] | [[a#h\\|t]] |", {"a"}, "New") == "| [[New\\|b]] | [[New#h\\|t]] |"
    assert mended("[[a]] [[ab]] [[A#h|t]]", {"a", "A"}, "New") == "[[New]] [[ab]] [[New#h|t]]"


@given(st.text(alphabet="aAéE1_ -+#.'ßя日本語🦊\u0301", max_size=30), st.text(max_size=20))
def test_the_beginning_of_a_word_is_the_beginning_of_its_token(one: str, other: str) -> None:
    for text_ in (one, other):
        for token in words.tokens(text_):
            assert token.isascii()
            assert token.isalnum()
            assert len(token) <= words.LONGEST
    assert words.tokens(words.folded(one)) == words.tokens(one)


def plain(notes: Sequence[tuple[str, str, tuple[str, ...]]], query: words.Query) -> list[int]:
    """The search once more, over a list, the last one newest."""

    def has(found: set[str], term: words.Term) -> bool:
        return any(token.startswith(term.token) for token in found) if term.begins else term.token in found

    hits = []
    for number, (title, body, tags) in enumerate(notes):
        everywhere = words.tokens(title) | words.tokens(body)
        if set(query.tags) <= set(tags) and all(has(everywhere, term) for term in query.terms) and not query.nothing:
            hits.append((bool(query.terms) and all(has(words.tokens(title), term) for term in query.terms), number))
    return [number for _, number in sorted(hits, reverse=True)]


HOSTILE = (
    "a an and AND OR the Ann é E\u0301 e foo.bar foo hello-world C++ c C# 日本 日 本語 ｶﾅ 🦊 👩\u200d👧 x'y \" + * ( "
    "мир МИР Straße strasse % _ \\ {{x}} [[link]]"
)
WORDS = st.sampled_from(HOSTILE.split())
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)
TAGS = st.sampled_from([(), ("t",), ("t",), ("t", "u"), ("c++",)])
ASKED = st.lists(st.one_of(WORDS, st.sampled_from(["tag:t", "tag:u", "TAG:#C++", "tag:none"])), max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(TEXTS, TEXTS, TAGS), max_size=12),
    st.lists(ASKED.map(" ".join), min_size=3, max_size=3),
    st.integers(1, 20),
    st.fixed_dictionaries({"SAMPLE": st.sampled_from([1, 2, 4, 256]), "WALKED": st.sampled_from([0, 3, 1200])}),
    st.fixed_dictionaries(
        {"MANY": st.sampled_from([0, 3, 20_000]), "RARE": st.sampled_from([1, 4]), "ASKED": st.sampled_from([1, 3])}
    ),
)
def test_it_finds_what_a_plain_search_finds(
    database: Database,
    shelf: list[tuple[str, str, tuple[str, ...]]],
    asked: list[str],
    limit: int,
    looked: dict[str, Any],
    counted: dict[str, Any],
) -> None:
    """By each of the ways that there are, which many notes would need otherwise."""
    database.run_now(partial(put, shelf=shelf), True)
    with mock.patch.multiple(finding, **(looked | counted)):
        for query in map(words.parse, asked):
            found = [int(head.slug) for head in database.run_now(partial(search, query=query, limit=limit))]
            assert found == plain(shelf, query)[:limit]


def put(conn: Connection, shelf: Sequence[tuple[str, str, tuple[str, ...]]]) -> None:
    for table in (note, note_tag):
        conn.execute(delete(table))
    if shelf:
        conn.execute(insert(note), [row(number, title, body) for number, (title, body, _) in enumerate(shelf)])
    tags = [
        {"note_id": f"{number:02}", "tag": tag, "updated_at": row(number, "", "")["updated_at"]}
        for number, (_, _, tags) in enumerate(shelf)
        for tag in tags
    ]
    if tags:
        conn.execute(insert(note_tag), tags)


def row(number: int, title: str, body: str) -> dict[str, Any]:
    # Two of each moment: of these the later id comes first.
    at = datetime(2026, 11, 21, 0, 0, number // 2, tzinfo=UTC)
    texts = {"title": title, "body": body, "words": words.index(title, body), "path": "", "front": "", "hash": ""}
    return texts | {
        "id": f"{number:02}",
        "slug": str(number),
        "state": "active",
        "version": 1,
        "revision": 1,
        "created_at": at,
        "updated_at": at,
    }
