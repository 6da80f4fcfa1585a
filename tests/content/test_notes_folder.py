"""A folder of Markdown and the notes, kept in step."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.content.model import Note
from app.content.notes.folder import FolderSync, Report
from app.content.notes.folder_pairs import Mode
from app.content.notes.folder_text import written
from app.content.notes.notes import Notes
from app.db.engine import Database
from app.db.spool import Spool
from app.errors import UserError
from app.events import Bus
from app.storage import register

FRONT = """---
# mine
title: Engine
created: 2024-01-02 # then
tags: [Code, c++]
aliases:
  - Motor
up: [[Fuel]]
---
"""


class Vault:
    """A database with its notes, and a folder beside it."""

    def __init__(self, db: Database, spool: Spool, folder: Path) -> None:
        self.db, self.spool, self.folder = db, spool, folder
        self.notes = Notes(db, spool)

    async def sync(self, mode: Mode = "both", *, dry: bool = False) -> Report:
        return await FolderSync(self.db, self.spool, self.folder).run(mode, dry=dry)

    async def all(self, state: str = "active") -> dict[str, Note]:
        assert await self.spool.flush(20)
        ids = [note.id for note in await self.notes.filed() if note.state == state]
        return {note.path: note for note in (await self.notes.get(ids)).values()}

    async def same(self) -> None:
        """Both sides hold the same, and a further run finds nothing to do."""
        again = await self.sync()
        assert (again.changes, again.faults) == ([], [])
        notes = await self.all()
        assert {path: written(note, path).encode() for path, note in notes.items()} == self.files()

    def files(self) -> dict[str, bytes]:
        found = self.folder.rglob("*.md")
        visible = [
            path for path in found if not any(part.startswith(".") for part in path.relative_to(self.folder).parts)
        ]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in visible}

    def write(self, path: str, text: str) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        return place


@asynccontextmanager
async def opened(db: Database, folder: Path) -> AsyncIterator[Vault]:
    spool = Spool(folder / "spool.db")
    register(spool)
    spool.start(db, Bus())
    vault = folder / "vault"
    (vault / ".obsidian").mkdir(parents=True, exist_ok=True)
    try:
        yield Vault(db, spool, vault)
    finally:
        await spool.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))


def told(report: Report) -> list[tuple[str, str]]:
    return sorted((change.what, change.path) for change in report.changes)


async def test_files_become_notes_and_notes_files(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("parts/Engine.md", FRONT + "It *runs*, see [[Fuel|that]].\r\n")
        vault.write("Fuel.md", "\ufeffPlain, no end")
        vault.write("picture.png", "no text")
        vault.write(".obsidian/app.md", "hidden")
        made = await vault.notes.add("Plans: a/b?", "Here.", ["later"])
        report = await vault.sync()
        assert told(report) == [("exported", "b.md"), ("imported", "Fuel.md"), ("imported", "parts/Engine.md")]
        assert report.faults == []
        engine = await vault.notes.find("engine")
        assert (engine.title, engine.tags, engine.links) == ("Engine", ("c++", "code"), ("fuel",))
        assert engine.front + engine.body == FRONT + "It *runs*, see [[Fuel|that]].\r\n"
        text = (vault.folder / "b.md").read_text("utf-8")
        assert text == "---\ntitle: 'Plans: a/b?'\ntags:\n  - later\n---\nHere."
        assert (await vault.notes.find(made.id)).path == "b.md"
        await vault.same()


async def test_links_lead_by_slug_title_and_path(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a/Engine.md", "first")
        vault.write("b/Engine.md", "second")
        vault.write("b/x.md", "---\ntitle: The long name\n---\n")
        vault.write(
            "see.md", "[[Engine]] [[b/engine|it]] [[The long name]] [[x]] [[b/x.md#part]] [[c/none]] `[[code]]`"
        )
        vault.write("also.md", "[[b/Engine#h|it]]")
        await vault.sync()
        notes = await vault.all()
        see = notes["see.md"]
        found = [(slug, head and head.id) for slug, head in (await vault.notes.linked(see)).items()]
        first, second, third = (notes[path] for path in ("a/Engine.md", "b/Engine.md", "b/x.md"))
        assert found == [(first.slug, first.id), (second.slug, second.id), ("x", third.id), ("none", None)]
        assert [head.title for head in await vault.notes.backlinks(first)] == ["see"]
        assert {head.title for head in await vault.notes.backlinks(second)} == {"see", "also"}
        assert [head.title for head in await vault.notes.backlinks(third)] == ["see"]
        await vault.notes.rename(second, "Motor")
        assert await vault.spool.flush(20)
        await vault.notes.rename(third, "Short")
        notes = await vault.all()
        assert notes["also.md"].body == "[[Motor#h|it]]"
        text = "[[Engine]] [[Motor|it]] [[Short]] [[Short]] [[Short#part]] [[c/none]] `[[code]]`"
        assert notes["see.md"].body == text
        await vault.sync()
        assert set(vault.files()) == {"a/Engine.md", "b/Motor.md", "b/Short.md", "see.md", "also.md"}
        await vault.same()


async def test_each_side_takes_what_the_other_changed(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a.md", FRONT + "one")
        vault.write("b.md", "two").chmod(0o640)
        await vault.sync()
        notes = await vault.all()
        await vault.notes.save(notes["b.md"], body="two here", tags=["x"])
        vault.write("a.md", FRONT + "one there")
        assert told(await vault.sync(dry=True)) == [("taken", "a.md"), ("written", "b.md")]
        assert (vault.folder / "b.md").read_text("utf-8") == "two"
        assert told(await vault.sync()) == [("taken", "a.md"), ("written", "b.md")]
        assert (vault.folder / "b.md").read_text("utf-8") == "---\ntags:\n  - x\n---\ntwo here"
        assert (vault.folder / "b.md").stat().st_mode & 0o777 == 0o640
        versions = await vault.notes.versions(notes["a.md"].id)
        assert [(each.reason, each.body) for each in versions] == [("imported", "one there"), ("imported", "one")]
        await vault.same()


async def test_both_changed_and_both_texts_stay(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("sub/a.md", "one")
        await vault.sync()
        note = (await vault.all())["sub/a.md"]
        saved = await vault.notes.save(note, body="here")
        vault.write("sub/a.md", "there")
        copy = f"sub/a (conflict {saved.updated_at.date()}).md"
        assert told(await vault.sync()) == [("conflict", "sub/a.md"), ("imported", copy)]
        assert vault.files() == {"sub/a.md": b"there", copy: b"here"}
        assert [each.body for each in await vault.notes.versions(note.id)] == ["there", "here", "one"]
        await vault.same()


async def test_the_same_change_on_both_sides_is_no_conflict(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a.md", "one")
        await vault.sync()
        await vault.notes.save((await vault.all())["a.md"], body="two")
        vault.write("a.md", "two")
        assert told(await vault.sync()) == []
        await vault.same()


async def test_what_is_deleted_goes_to_the_trash_unless_the_other_side_changed_it(
    database: Database, tmp_path: Path
) -> None:
    async with opened(database, tmp_path) as vault:
        for name in ("gone here", "gone there", "kept here", "kept there", "gone both"):
            vault.write(f"{name}.md", name)
        await vault.sync()
        notes = await vault.all()
        for name in ("gone here", "kept there", "gone both"):
            await vault.notes.place(notes[f"{name}.md"], state="trashed")
        await vault.notes.save(notes["kept here.md"], body="new here")
        vault.write("kept there.md", "new there")
        for name in ("gone there", "kept here", "gone both"):
            (vault.folder / f"{name}.md").unlink()
        assert told(await vault.sync()) == [
            ("exported", "kept here.md"),
            ("restored", "kept there.md"),
            ("trashed", "gone here.md"),
            ("trashed", "gone there.md"),
        ]
        assert vault.files() == {"kept here.md": b"new here", "kept there.md": b"new there"}
        assert (vault.folder / ".trash/gone here.md").read_text("utf-8") == "gone here"
        assert set(await vault.all("trashed")) == {"gone here.md", "gone there.md", "gone both.md"}
        await vault.same()
        await vault.notes.place((await vault.all("trashed"))["gone there.md"], state="active")
        assert told(await vault.sync()) == [("exported", "gone there.md")]
        await vault.same()


async def test_files_and_notes_that_get_another_name_stay_one(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        for name in ("a", "b"):
            vault.write(f"{name}.md", f"text of {name}")
        vault.write("c.md", "see [[b]]")
        await vault.sync()
        notes = await vault.all()
        (vault.folder / "sub").mkdir()
        (vault.folder / "a.md").rename(vault.folder / "sub/Alpha.md")
        await vault.notes.rename(notes["b.md"], "Beta")
        assert told(await vault.sync()) == [("taken", "sub/Alpha.md"), ("written", "Beta.md"), ("written", "c.md")]
        assert vault.files() == {"sub/Alpha.md": b"text of a", "Beta.md": b"text of b", "c.md": b"see [[Beta]]"}
        alpha = (await vault.all())["sub/Alpha.md"]
        assert (alpha.id, alpha.slug, alpha.title) == (notes["a.md"].id, "alpha", "Alpha")
        await vault.same()


async def test_files_that_cannot_be_read_are_told_and_left(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("broken.md", "---\nx: 1\n---\ntext")
        await vault.sync()
        note = (await vault.all())["broken.md"]
        vault.write("broken.md", "---\nx: 1\ntags: [a\n---\ntext")
        vault.write("open.md", "---\ntitle: never closed\n\ntext")
        vault.write("twice.md", "---\ntitle: a\ntitle: b\n---\n")
        (vault.folder / "latin.md").write_bytes(b"one\ntw\xe9")
        (vault.folder / os.fsdecode(b"n\xe9.md")).write_bytes(b"name")
        before = vault.files()
        report = await vault.sync()
        assert report.changes == []
        assert sorted(fault.where for fault in report.faults) == [
            "broken.md:4",
            "latin.md:2",
            "n\\udce9.md",
            "open.md:1",
            "twice.md:3",
        ]
        assert vault.files() == before
        assert (await vault.all())["broken.md"] == note


async def test_links_and_dots_lead_nowhere(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret.md").write_text("secret", "utf-8")
        (vault.folder / "link.md").symlink_to(outside / "secret.md")
        (vault.folder / "away").symlink_to(outside)
        for path in ("../out.md", "/tmp/qd-out.md", "a/../../out.md", ".hidden/x.md", "a.txt"):
            await vault.notes.add(path, path, path=path)
        await vault.sync()
        assert [each.name for each in outside.iterdir()] == ["secret.md"]
        assert not (vault.folder.parent / "out.md").exists()
        notes = await vault.all()
        assert len(notes) == 5
        assert all((vault.folder / path).is_file() for path in notes)


NAMES: tuple[tuple[str, str], ...] = (
    ("a/b: c?", "b-c.md"),
    ("CON", "CON_.md"),
    ("aux.x", "aux_.x.md"),
    (".dots.", "dots.md"),
    ("???", "note.md"),
    ("Straße", "Straße.md"),
    ("e\u0301", "\u00e9.md"),
    ("日" * 200, "日" * 60 + ".md"),
)


@pytest.mark.parametrize(("title", "name"), NAMES)
async def test_titles_that_no_file_can_have(title: str, name: str, database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        await vault.notes.add(title, "x")
        await vault.sync()
        assert list(vault.files()) == [name]
        assert [note.title for note in (await vault.all()).values()] == [title]
        await vault.same()


async def test_names_that_differ_in_case_only(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        for title in ("Engine", "ENGINE", "engine"):
            await vault.notes.add(title, title)
            assert await vault.spool.flush(20)
        await vault.sync()
        assert sorted(vault.files()) == ["Engine.md", "engine-2.md", "engine-3.md"]
        await vault.same()


async def test_a_folder_that_is_not_mounted_trashes_nothing(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a.md", "one")
        await vault.sync()
        (vault.folder / "a.md").unlink()
        (vault.folder / ".obsidian").rmdir()
        with pytest.raises(UserError, match="the folder is empty"):
            await vault.sync()
        assert set(await vault.all()) == {"a.md"}


async def test_import_and_export_write_one_side_alone(database: Database, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as vault:
        vault.write("a.md", "one")
        vault.write("copy/a.md", "one")
        await vault.notes.add("Mine", "mine")
        assert told(await vault.sync("in")) == [("imported", "a.md"), ("imported", "copy/a.md")]
        assert sorted(vault.files()) == ["a.md", "copy/a.md"]
        assert told(await vault.sync("in")) == []
        assert told(await vault.sync("out")) == [("exported", "Mine.md")]
        notes = await vault.all()
        vault.write("a.md", "one there")
        await vault.notes.save(notes["a.md"], body="one here")
        await vault.notes.save(notes["Mine.md"], body="mine too")
        assert told(await vault.sync("out")) == [
            ("conflict", "a.md"),
            ("written", "Mine.md"),
        ]
        assert sorted(each for each in vault.files().values()) == [b"mine too", b"one", b"one here", b"one there"]
        assert ("conflict", "a.md") in told(await vault.sync("in"))
        assert (await vault.all())["a.md"].body == "one there"
