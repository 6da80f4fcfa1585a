"""`[[Links]]` between notes: what they name, and how they are mended when a note gets another name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator

from app.content.tables import SLUG_LENGTH

LINK = re.compile(r"\[\[(?P<target>[^\[\]|#\n]{1,400}?)(?P<rest>(?:#[^\[\]|\n]*?)?(?:\\?\|[^\[\]\n]*)?)\]\]")
"""A link with its target, and behind it the heading and the words that are shown (in tables behind `\\|`)."""
_CODE = re.compile(r"^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ >]*(?P=fence)[`~]*[ \t]*$|\Z)", re.M | re.S)
_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)")
_BETWEEN = re.compile(r"[^\w]+|_+")
ROOM = 27
"""Characters of a slug that stay free, for what tells notes of one name apart."""


def slug_of(name: str) -> str:
    """What a title, a file's name or the target of a link comes to: small letters and digits with hyphens between."""
    last = name.strip().rsplit("/", 1)[-1].removesuffix(".md")
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", last).casefold())
    return _BETWEEN.sub("-", text).strip("-")[: SLUG_LENGTH - ROOM].strip("-")


def targets(body: str) -> tuple[str, ...]:
    """The slugs that the links of a text name, each once, in the text's order. What stands in code is no link."""
    found = (slug_of(link["target"]) for link in _links(body))
    return tuple(dict.fromkeys(slug for slug in found if slug))


def names(body: str) -> tuple[str, ...]:
    """What the links of a text name, as it is written there, each once."""
    return tuple(dict.fromkeys(link["target"].strip() for link in _links(body)))


def mended(body: str, old: Container[str], name: str) -> str:
    """The text with links that name one of `old` naming `name` instead; headings and shown words stay."""
    parts, begin = [], 0
    for link in _links(body):
        if link["target"].strip() in old:
            parts += [body[begin : link.start("target")], name]
            begin = link.end("target")
    return "".join([*parts, body[begin:]])


def _links(body: str) -> Iterator[re.Match[str]]:
    if "[[" not in body:
        return
    blocks = [found.span() for found in _CODE.finditer(body)]
    code = blocks + [found.span() for found in _SPAN.finditer(body)]
    for link in LINK.finditer(body):
        if not any(begin <= link.start() < end for begin, end in code):
            yield link
