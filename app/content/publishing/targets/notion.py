"""Notion, as pages below a page or in a data source: by its own Markdown, or as blocks.

Creating a page is not repeatable, so that every page carries the id of its publication (a property, or its first line),
and is looked for by it before it is created once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.content.model import Part, Publication
from app.content.publishing.model import Change, Final, Outcome, Problem, Target, Text
from app.content.publishing.targets import answers
from app.content.publishing.targets.notion_blocks import blocks_of, pieces
from app.http import Answer, Client, UnreachableError

VERSION = "2026-03-11"
LARGEST = 500_000
MOST = 100
TITLE_LONGEST = 2000
LOOKED = 10
"""Pages of the same title that are looked into for our id."""
_LATER = frozenset({"rate_limited", "service_overload"})


class Notion:
    """One place in a workspace."""

    def __init__(self, target: Target, *, timeout_s: float = 20.0) -> None:
        options = target.options
        headers = {"Authorization": f"Bearer {options['token']}", "Notion-Version": VERSION}
        self._client = Client(str(options["api"]), headers=headers, timeout_s=timeout_s)
        self._parent, self._source = str(options["parent"]), options["parent_kind"] == "data_source"
        self._property = str(options["id_property"]) if self._source else ""
        self._blocks = bool(options["blocks"])

    def final(self, text: Text) -> Final:
        """A page; as blocks in parts of as many as one request may have."""
        if not text.body.strip():
            return Final(text.title, (), text.body, titled=True)
        if not self._blocks:
            return Final(text.title, (Part(text.body),), text.body, titled=True)
        made = pieces(blocks_of(text.body), MOST - 1)
        return Final(text.title, tuple(Part("", {"blocks": piece}) for piece in made), text.body, titled=True)

    def problems(self, final: Final) -> list[Problem]:
        """What one request may not hold."""
        found = []
        if not final.title.strip():
            found.append(Problem("empty", "it has no title, which a page needs"))
        if len(final.title) > TITLE_LONGEST:
            found.append(Problem("length", f"the title has {len(final.title)} characters of {TITLE_LONGEST}"))
        for part in final.parts:
            size = len(part.text.encode()) + len(repr(part.data).encode())
            if size > LARGEST:
                found.append(Problem("length", f"a part has {size:,} bytes, Notion takes {LARGEST:,}"))
        return found

    def refuses(self, change: Change) -> str:
        """Pages of blocks cannot be edited."""
        if change == "edit" and self._blocks:
            return "pages of blocks are not edited from here; publish anew and delete the old one"
        return ""

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Create the page, or add the next blocks to it."""
        try:
            if number and not publication.remote[0]:
                return Outcome("permanent", "the id of its page is not known, so that the rest cannot be added to it")
            if number:
                path = f"/blocks/{publication.remote[0]}/children"
                answer = await self._client.once("PATCH", path, json={"children": part.data["blocks"]})
                return _outcome(answer) if not answer.ok else Outcome("accepted", remote_id=publication.remote[0])
            if publication.attempts > 1 and (found := await self._found(publication)) is not None:
                return found
            return await self._created(publication, part)
        except UnreachableError as error:
            return answers.unreached(error)

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Put another text into the page, which can be repeated."""
        if why := self.refuses("edit"):
            return Outcome("permanent", why)
        body = {
            "type": "replace_content",
            "replace_content": {"new_str": self._marked(publication, part.text), "allow_deleting_content": True},
        }
        try:
            answer = await self._client.once("PATCH", f"/pages/{remote_id}/markdown", json=body)
        except UnreachableError as error:
            return answers.unreached(error, repeatable=True)
        return Outcome("accepted", remote_id=remote_id) if answer.ok else _outcome(answer, repeatable=True)

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Put the page into the trash."""
        try:
            answer = await self._client.once("PATCH", f"/pages/{remote_id}", json={"in_trash": True})
        except UnreachableError as error:
            return answers.unreached(error, repeatable=True)
        return Outcome("accepted", remote_id=remote_id) if answer.ok else _outcome(answer, repeatable=True)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _created(self, publication: Publication, part: Part) -> Outcome:
        name = "title"
        if self._source:
            schema = await self._client.once("GET", f"/data_sources/{self._parent}")
            if not schema.ok:
                return _before(schema)
            properties = _object(schema).get("properties", {})
            name = next((key for key, value in properties.items() if value.get("type") == "title"), "title")
            if self._property and properties.get(self._property, {}).get("type") != "rich_text":
                what = f"the data source has no text property `{self._property}`; add it, or correct id_property"
                return Outcome("permanent", what)
        body: dict[str, Any] = {
            "parent": {"type": "data_source_id", "data_source_id": self._parent}
            if self._source
            else {"type": "page_id", "page_id": self._parent},
            "properties": {name: {"title": [_words(publication.title)]}},
        }
        if self._property:
            body["properties"][self._property] = {"rich_text": [_words(publication.id)]}
        if self._blocks:
            mark = [] if self._property else blocks_of(_mark(publication))
            body["children"] = [*mark, *part.data["blocks"]]
        else:
            body["markdown"] = self._marked(publication, part.text)
        try:
            answer = await self._client.once("POST", "/pages", json=body)
        except UnreachableError as error:
            return await self._after(publication, answers.unreached(error))
        if answer.ok:
            return _page(_object(answer))
        return await self._after(publication, _outcome(answer))

    async def _after(self, publication: Publication, outcome: Outcome) -> Outcome:
        """Where it is not known whether the page was created, look for it."""
        if outcome.kind != "unknown":
            return outcome
        try:
            found = await self._found(publication)
        except UnreachableError:
            return outcome
        return found if found is not None and found.kind == "accepted" else outcome

    async def _found(self, publication: Publication) -> Outcome | None:
        """The page of a publication, where it is there; a refusal where that cannot be found out."""
        if self._property:
            asked = {"filter": {"property": self._property, "rich_text": {"equals": publication.id}}, "page_size": 1}
            answer = await self._client.once("POST", f"/data_sources/{self._parent}/query", json=asked)
            if not answer.ok:
                return _before(answer)
            results = _object(answer).get("results", [])
            return _page(results[0]) if results else None
        search = {"query": publication.title[:200], "filter": {"property": "object", "value": "page"}, "page_size": 50}
        answer = await self._client.once("POST", "/search", json=search)
        if not answer.ok:
            return _before(answer)
        for page in [each for each in _object(answer).get("results", []) if self._ours(each)][:LOOKED]:
            text = await self._client.once("GET", f"/pages/{page['id']}/markdown")
            if not text.ok:
                return _before(text)
            if publication.id in str(_object(text).get("markdown", ""))[:400]:
                return _page(page)
        return None

    def _ours(self, page: Mapping[str, Any]) -> bool:
        parent = page.get("parent", {})
        given = str(parent.get("data_source_id" if self._source else "page_id", ""))
        return given.replace("-", "") == self._parent.replace("-", "")

    def _marked(self, publication: Publication, text: str) -> str:
        return text if self._property else f"{_mark(publication)}\n\n{text}"


