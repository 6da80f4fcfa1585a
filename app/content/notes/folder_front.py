"""Title and tags of front matter, written anew where they stand: every byte of the other properties stays.

The text is not loaded and dumped, which would change numbers, comments and quotes. The nodes of the YAML tell where the
values begin and end, and only these places are cut out and filled again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.content.notes.words import tag

_ITEM = re.compile(r"^( *)- ", re.M)
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_COLON = re.compile(r"[ \t]*:")
_DASH = re.compile(r"( *-)([ \t]*)")
_UNPRINTED = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NOT_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What some readers of YAML take for something else than text."""


class UnclearError(Exception):
    """Where the values stand cannot be told."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key with its value: `begin` is where the key begins, `colon` where the value may begin, `end` its end."""

    name: str
    value: Any
    begin: int
    colon: int
    end: int


def mended(text: str, title: str | None, tags: Sequence[str] | None, ends: str) -> str:
    """The lines between the marks with another title and other tags; `ends` is how lines end.

    Raises UnclearError where that cannot be done without touching something else, YAMLError for what is no YAML.
    """
    before = _others(text)
    text = text if title is None else _with_title(text, title, ends)
    text = text if tags is None else _with_tags(text, tags, ends)
    if _others(text) != before:
        raise UnclearError("another property would change")
    return text


def _with_title(text: str, title: str, ends: str) -> str:
    root = _composed(text)
    entries = _entries(root, text)
    found = _named(entries, "title")
    flow = root is not None and root.flow_style
    if found is not None:
        return _valued(text, found, scalar(title, flow=flow))
    return _inserted(text, root, entries, f"title: {scalar(title, flow=flow)}", ends, first=True)


def _with_tags(text: str, tags: Sequence[str], ends: str) -> str:
    root = _composed(text)
    entries = _entries(root, text)
    found, other = _named(entries, "tags"), _named(entries, "tag")
    if found is None:
        found = other
    elif other is not None:
        return _with_tags(_without(text, root, other), tags, ends)
    if found is None:
        return _inserted(text, root, entries, _new_tags(text, root, tags, ends), ends)
    node = found.value
    if not isinstance(node.value, list) or node.id != "sequence":
        return _valued(text, found, _flow([scalar(each, flow=True) for each in tags]))
    known = [_tag(item) for item in node.value]
    new = [each for each in tags if each not in known]
    spans = _spans(node.value, node.start_mark.index, text)
    # What is no word is not one of the tags, and stays.
    kept = [(item, span) for item, word, span in zip(node.value, known, spans, strict=True) if word in (*tags, None)]
    if node.flow_style or not kept:
        slices = [text[begin:end] for _, (begin, end) in kept]
        return _valued(text, found, _flow([*slices, *(scalar(each, flow=True) for each in new)]))
    return _block(text, spans, [span for _, span in kept], [scalar(each) for each in new], ends)


def _block(
    text: str, spans: Sequence[tuple[int, int]], kept: Sequence[tuple[int, int]], new: Sequence[str], ends: str
) -> str:
    """A list of lines: those of entries that go are taken out, new ones follow the last that stays."""
    lines = []
    for begin, end in spans:
        line = _line_begin(text, begin)
        dash = _DASH.fullmatch(text[line:begin])
        if dash is None:
            raise UnclearError("an entry does not stand behind its hyphen")
        lines.append((line, _line_end(text, end), dash[1]))
    for (line, end, hyphen), span in reversed(list(zip(lines, spans, strict=True))):
        if span == kept[-1]:
            added = "".join(f"{hyphen} {each}{ends}" for each in new)
            text = text[:end] + added + text[end:]
        elif span not in kept:
            text = text[:line] + text[end:]
    return text


def _valued(text: str, entry: _Entry, value: str) -> str:
    return f"{text[: entry.colon]} {value}{text[entry.end :]}"


def _without(text: str, root: Any, entry: _Entry) -> str:
    line, end = _line_begin(text, entry.begin), _line_end(text, entry.end)
    if root.flow_style or text[line : entry.begin].strip():
        raise UnclearError("`tag` and `tags` both stand there")
    return text[:line] + text[end:]


def _inserted(text: str, root: Any, entries: Sequence[_Entry], entry: str, ends: str, *, first: bool = False) -> str:
    if root is not None and root.flow_style:
        at = root.start_mark.index + 1
        if text[at - 1] != "{":
            raise UnclearError("the braces have an anchor or a tag")
        return f"{text[:at]}{entry}{', ' if entries else ''}{text[at:]}"
    if first and entries:
        at = _line_begin(text, entries[0].begin)
        return f"{text[:at]}{_margin(text, entries)}{entry}{ends}{text[at:]}"
    return f"{text}{entry}{ends}"


