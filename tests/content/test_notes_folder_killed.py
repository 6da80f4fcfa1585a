"""A run that ends at any point, and the one after it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from tests.content.test_notes_folder import Vault, home, opened

__all__ = ["home"]

KILLED: tuple[tuple[str, str], ...] = (
    ("app.content.notes.folder_journal.SyncJournal", "keep"),
    ("app.content.notes.folder_files.Folder", "replace"),
    ("app.content.notes.folder_files.Folder", "move"),
    ("app.content.notes.folder_files.Folder", "create"),
    ("app.content.notes.folder_files.Folder", "trash"),
    ("app.content.notes.notes.Notes", "keep"),
)


class Killed(BaseException):
    """The process ends here."""


async def _changed(vault: Vault) -> None:
    for name in ("here", "there", "both", "gone", "named", "moved"):
        vault.write(f"{name}.md", name)
    await vault.sync()
    notes = await vault.all()
    await vault.notes.save(notes["here.md"], body="here 2")
    await vault.notes.save(notes["both.md"], body="both here")
    await vault.notes.place(notes["gone.md"], state="trashed")
    await vault.notes.rename(notes["named.md"], "Newly named")
    await vault.notes.add("New here", "new")
    vault.write("there.md", "there 2")
    vault.write("both.md", "both there")
    vault.write("new there.md", "new there")
    (vault.folder / "moved.md").rename(vault.folder / "moved away.md")


@pytest.mark.parametrize(("place", "name"), KILLED)
@pytest.mark.parametrize("after", [False, True])
async def test_ended_in_the_middle_and_run_again_it_comes_to_the_same(
    place: str, name: str, after: bool, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database, tmp_path) as vault:
        await _changed(vault)
        with monkeypatch.context() as patch:
            patch.setattr(f"{place}.{name}", _dying(place, name, after=after))
            with pytest.raises(Killed):
                await vault.sync()
        await vault.sync()
        day = next(iter((await vault.all()).values())).updated_at.date()
        assert vault.files() == {
            "here.md": b"here 2",
            "there.md": b"there 2",
            "both.md": b"both there",
            f"both (conflict {day}).md": b"both here",
            "Newly named.md": b"named",
            "moved away.md": b"moved",
            "New here.md": b"new",
            "new there.md": b"new there",
        }
        await vault.same()
        assert len((await vault.all()).values()) == len(vault.files())
        assert set(await vault.all("trashed")) == {"gone.md"}


def _dying(place: str, name: str, *, after: bool) -> Callable[..., object]:
    """The method, whose process dies before or after it, the first time that it has something to do."""
    module, _, cls = place.rpartition(".")
    real = getattr(getattr(import_module(module), cls), name)
    if cls == "Notes":

        async def keep(self: object, records: object) -> None:
            if after:
                await real(self, records)
            raise Killed

        return keep

    def method(self: object, *given: Any) -> None:
        if name == "keep" and not any(given := tuple(list(each) for each in given)):
            return
        if after:
            real(self, *given)
        raise Killed

    return method