def _mark(publication: Publication) -> str:
    return f"`{publication.replaces or publication.id}`"


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"content": text}}


def _object(answer: Answer) -> dict[str, Any]:
    value = answer.json()
    return value if isinstance(value, dict) else {}


def _page(page: Mapping[str, Any]) -> Outcome:
    identity = str(page.get("id") or "")
    if not identity:
        return Outcome("unknown", "Notion answered without a page; look whether it is there")
    return Outcome("accepted", remote_id=identity, url=str(page.get("url") or ""))


def _before(answer: Answer) -> Outcome:
    """Of a question that changes nothing."""
    return _outcome(answer, repeatable=True)


def _outcome(answer: Answer, *, repeatable: bool = False) -> Outcome:
    value = _object(answer)
    code, message = str(value.get("code") or ""), str(value.get("message") or answers.words(answer))
    told = f"{message[:500]} [{code or answer.status}]"
    if code in _LATER or answer.status == 429:
        return answers.busy(answer)
    if 300 <= answer.status < 400:
        return answers.moved(answer)
    if answer.status >= 500:
        return answers.trouble(answer, repeatable=repeatable)
    if code == "conflict_error":
        return Outcome("retry", told, answer.status)
    if code == "unauthorized" or answer.status == 401:
        return answers.refused(answer, f"the token is wrong: {told}", disabled=True)
    if code == "object_not_found":
        return answers.refused(answer, f"{told}; it is not there, or is not shared with the integration: connect it")
    return answers.refused(answer, told)
