"""A folder of pages: Markdown and HTML, with an index and a feed. Every file is replaced whole.

What the folder holds is kept in `publications.json`; index and feed are made of it anew with each page. A page is this
target's when that list says so, index and feed are when they bear the mark: nothing else is ever written over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import html
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from app.content.model import Part, Publication
from app.content.publishing.model import Change, Final, Outcome, Problem, Target, Text
from app.content.render.html import slug
from app.errors import UserError
from app.files import replace_texts

CATALOGUE = "publications.json"
LOCK = ".publications.lock"
SLUG_LONGEST = 80
FEED_LONGEST = 50
MARK = "made by Quarterdeck of publications.json"
"""Stands in every index and feed that is made here."""


class Files:
    """One folder."""

    def __init__(self, target: Target) -> None:
        self._folder = Path(target.options["folder"])
        self._format = str(target.options.get("format") or "both")
        self._url = str(target.options.get("address") or "").rstrip("/")
        self._title = str(target.options.get("title") or target.name)

    def final(self, text: Text) -> Final:
        """One page."""
        body = text.body if text.body.endswith("\n") else text.body + "\n"
        data = {"html": text.page if self._format != "markdown" else "", "author": text.author}
        parts = (Part(body, data),) if text.body.strip() else ()
        return Final(text.title, parts, body, titled=True)

    def problems(self, final: Final) -> list[Problem]:
        """A page needs a title, which its file is called by, and a folder whose index and feed are nobody else's."""
        found = [] if final.title.strip() else [Problem("empty", "it has no title, which its file is called by")]
        try:
            self._claim()
        except (OSError, UserError) as error:
            found.append(Problem("taken", _fault(error, self._folder)))
        return found

    def refuses(self, change: Change) -> str:
        """Pages can be edited and deleted."""
        return ""

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Write the page. Written again it takes its own place."""
        return await asyncio.to_thread(self._written, publication, part, "")

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Write another text in the place of the page, at the same address."""
        return await asyncio.to_thread(self._written, publication, part, remote_id)

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Remove the page, and its line from index and feed."""
        return await asyncio.to_thread(self._removed, publication, remote_id)

    async def close(self) -> None:
        """Nothing is open."""

    def _written(self, publication: Publication, part: Part, instead: str) -> Outcome:
        identity = instead or publication.id
        try:
            with self._locked():
                entries = self._read()
                known = entries.get(identity)
                if known is None and instead:
                    what = f"{CATALOGUE} does not know the page any more, so that it cannot be changed; publish anew"
                    return Outcome("permanent", what)
                name = known["name"] if known is not None else self._name(publication, entries)
                entries[identity] = {
                    "name": name,
                    "title": publication.title,
                    "author": part.data.get("author", ""),
                    "published": known["published"] if known is not None else publication.due_at.isoformat(),
                    "updated": datetime.now(UTC).isoformat(),
                }
                pages = {}
                if self._format != "html":
                    pages[self._folder / f"{name}.md"] = part.text
                if self._format != "markdown":
                    pages[self._folder / f"{name}.html"] = part.data["html"]
                self._put(entries, pages)
        except (OSError, UserError) as error:
            return Outcome("permanent", _fault(error, self._folder))
        return Outcome("accepted", remote_id=identity, url=self._address(name))

    def _removed(self, publication: Publication, identity: str) -> Outcome:
        try:
            with self._locked():
                entries = self._read()
                entry = entries.pop(identity, None)
                if entry is None:
                    name = Path(unquote(urlsplit(publication.url).path)).name
                    if name and (self._folder / name).exists():
                        what = f"{CATALOGUE} does not know its page any more; remove {self._folder / name} by hand"
                        return Outcome("permanent", what)
                    return Outcome("accepted", remote_id=identity)
                self._claim()
                for ending in ("md", "html"):
                    with contextlib.suppress(FileNotFoundError):
                        (self._folder / f"{entry['name']}.{ending}").unlink()
                self._put(entries, {})
        except (OSError, UserError) as error:
            return Outcome("permanent", _fault(error, self._folder))
        return Outcome("accepted", remote_id=identity)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """No other program writes in the folder meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _put(self, entries: Mapping[str, Any], pages: Mapping[Path, str]) -> None:
        """Write the list, these pages, and what is made of the list: all of it, or nothing where there is no room.

        The list comes first: a page that it knows takes its own place when this was cut short and is done again.
        """
        self._claim()
        there = [each for each in entries.values() if self._stands(each["name"], pages)]
        newest = sorted(there, key=lambda entry: (entry["published"], entry["name"]), reverse=True)
        texts = {self._folder / CATALOGUE: json.dumps(entries, indent=1, ensure_ascii=False) + "\n", **pages}
        if self._format != "html":
            texts[self._folder / "index.md"] = self._markdown_index(newest)
        if self._format != "markdown":
            texts[self._folder / "index.html"] = self._html_index(newest)
        texts[self._folder / "feed.xml"] = self._feed(newest[:FEED_LONGEST])
        replace_texts(texts)

    def _stands(self, name: str, pages: Mapping[Path, str]) -> bool:
        files = [self._folder / f"{name}.{ending}" for ending in ("md", "html")]
        return any(file in pages or file.exists() for file in files)

    def _claim(self) -> None:
        """Raise UserError where an index or a feed is somebody else's."""
        made = ["feed.xml", *(["index.md"] if self._format != "html" else [])]
        made += ["index.html"] if self._format != "markdown" else []
        for path in (self._folder / name for name in made):
            try:
                own = MARK in path.read_text("utf-8", "replace")
            except FileNotFoundError:
                continue
            except IsADirectoryError:
                own = False
            if not own:
                fix = "move it away, or give the target a folder of its own"
                raise UserError("it is there, and was not made by this target", where=str(path), fix=fix)

    def _name(self, publication: Publication, entries: Mapping[str, Any]) -> str:
        """A name that no page has, and no file that is somebody else's."""
        day = publication.due_at.strftime("%Y-%m-%d")
        words = slug(publication.title)[:SLUG_LONGEST].strip("-") or "text"
        name, taken = f"{day}-{words}", {entry["name"] for entry in entries.values()}
        own = f"{name}-{publication.id[-6:].lower()}"
        for found in itertools.chain((name, own), (f"{own}-{number}" for number in itertools.count(2))):
            free = not any(os.path.lexists(self._folder / f"{found}.{ending}") for ending in ("md", "html"))
            if found not in taken and free:
                return found
        raise AssertionError("unreachable")

    def _read(self) -> dict[str, Any]:
        path = self._folder / CATALOGUE
        try:
            entries = json.loads(path.read_text("utf-8"))
            if not isinstance(entries, dict) or any(not _right(entry) for entry in entries.values()):
                raise ValueError
        except FileNotFoundError:
            return {}
        except ValueError:
            what = "it is no list of what this target's folder holds, or is broken"
            raise UserError(what, where=str(path), fix="repair it, or remove it to begin anew") from None
        return entries

    def _address(self, name: str) -> str:
        ending = "md" if self._format == "markdown" else "html"
        return f"{self._url}/{name}.{ending}" if self._url else (self._folder / f"{name}.{ending}").as_uri()

    def _markdown_index(self, newest: list[Mapping[str, str]]) -> str:
        lines = [f"- {entry['published'][:10]} [{_plain(entry['title'])}]({entry['name']}.md)" for entry in newest]
        return "\n".join([f"# {_plain(self._title)}", "", f"<!-- {MARK} -->", "", *lines]) + "\n"

    def _html_index(self, newest: list[Mapping[str, str]]) -> str:
        lines = [
            f'<li><time>{entry["published"][:10]}</time> <a href="{html.escape(entry["name"])}.html">'
            f"{html.escape(entry['title'])}</a></li>"
            for entry in newest
        ]
        title = html.escape(self._title)
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f"<!-- {MARK} -->\n<title>{title}</title>\n"
            '<meta name="viewport" content="width=device-width">\n'
            '<link rel="alternate" type="application/atom+xml" href="feed.xml">\n</head>\n'
            f"<body>\n<h1>{title}</h1>\n<ul>\n" + "\n".join(lines) + "\n</ul>\n</body>\n</html>\n"
        )

    def _feed(self, newest: list[Mapping[str, str]]) -> str:
        """Atom 1.0."""
        updated = max((entry["updated"] for entry in newest), default=datetime.now(UTC).isoformat())
        home = self._url + "/" if self._url else self._folder.as_uri()
        lines = [
            '<?xml version="1.0" encoding="utf-8"?>',
            f"<!-- {MARK} -->",
            '<feed xmlns="http://www.w3.org/2005/Atom">',
            f"<title>{_xml(self._title)}</title><id>{_xml(home)}</id><updated>{updated}</updated>",
            f"<link href={quoteattr(home)}/>",
        ]
        for entry in newest:
            address = self._address(entry["name"])
            lines += [
                "<entry>",
                f"<title>{_xml(entry['title'])}</title><id>{_xml(address)}</id><link href={quoteattr(address)}/>",
                f"<published>{entry['published']}</published><updated>{entry['updated']}</updated>",
                f"<author><name>{_xml(entry['author'] or self._title)}</name></author>",
                "</entry>",
            ]
        return "\n".join([*lines, "</feed>"]) + "\n"


def _right(entry: Any) -> bool:
    names = ("name", "title", "author", "published", "updated")
    if not isinstance(entry, dict) or any(not isinstance(entry.get(name), str) for name in names):
        return False
    # It names files that are removed: nothing outside the folder.
    return entry["name"] == Path(entry["name"]).name and entry["name"] not in ("", ".", "..")


def _fault(error: OSError | UserError, folder: Path) -> str:
    return str(error) if isinstance(error, UserError) else f"{error.filename or folder}: {error.strerror or error}"


def _plain(text: str) -> str:
    return " ".join(text.replace("[", "\\[").replace("]", "\\]").split())


def _xml(text: str) -> str:
    return escape("".join(char for char in text if char >= " " and char not in "\ufffe\uffff"))
