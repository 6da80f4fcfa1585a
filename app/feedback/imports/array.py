"""JSON documents: an array of objects, alone or under keys of an object, or objects. Read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import BinaryIO

from app.feedback.imports.items import Item
from app.feedback.imports.pieces import Text
from app.feedback.model import Violation

UNDER = ("data", "items", "records", "results", "rows", "tasks", "traces", "observations")
"""Keys of an object whose values may be arrays of rows."""
ABOUT = (
    *("meta", "metadata", "pagination", "paging", "page", "links", "object", "success"),
    *("total", "total_count", "totalItems", "totalPages", "count", "limit", "offset"),
    *("next", "previous", "cursor", "next_cursor", "nextCursor", "has_more", "hasMore", "exported_at", "exportedAt"),
)
"""Keys that may stand before these, and say something about a page."""
_STRING = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf"(?:{_STRING}|[-+.\w]+|\{{(?:[^{{}}\"]|{_STRING})*\}})"
PAGE = re.compile(rf'\{{(?:\s*"(?:{"|".join(ABOUT)})"\s*:\s*{_VALUE}\s*,)*\s*"(?:{"|".join(UNDER)})"\s*:\s*\[')
"""The beginning of an object that holds rows, up to the first of its arrays."""
_MEMBER = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
_Closed = Generator[Item, None, bool]
"""Items, and in the end whether what was opened is closed."""


def read(stream: BinaryIO, position: int = 0) -> Iterator[Item]:
    """Elements after the first `position` ones; `Item.end` counts elements, `Item.line` says where each begins."""
    for number, item in enumerate(_documents(Text(stream)), 1):
        item.end = number
        if number > position:
            yield item


def _documents(text: Text) -> Iterator[Item]:
    """One document, or pages of an export one behind the other."""
    if text.behind_separators() == "[" and not (yield from _opened(text)):
        return
    while text.behind_separators():
        if found := PAGE.match(text.left):
            text.skip(found.end() - 1)
            if not (yield from _page(text)):
                return
        else:
            # Behind an array that stands alone nothing should follow; what does is not passed over.
            yield text.element()


def _opened(text: Text, fault: Violation | None = None) -> _Closed:
    """What an array holds, and its end. With a fault nothing of it is a row; what could be one is told."""
    text.skip(1)
    while True:
        sign = text.behind_separators()
        if sign == "]":
            text.skip(1)
            return True
        if not sign:
            yield text.missing("]")
            return False
        item = text.element()
        broken = item.fault is not None
        if fault is None or broken or sign in "{[":
            item.fault = item.fault or fault
            yield item
        if broken and not text.next:
            return False


def _page(text: Text) -> _Closed:
    """The first array of an object, and what follows it there: more rows, or something about them."""
    if not (yield from _opened(text)):
        return False
    while True:
        if text.behind_separators() == "}":
            text.skip(1)
            return True
        found = _MEMBER.match(text.left)
        if found is None:
            # What stands here instead is read as what follows the object.
            yield text.missing("}")
            return True
        text.skip(found.end())
        if not (yield from _value(text, found.group(1))):
            return False


def _value(text: Text, key: str) -> _Closed:
    """What stands under a key behind the first array."""
    if text.next == "[":
        why = f"stands under `{key}`; rows stand under {', '.join(UNDER)}"
        return (yield from _opened(text, None if key in UNDER else Violation("", why)))
    sign = text.next
    item = text.element()
    if item.fault is not None or (key in UNDER and sign == "{"):
        yield item
    return item.fault is None or bool(text.next)
