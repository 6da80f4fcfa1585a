"""All templates that there are: those that come with the program, and the user's, which replace them by their names."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.content.model import Template
from app.content.templates import frontmatter
from app.content.templates.fill import shipped
from app.errors import UserError

Origin = Literal["shipped", "user", "imported"]
IMPORTED = "imported"
"""Folder below the user's whose templates came from somebody else: they are filled in a process of their own."""
NOT_TEMPLATES = frozenset({"STYLE", "README"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the list; one that is broken has its error instead."""

    id: str
    path: str
    origin: Origin
    template: Template | None
    error: UserError | None = None


class Catalogue:
    """The templates, read anew by each call, so that a saved file counts at once."""

    def __init__(self, user_folder: Path | None = None) -> None:
        """`user_folder` need not exist."""
        self._folders: list[tuple[Path, Origin]] = [(shipped(), "shipped")]
        if user_folder is not None:
            self._folders += [(user_folder / IMPORTED, "imported"), (user_folder, "user")]

    def all(self) -> tuple[Entry, ...]:
        """Every template by its id, the broken ones with what is wrong with them."""
        found = {path.stem: (path, root, origin) for path, root, origin in self._files()}
        return tuple(_entry(*found[name]) for name in sorted(found))

    def find(self, name: str) -> Template:
        """The template of this id. Raises UserError, also where it is broken."""
        found = [(path, root, origin) for path, root, origin in self._files() if path.stem == name]
        if not found:
            known = sorted({path.stem for path, _, _ in self._files()})
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"did you mean {near[0]}?" if near else "`qd content templates` shows them"
            raise UserError(f"there is no template {name[:40]!r}", fix=fix)
        entry = _entry(*found[-1])
        if entry.template is None:
            raise entry.error or UserError("the template cannot be read", where=entry.path)
        return entry.template

    def _files(self) -> Iterator[tuple[Path, Path, Origin]]:
        for folder, origin in self._folders:
            try:
                paths = sorted(folder.iterdir())
            except OSError:
                continue
            for path in paths:
                if path.suffix == ".md" and path.stem not in NOT_TEMPLATES and path.name[0] not in "_.":
                    yield path, folder, origin


def _entry(path: Path, root: Path, origin: Origin) -> Entry:
    try:
        # Unlike `resolve`, this has an answer for a link that leads to itself; reading it then tells what is wrong.
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            what = "this leads out of the templates' folder"
            raise UserError(what, where=f"{path}:1", fix="copy the file into the folder")
        return Entry(path.stem, str(path), origin, frontmatter.load(path, root, trusted=origin != "imported"))
    except UserError as error:
        return Entry(path.stem, str(path), origin, None, error)
