"""A note as the text of a file: YAML front matter, as Obsidian has it, and below it the body.

Front matter is kept as it was written. Only where the title or the tags of the note say something else are those two
keys mended, and what else stands there stays byte for byte.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.content.notes.notes import tags_of, title_of
from app.content.notes.words import tag
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.model import Note

EMPTY = "---\n---\n"
LONGEST = 256 * 1024
"""Characters of front matter."""
_FRONT = re.compile(r"(\ufeff?)(---[ \t]*(?:\r\n|\n))(.*?)(^---[ \t]*(?:\r?\n|\Z))", re.S | re.M)
_OPENED = re.compile(r"\ufeff?---[ \t]*\r?\n[^\W\d][\w -]*:(?:\s|\Z)")
_BETWEEN = re.compile(r"[,\s]+")
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class FileText:
    """What the text of a file says. `front + body` is that text."""

    title: str
    tags: tuple[str, ...]
    front: str
    body: str


def parse(text: str, path: str) -> FileText:
    """A file's text, which is called as its front matter says, or as the file. Raises UserError with file and line."""
    front, body = split(text, path)
    keys = _Keys(front, path)
    tags = [word for word in keys.words("tags", "tag") if tag(word)]
    try:
        title = title_of(keys.text("title") or stem(path))
    except UserError:
        title = "note"
    return FileText(title, tags_of(tags), front, body)


def written(note: Note, path: str) -> str:
    """The text of the file `path` that holds the note. Raises UserError where its front matter cannot be mended."""
    front, body = note.front, note.body
    if front and body and not front.endswith(("\n", "\ufeff")):
        front += "\n"
    if not _holds(front, body):
        front, body = EMPTY, front + body
    said = parse(front, path)
    title = note.title if said.title != note.title else None
    tags = note.tags if set(said.tags) != set(note.tags) else None
    if title is None and tags is None:
        return front + body
    mended = _mended(front, title, tags, path)
    said = parse(mended + body, path)
    if (said.title, set(said.tags), said.body) != (note.title, set(note.tags), body):
        raise UserError("title and tags cannot be written into this front matter", where=path, fix="simplify it")
    return mended + body


def split(text: str, path: str = "") -> tuple[str, str]:
    """Front matter with the lines around it (and a byte order mark), and what follows. Raises UserError."""
    found = _FRONT.match(text)
    if found is None:
        if _OPENED.match(text):
            raise _wrong(path, 1, "the front matter has no end", "write a line --- below it")
        mark = text[:1] if text.startswith("\ufeff") else ""
        return mark, text[len(mark) :]
    if len(found[3]) > LONGEST:
        raise _wrong(path, 1, f"the front matter has more than {LONGEST:,} characters", "shorten it")
    return found[0], text[found.end() :]


def stem(path: str) -> str:
    """The name of a file without folders and ending."""
    name = unicodedata.normalize("NFC", path.rsplit("/", 1)[-1])
    return name[:-3] if name.lower().endswith(".md") else name


def _holds(front: str, body: str) -> bool:
    try:
        return split(front + body) == (front, body)
    except UserError:
        return False


class _Keys:
    """The keys of a front matter; all that is not asked for may be what it will, as long as it is YAML."""

    def __init__(self, front: str, path: str) -> None:
        self._nodes: dict[str, Any] = {}
        found = _FRONT.match(front)
        if found is not None and found[3].strip():
            self._read(found[3], path)

    def _read(self, text: str, path: str) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.nodes import MappingNode, ScalarNode

        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(str(error.problem or error.context or "").split())
            line = 2 + (mark.line if mark is not None else 0)
            raise _wrong(path, line, f"the front matter is no YAML: {said}", "correct it") from None
        except (YAMLError, ValueError, RecursionError) as error:
            place = getattr(error, "position", 0)
            line = 2 + (text.count("\n", 0, place) if isinstance(place, int) else 0)
            said = " ".join(str(error).split())[:200]
            raise _wrong(path, line, f"the front matter is no YAML: {said}", "correct it") from None
        if node is None:
            return
        if not isinstance(node, MappingNode):
            raise _wrong(path, 2, "the front matter has no keys", "write lines such as `title: Engine`")
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                if key.value in self._nodes:
                    line = 2 + key.start_mark.line
                    raise _wrong(path, line, f"`{key.value[:40]}` stands here twice", "leave one of them")
                self._nodes[key.value] = value

    def text(self, name: str) -> str:
        value = self._nodes.get(name)
        return "" if value is None else next(_scalars([value]), "").strip()

    def words(self, *names: str) -> list[str]:
        """The entries of lists; a text is its words."""
        found: list[str] = []
        for name in names:
            node = self._nodes.get(name)
            if node is not None and isinstance(node.value, list):
                found += _scalars(node.value)
            elif node is not None:
                found += [word for each in _scalars([node]) for word in _BETWEEN.split(each)]
        return found


def _scalars(nodes: Collection[Any]) -> Iterator[str]:
    for node in nodes:
        value = getattr(node, "value", None)
        if isinstance(value, str) and not (value in _NULLS and str(node.tag).endswith(":null")):
            yield value


def _mended(front: str, title: str | None, tags: tuple[str, ...] | None, path: str) -> str:
    """The front matter with another title and other tags."""
    from ruamel.yaml.error import YAMLError

    from app.content.notes.folder_front import UnclearError, mended

    found = _FRONT.match(front)
    mark, begin, inner, end = found.groups() if found is not None else (front, "---\n", "", "---\n")
    try:
        inner = mended(inner, title, tags, "\r\n" if begin.endswith("\r\n") else "\n")
    except (UnclearError, YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"title and tags cannot be written: {said}", where=path, fix="simplify it") from None
    return mark + begin + inner + end


def _wrong(path: str, line: int, what: str, fix: str) -> UserError:
    return UserError(what, where=f"{path}:{line}", fix=fix)
