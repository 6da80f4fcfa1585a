"""Whatever is done on both sides, a folder and the notes come together again, and no text is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.content.notes.folder_text import parse, split, written
from app.content.notes.notes import blank
from app.db.engine import Database
from app.errors import UserError
from tests.content.test_notes_folder import Vault, opened

NAMES = st.sampled_from(["a.md", "A.md", "b.md", "sub/a.md", "sub/b (conflict 2026-01-01).md", "c d.md"])
TITLES = st.sampled_from(["a", "B", "sub/a", "New: title", "c d", "CON"])
FRONTS = st.sampled_from(
    ["", "---\ntags: [x]\n---\n", "---\n# c\ntitle: a\nmore: {a: 1}\n---\n", "---\r\ntag: y\r\n---\r\n"]
)
NUMBERS = st.integers(0, 3)
EDITS = st.one_of(
    st.tuples(st.just("write"), NAMES, FRONTS),
    st.tuples(st.just("delete"), NAMES, st.none()),
    st.tuples(st.just("move"), NAMES, NAMES),
    st.tuples(st.just("add"), TITLES, st.none()),
    st.tuples(st.just("save"), NUMBERS, st.none()),
    st.tuples(st.just("tag"), NUMBERS, st.sampled_from(["x", "y", "z"])),
    st.tuples(st.just("rename"), NUMBERS, TITLES),
    st.tuples(st.just("trash"), NUMBERS, st.booleans()),
)


ROUNDS = st.lists(st.lists(EDITS, min_size=3, max_size=10), min_size=1, max_size=3)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROUNDS)
def test_edits_on_both_sides_come_together(rounds: list[list[tuple[str, object, object]]]) -> None:
    with TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"QUARTERDECK_HOME": f"{folder}/home"}):
        db = Database(f"sqlite:///{folder}/notes.db")
        try:
            asyncio.run(_lived(db, Path(folder), rounds))
        finally:
            db.close()


async def _lived(db: Database, folder: Path, rounds: list[list[tuple[str, object, object]]]) -> None:
    async with opened(db, folder) as vault:
        texts: set[str] = set()
        number = 0
        for name in ("a.md", "sub/a.md", "c d.md"):
            vault.write(name, f"---\ntags: [x]\n---\nfirst of {name}")
        await vault.sync()
        for edits in rounds:
            for edit in edits:
                number += 1
                await _done(vault, edit, f"text {number}.")
            texts |= {parse(text.decode(), path).body for path, text in vault.files().items()}
            texts |= {note.body for state in ("active", "trashed") for note in (await vault.all(state)).values()}
            report = await vault.sync()
            assert report.faults == []
        await vault.sync()
        await vault.same()
        kept = {version.body for note in await vault.notes.filed() for version in await vault.notes.versions(note.id)}
        assert texts <= kept


async def _done(vault: Vault, edit: tuple[str, object, object], text: str) -> None:
    what, which, other = edit
    if isinstance(which, int):
        filed = await vault.notes.filed()
        if not filed:
            return
        note = (await vault.notes.get([filed[which % len(filed)].id])).popitem()[1]
        if what == "save":
            await vault.notes.save(note, body=text)
        elif what == "tag":
            await vault.notes.save(note, tags=[str(other)])
        elif what == "rename":
            await vault.notes.rename(note, str(other))
        else:
            await vault.notes.place(note, state="trashed" if other else "active")
        assert await vault.spool.flush(20)
    elif what == "add":
        await vault.notes.add(str(which), text)
        assert await vault.spool.flush(20)
    elif what == "write":
        vault.write(str(which), f"{other}{text}")
    elif what == "delete":
        (vault.folder / str(which)).unlink(missing_ok=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            (vault.folder / str(which)).rename(vault.folder / str(other))


LINES = st.lists(
    st.sampled_from(["---", "--- ", "title: a", "tags: b", "", "x", "---\r", "\ufeff", "'", "- a"]), max_size=8
)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, TITLES, st.lists(st.sampled_from(["x", "y", "z w", "#q"]), max_size=3))
def test_what_is_written_is_read_again(front: list[str], body: list[str], title: str, tags: list[str]) -> None:
    note = blank("s", title, "\n".join(body), tags, front="\n".join(front))
    try:
        text = written(note, "a.md")
    except UserError:
        return
    read = parse(text, "a.md")
    assert (read.title, read.tags) == (note.title, note.tags)
    assert text.endswith(note.body)
    assert "".join(split(text)) == text
    again = blank("s", read.title, read.body, read.tags, front=read.front)
    assert written(again, "a.md") == text


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), max_size=12)
FOREIGN = st.one_of(
    st.sampled_from(
        [
            "phone: +4915112345\n",
            "commit: 12345e678\n",
            "feed: 3.14159265358979323846\n",
            "nested:\n    deep:   {a: 1,b: [~, True]}  # four\n    list:\n    - 'x'\n",
            "# a comment\n\n",
            "done: True\n",
            "none: ~\n",
            "empty:\n",
            'accent: "\\u00e9"\n',
            "folded: >\n  one\n  two\n\n\n",
            "kept: |+\n  one\n\n",
            "base: &base {x: 0o17}\n",
            "when: 2024-01-02 10:00:00\n",
            "? odd\n: value\n",
        ]
    ),
    st.builds("w: '{}'\n".format, WORDS.map(lambda word: word.replace("'", "''"))),
    st.builds("flow: [{}, 007, 1_000]   \n".format, WORDS.map(lambda word: "'" + word.replace("'", "''") + "'")),
)
OWN_TITLES = st.sampled_from(
    [
        "",
        "title: Ann\n",
        'title:   "A\\u006en"  # hers\n',
        "title: >-\n  Ann\n",
        "title:\n",
        "title: !!str Ann\n",
        "title: |\n  Ann\n\n",
    ]
)
OWN_TAGS = st.sampled_from(
    [
        "",
        "tags: one two\n",
        "tags: [One, 'two']  # mine\n",
        "tags:\n- one\n- two # second\n- ~\n",
        "tags:\n    - one\n# between\n    - [deep]\n    - two\n",
        "tag: one\n",
        "tags:\n",
        "tags: [\n  one,\n  two,\n]\n",
        "tags: ''\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(FOREIGN, max_size=6, unique_by=lambda text: text.split(":")[0]),
    OWN_TITLES,
    OWN_TAGS,
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from(["Ann", "New: title", "yes", "it's \u2028", "# 1", "2024-01-02"]),
    st.lists(st.sampled_from(["one", "two", "c++", "3", "no", "a,b"]), max_size=3),
    st.sampled_from(["\n", "\r\n"]),
)
def test_other_properties_stay_byte_for_byte(
    foreign: list[str], own: str, tagged: str, places: tuple[int, int], title: str, tags: list[str], ends: str
) -> None:
    lines = list(foreign)
    for place, text in zip(places, (own, tagged), strict=True):
        lines.insert(min(place, len(lines)), text)
    inner = "".join(lines).replace("\n", ends)
    note = blank("s", title, "body", tags, front=f"---{ends}{inner}---{ends}")
    text = written(note, "a.md")
    read = parse(text, "a.md")
    assert (read.title, read.tags, read.body) == (note.title, note.tags, "body")
    rest = read.front
    for piece in foreign:
        between, found, rest = rest.partition(piece.replace("\n", ends))
        assert found
        assert set(re.findall(r"^(\w+):", between, re.M)) <= {"title", "tags", "tag"}
    assert set(re.findall(r"^(\w+):", rest, re.M)) <= {"title", "tags", "tag"}
