"""A draft from a template: context, answers, text. What a form and the command line share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.content.context import registry
from app.content.context.registry import Ask, gather
from app.content.drafts.drafts import Changed
from app.content.model import ContextPart, Draft, Template
from app.content.render.html import slug
from app.content.templates import answers
from app.content.templates.catalogue import Catalogue
from app.content.templates.fill import OCCASION, Text, data_of, fill, fill_texts
from app.content.templates.tidying import tidy
from app.content.templates.values import complete, defaults_of
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.drafts.drafts import Drafts

SUPERSEDES = "supersedes"
"""A field of numbered templates: the number of the draft that the new one takes the place of."""
SUPERSEDED = "superseded_by"
_STATUS = re.compile(r"^status:.*$", re.MULTILINE)
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Begun:
    """A template with its context gathered, and what its fields begin with."""

    template: Template
    context: Mapping[str, ContextPart]
    defaults: Mapping[str, Any]


class Maker:
    """Makes drafts. `ask` gives what the sources of a template's context are asked with."""

    def __init__(self, catalogue: Catalogue, drafts: Drafts, ask: Callable[[Template], Ask], state: Path) -> None:
        """`state` is the folder in which the last answers are remembered."""
        self.catalogue, self._drafts, self._ask, self._state = catalogue, drafts, ask, state

    async def begin(self, name: str, *, asked: bool) -> Begun:
        """The template with everything that a form shows before the first key. Raises UserError.

        `asked` is False where nobody can answer: earlier answers then do not stand in for required ones.
        """
        import asyncio

        template = await asyncio.to_thread(self.catalogue.find, name)
        ask = self._ask(template)
        context = await gather(template.context, ask)
        if template.numbered:
            number = await self._drafts.next_number(template.kind)
            context = {**context, OCCASION: registry.occasion(ask, number)}
        remembered = answers.recall(self._state, template)
        defaults = await asyncio.to_thread(defaults_of, template, context, remembered, asked=asked)
        return Begun(template, context, defaults)

    async def preview(self, begun: Begun, given: Mapping[str, Any]) -> tuple[str, str]:
        """Title and text of the draft that these answers would make. Raises UserError."""
        import asyncio

        values = complete(begun.template, given, begun.defaults)
        texts = await asyncio.to_thread(_texts, begun.template, values, begun.context)
        return texts["name"], texts["body"]

    async def make(self, begun: Begun, given: Mapping[str, Any], *, title: str = "") -> Draft:
        """The draft of these answers, kept with its context. Raises UserError; nothing is kept then."""
        import asyncio

        template, context = begun.template, begun.context
        values = complete(template, given, begun.defaults)
        before = await self._superseded(template, values)
        texts = await asyncio.to_thread(_texts, template, values, context)
        number = context[OCCASION].data["number"]
        draft = await self._drafts.create(
            template,
            title or texts["name"],
            texts["body"],
            fields=values,
            context=registry.as_json(context),
            number=number,
            beside=None if before is None else partial(_replaced, before),
        )
        await asyncio.to_thread(answers.keep, self._state, template, values)
        return draft

    async def _superseded(self, template: Template, values: Mapping[str, Any]) -> Draft | None:
        """The draft that the new one takes the place of. Raises UserError where there is none."""
        named = str(values.get(SUPERSEDES) or "").strip() if template.numbered else ""
        if not named:
            return None
        digits = named.upper().removeprefix(template.kind.upper()).lstrip("-# ").lstrip("0")
        found = (
            await self._drafts.numbered(template.kind, int(digits)) if digits.isdecimal() and len(digits) < 10 else None
        )
        if found is None:
            fix = f"`qd content list --template {template.id}` shows the numbers"
            raise UserError(f"there is no {template.kind} {named[:40]!r} to supersede", where="supersedes", fix=fix)
        return found


def again(draft: Draft, template: Template) -> str:
    """The text that the template makes of the answers and the context that a draft was made of.

    Nothing but these is looked at: it is the same text at any time, as long as the template is the same.
    """
    return fill(template, draft.fields, registry.from_json(draft.context))


def _replaced(before: Draft, by: Draft) -> Changed:
    return Changed(before, superseded(before.body, by), {**before.fields, SUPERSEDED: by.number})


def superseded(body: str, by: Draft) -> str:
    """The text of a draft whose front matter says that another has taken its place."""
    status = f'status: "superseded by [{by.kind.upper()}-{by.number:04d}]({by.number:04d}-{slug(by.title)}.md)"'
    front = _FRONT.match(body)
    if front is None:
        return f"---\n{status}\n---\n\n{body}"
    inner, count = _STATUS.subn(lambda _: status, front[1], count=1)
    if not count:
        inner = f"{status}\n{inner}"
    return body[: front.start(1)] + inner + body[front.end(1) :]


def _texts(template: Template, values: Mapping[str, Any], context: Mapping[str, ContextPart]) -> dict[str, str]:
    data = data_of(template, values, context)
    name = Text(template.name, template.name_line) if template.name else Text(_name(template))
    texts = fill_texts(template, {"name": name, "body": Text(template.body, template.line)}, data)
    return {"name": " ".join(texts["name"].split()), "body": tidy(texts["body"])}


def _name(template: Template) -> str:
    """What a draft is called where its template does not say."""
    if any(field.name == "title" for field in template.fields):
        return "{{ title }}"
    return "{% raw %}" + template.title.replace("{%", "") + "{% endraw %} {{ today }}"