def _margin(text: str, entries: Sequence[_Entry]) -> str:
    line = text[_line_begin(text, entries[0].begin) :] if entries else ""
    return line[: len(line) - len(line.lstrip(" "))]


def _new_tags(text: str, root: Any, tags: Sequence[str], ends: str) -> str:
    if root is not None and root.flow_style:
        return f"tags: {_flow([scalar(each, flow=True) for each in tags])}"
    margin = _margin(text, _entries(root, text))
    item = _ITEM.search(text)
    indent = margin + " " * (2 if item is None else max(0, len(item[1]) - len(margin)))
    return f"{margin}tags:{''.join(f'{ends}{indent}- {scalar(each)}' for each in tags)}"


def _flow(values: Sequence[str]) -> str:
    return f"[{', '.join(values)}]"


def _tag(node: Any) -> str | None:
    """An entry as a tag; None for what is no word."""
    return tag(node.value) if isinstance(node.value, str) else None


def _others(text: str) -> list[tuple[str, str]]:
    """The properties that are neither title nor tags, as they are written."""
    others = []
    for key, value in _pairs(_composed(text)):
        begin, end = key.start_mark.index, value.end_mark.index
        # What an alias stands for is elsewhere.
        written = text[begin:end].rstrip() if value.start_mark.index >= begin else ""
        if key.value not in ("title", "tags", "tag"):
            others.append((str(key.value), written))
    return others


def _pairs(root: Any) -> list[tuple[Any, Any]]:
    return [] if root is None else list(root.value)


def _entries(root: Any, text: str) -> list[_Entry]:
    """The keys with those of the values that title and tags have."""
    entries = []
    for key, value in _pairs(root):
        begin, after = key.start_mark.index, key.end_mark.index
        name = key.value if key.id == "scalar" else ""
        colon = _COLON.match(text, after)
        if name not in ("title", "tags", "tag"):
            entries.append(_Entry("", value, begin, after, after))
        elif colon is None:
            raise UnclearError(f"`{name}` has no colon behind it")
        else:
            entries.append(_Entry(name, value, begin, colon.end(), _end(value, colon.end(), text)))
    return entries


def _named(entries: Sequence[_Entry], name: str) -> _Entry | None:
    return next((entry for entry in entries if entry.name == name), None)


def _end(node: Any, begin: int, text: str) -> int:
    """Where the text of a value ends, without the comments and the empty lines below it."""
    if node.start_mark.index < begin:
        raise UnclearError("an alias stands for a value")
    if node.anchor is not None:
        raise UnclearError("a value has an anchor")
    end: int = node.end_mark.index
    if end == node.start_mark.index:
        return begin
    if node.id == "scalar":
        return begin + len(text[begin:end].rstrip()) if node.style in ("|", ">") else end
    if node.flow_style:
        return end
    parts = node.value if node.id == "sequence" else [each for pair in node.value for each in pair]
    return _spans(parts, begin, text)[-1][1]


def _spans(nodes: Sequence[Any], begin: int, text: str) -> list[tuple[int, int]]:
    spans = []
    for node in nodes:
        begin, end = max(begin, node.start_mark.index), _end(node, begin, text)
        spans.append((begin, end))
        begin = end
    return spans


def _line_begin(text: str, place: int) -> int:
    return max((found.end() for found in _BREAK.finditer(text, 0, place)), default=0)


def _line_end(text: str, place: int) -> int:
    found = _BREAK.search(text, place)
    return len(text) if found is None else found.end()


def scalar(text: str, *, flow: bool = False) -> str:
    """A text as YAML has it, without quotes where all readers take it for one."""
    quoted = "'" + text.replace("'", "''") + "'"
    plain = [text] if text[:1].isalpha() and text.casefold() not in _NOT_WORDS else []
    for written in (*plain, quoted):
        if _read(written, flow=flow) == text:
            return written
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _read(written: str, *, flow: bool) -> str | None:
    from ruamel.yaml.error import YAMLError

    try:
        node = _composed(f"[{written}]" if flow else f"- {written}\n").value
    except (YAMLError, ValueError):
        return None
    return node[0].value if len(node) == 1 and str(node[0].tag).endswith(":str") else None


def _composed(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(text) if text.strip() else None
