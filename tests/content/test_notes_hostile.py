"""Files and names that a folder of notes may hold, and that have broken others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.content.notes.folder_files import LARGEST
from app.content.notes.records import BODY_LENGTH
from app.db.engine import Database
from tests.content.test_notes_folder import Vault, home, opened
from tests.servers import Prepared

__all__ = ["home"]

NFC, NFD = "\u00e9t\u00e9.md", "e\u0301te\u0301.md"


@pytest.fixture
def sqlite(prepared_databases: Prepared) -> Iterator[Database]:
    """What is about files alone needs no server."""
    yield prepared_databases.get(None)
    prepared_databases.clean(None)


async def _changed(vault: Vault, path: str, body: str) -> None:
    """Another text on this side, and a run."""
    await vault.notes.save((await vault.all())[path], body=body)
    report = await vault.sync()
    assert (report.faults, [change.path for change in report.changes]) == ([], [path])


FRONTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("---\ntags: one two\n---\n", "a", ("one", "two")),
    ("---\ntags: '#one, two/three'\n---\n", "a", ("one", "two/three")),
    ("---\ntags:\n- 1\n- null\n- 2024-01-01\n- yes\n---\n", "a", ("1", "2024-01-01", "yes")),
    ("---\ntags:\n---\n", "a", ()),
    ("---\ntag: One\ntags: [Two, '#one']\n---\n", "a", ("one", "two")),
    ("---\naliases:\n  - Motor # the old name\n  - 'M: 1'\ncssclasses: wide\n---\n", "a", ()),
    ("---\ntitle: [b, c]\n---\n", "a", ()),
    ("---\ntitle: {{date}}\n---\n", "a", ()),
    ("---\ntitle: 2024-01-02\n---\n", "2024-01-02", ()),
    ('---\ntitle: "a\\e[31mred"\n---\n', "a\x1b[31mred", ()),
    ("---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n", "a", ()),
    ("\ufeff---\r\ntitle: Mark\r\ntags: x, y\r\n---\r\n", "Mark", ("x", "y")),
    ("---  \ntitle: b\n---\t\n", "b", ()),
    ("---\n---\n", "a", ()),
    ("----\ntitle: b\n----\n", "a", ()),
    ("\n---\ntitle: b\n---\n", "a", ()),
)


@pytest.mark.parametrize(("front", "title", "tags"), FRONTS)
async def test_front_matter_stays_byte_for_byte(
    front: str, title: str, tags: tuple[str, ...], sqlite: Database, tmp_path: Path
) -> None:
    async with opened(sqlite, tmp_path) as vault:
        given = f"{front}text [[x]]\r\n"
        vault.write("a.md", given)
        assert (await vault.sync()).faults == []
        note = (await vault.all())["a.md"]
        assert (note.title, note.tags, note.front + note.body) == (title, tags, given)
        assert vault.files() == {"a.md": given.encode()}
        await _changed(vault, "a.md", note.body + "more")
        assert vault.files() == {"a.md": f"{given}more".encode()}
        await vault.same()


BROKEN: tuple[tuple[bytes, str], ...] = (
    (b"---\ntitle: a\x01b\n---\n", "a.md:2"),
    (b"---\n\ttitle: x\n---\n", "a.md:2"),
    (b"---\nx: 1\na: " + b"[" * 5000 + b"]" * 5000 + b"\n---\n", "a.md:2"),
    (b"---\nx: 1\n- y\n---\n", "a.md:3"),
    (b"---\ntitle: 'open\n---\n", "a.md:3"),
    (b"---\njust a line\n---\n", "a.md:2"),
    (b"---\ntags: [" + b",".join(b"t%d" % n for n in range(300)) + b"]\n---\n", "a.md"),
    (b"y" * (BODY_LENGTH + 1), "a.md"),
    (b"x" * (LARGEST + 1), "a.md"),
    ("text".encode("utf-16"), "a.md:1"),
    (b"\x89PNG\r\n\x1a\n\0\0", "a.md:1"),
)


@pytest.mark.parametrize(("data", "where"), BROKEN)
async def test_what_cannot_be_read_is_told_with_its_place_and_left(
    data: bytes, where: str, sqlite: Database, tmp_path: Path
) -> None:
    async with opened(sqlite, tmp_path) as vault:
        (vault.folder / "a.md").write_bytes(data)
        vault.write("b.md", "fine")
        report = await vault.sync()
        assert [fault.where for fault in report.faults] == [where]
        assert all(fault.fix for fault in report.faults)
        assert vault.files() == {"a.md": data, "b.md": b"fine"}
        assert set(await vault.all()) == {"b.md"}


async def test_names_that_files_can_have_here(sqlite: Database, tmp_path: Path) -> None:
    async with opened(sqlite, tmp_path) as vault:
        deep = "/".join(f"d{n}" for n in range(60)) + "/deep.md"
        names = ("n" * 252 + ".md", "new\nline.md", " space .md", "CON.md", "a:b.md", "back\\slash.md", "x.MD", deep)
        for name in names:
            vault.write(name, name)
        (vault.folder / "folder.md").mkdir()
        vault.write("folder.md/in.md", "in")
        os.mkfifo(vault.folder / "pipe.md")
        report = await vault.sync()
        assert report.faults == []
        notes = await vault.all()
        assert set(notes) == {*names, "folder.md/in.md"}
        for name in names:
            await _changed(vault, name, f"{name}, changed")
        assert stat.S_ISFIFO((vault.folder / "pipe.md").stat().st_mode)
        assert (await vault.sync()).changes == []
        assert {name: (vault.folder / name).read_bytes() for name in names} == {
            name: f"{name}, changed".encode() for name in names
        }


async def test_names_that_some_file_systems_take_for_one(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        for name in (NFC, NFD, "Case.md", "case.md"):
            vault.write(name, name)
        vault.write("see.md", f"[[sub/{NFC[:-3]}]]")
        vault.write(f"sub/{NFD}", "in a folder")
        await vault.sync()
        notes = await vault.all()
        assert {path: note.body for path, note in notes.items() if "/" not in path and path != "see.md"} == {
            name: name for name in (NFC, NFD, "Case.md", "case.md")
        }
        assert len({note.slug for note in notes.values()}) == len(notes)
        leads = (await vault.notes.linked(notes["see.md"])).values()
        assert [head and head.id for head in leads] == [notes[f"sub/{NFD}"].id]
        await vault.same()


async def test_a_file_that_got_the_other_form_of_its_name_stays_its_note(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write(NFC, "text")
        vault.write("Case.md", "other")
        await vault.sync()
        before = {note.id for note in (await vault.all()).values()}
        (vault.folder / NFC).rename(vault.folder / NFD)
        (vault.folder / "Case.md").rename(vault.folder / "CASE.md")
        assert (await vault.sync()).faults == []
        notes = await vault.all()
        assert {note.id for note in notes.values()} == before
        assert set(notes) == {NFD, "CASE.md"}
        await vault.same()


async def test_a_note_with_nul_is_kept_as_the_file_has_it(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a.md", "one\0two")
        await vault.sync()
        assert (await vault.sync()).changes == []
        assert vault.files() == {"a.md": b"one\0two"}
        assert [head.title for head in await vault.notes.search("two")] == ["a"]
        await _changed(vault, "a.md", "one\0two\0three")
        assert vault.files() == {"a.md": b"one\0two\0three"}


FOREIGN = (
    "---\ntitle: Ann\nphone: +4915112345\ncommit: 12345e678 # short\nfeed: 3.14159265358979323846\n"
    'nested:\n    deep: {a: 1,b: "\\u00e9"}\n'
    "done: True\nnone: ~\nfolded: >\n  one\n  two\nbase: &b {x: 1}\nmore:\n    <<: *b\n---\ntext"
)


async def test_tags_given_here_change_no_other_property(sqlite: Database, tmp_path: Path) -> None:
    async with opened(sqlite, tmp_path) as vault:
        vault.write("Ann.md", FOREIGN)
        await vault.sync()
        await vault.notes.save((await vault.all())["Ann.md"], tags=["x"])
        assert (await vault.sync()).faults == []
        assert vault.files() == {"Ann.md": FOREIGN.replace("---\ntext", "tags:\n  - x\n---\ntext").encode()}
        await vault.notes.rename((await vault.all())["Ann.md"], "Ann: 2")
        assert (await vault.sync()).faults == []
        renamed = FOREIGN.replace("title: Ann", "title: 'Ann: 2'").replace("---\ntext", "tags:\n  - x\n---\ntext")
        assert vault.files() == {"Ann 2.md": renamed.encode()}
        await vault.same()


async def test_front_matter_whose_places_cannot_be_told_is_left_and_told(sqlite: Database, tmp_path: Path) -> None:
    async with opened(sqlite, tmp_path) as vault:
        front = "---\nmine: &t [a]\ntags: *t\n---\n"
        vault.write("a.md", f"{front}text")
        await vault.sync()
        await vault.notes.save((await vault.all())["a.md"], tags=["a", "b"])
        faults = (await vault.sync()).faults
        assert [(fault.where, "an alias" in fault.what) for fault in faults] == [("a.md", True)]
        assert vault.files() == {"a.md": f"{front}text".encode()}


@pytest.mark.parametrize("name", ["n" * 252, "sub/" + "日" * 84, "a"])
async def test_a_name_that_is_as_long_as_may_be_goes_to_the_trash_again_and_again(
    name: str, sqlite: Database, tmp_path: Path
) -> None:
    async with opened(sqlite, tmp_path) as vault:
        for number in range(12):
            vault.write(f"{name}.md", f"text {number}")
            await vault.sync()
            note = (await vault.all())[f"{name}.md"]
            await vault.notes.place(note, state="trashed")
            assert (await vault.sync()).faults == []
        kept = sorted((vault.folder / ".trash").rglob("*.md"))
        assert {path.read_text("utf-8") for path in kept} == {f"text {number}" for number in range(12)}
        assert all(path.name.startswith(name.rpartition("/")[2][:1]) for path in kept)
