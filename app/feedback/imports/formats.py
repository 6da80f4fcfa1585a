"""What a file of rows is, told by its beginning: its format, and the tool that it comes from."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.feedback.imports import array, foreign, tools
from app.feedback.imports.csv import DELIMITERS
from app.feedback.imports.reader import Format

LOOKED_AT = 65_536
"""Bytes at the beginning that tell the format."""
_LINES = {".jsonl", ".ndjson"}
_CELLS = {".csv", ".tsv"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a file seems to be: its format, and the tool that it comes from (empty: rows of the contract)."""

    format: Format
    tool: str = ""


def look(data: bytes, name: str = "the file", given: Format | None = None, *, mapped: bool = False) -> Look:
    """Tell format and tool by the beginning of a file; `given` overrules the format, and `mapped` says that a map of
    the user makes rows of its objects. Raises UserError for a file that is packed, or no text in UTF-8."""
    if data.startswith(b"PAR1"):
        return Look(given or "parquet")
    foreign.refuse(data, name, whole=len(data) < LOOKED_AT, told=given is not None)
    text = data.decode("utf-8-sig", errors="replace").lstrip()
    form = given or _form(text, Path(name).suffix.lower(), whole=len(data) < LOOKED_AT, mapped=mapped)
    if form == "json":
        page = array.PAGE.match(text)
        return Look(form, tools.of(_object(text[text.find("{", page.end() if page else 0) :])))
    if form == "jsonl":
        return Look(form, tools.of(_object(text)))
    return Look(form)


def _form(text: str, suffix: str, *, whole: bool, mapped: bool) -> Format:
    """The format; whatever the first line is, as it may be broken, or no row at all."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "jsonl"
    if text.startswith(("{", "[")):
        if len(lines) > 1 and _is_json(lines[0]):
            # Complete by itself, with more behind it.
            return "json" if not mapped and _is_page(lines[0]) else "jsonl"
        wrapped = array.PAGE.match(text) is not None
        if text.startswith("[") or (wrapped and suffix not in _LINES):
            return "json"
        if len(lines) == 1 or lines[1].lstrip().startswith("{"):
            return "json" if wrapped else "jsonl"
        return "jsonl" if _first_is_broken(text, lines, suffix, whole) else "json"
    if suffix in _CELLS:
        return "csv"
    return "jsonl" if suffix in _LINES or _objects_prevail(lines) else "csv"


def _is_page(line: str) -> bool:
    """An array of rows, alone or in an object that is no row itself."""
    page = array.PAGE.match(line) if line.startswith("{") else None
    begins = page.end() if page is not None else int(line.startswith("["))
    if not begins or not line[begins:].lstrip().startswith("{"):
        return False
    value = _object(line)
    return not (value.keys() & {"input", "output"} or tools.of(value))


def _first_is_broken(text: str, lines: Sequence[str], suffix: str, whole: bool) -> bool:
    """Whether the first line is a row that is cut off, rather than the beginning of an object over many lines."""
    try:
        json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return suffix in _LINES
    except json.JSONDecodeError as error:
        # Right up to where it was looked at, but for a word of JSON.
        right = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()) - (0 if whole else 16)
        if right or suffix in _LINES:
            return not right
        start = text.rfind("\n", 0, error.pos) + 1
        line = text[start:].partition("\n")[0]
        between = start <= text.find("\n") + 1 or (line.lstrip().startswith("{") and _is_json(line))
        return between and 2 * sum(map(_is_object, lines[1:])) >= len(lines) - 1
    return False


def _objects_prevail(lines: Sequence[str]) -> bool:
    """Whether more lines are JSON objects than are rows below a header; what a cell holds is none of both."""
    if not any(map(_is_object, lines)):
        return False
    delimiter = max(DELIMITERS, key=lines[0].count)
    names = [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter))]
    if len(names) < 2 or not all(names) or len(set(names)) < len(names) or lines[0].count('"') % 2:
        return True
    objects = cells = before = 0
    rows = csv.reader([f"{line}\n" for line in lines], delimiter=delimiter)
    try:
        for row in rows:
            if rows.line_num == before + 1 and _is_object(lines[before]):
                objects += 1
            elif len(row) == len(names) and before:
                cells += 1
            before = rows.line_num
    except csv.Error:
        pass
    return objects > cells


def _is_object(line: str) -> bool:
    return line.lstrip().startswith("{") and _is_json(line)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    """The object at the beginning; its keys as far as they can be told where it is cut off."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
