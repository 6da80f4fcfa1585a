"""What a Python file imports, read without parsing it.

A parser takes five to ten times as long, and has nothing to say about a file that is being edited. What looks like an
import inside a string only adds a connection that is not there: tests are ordered by this, never left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = rb"[\w.\x80-\xff]"
_WORD = re.compile(rb"import[ \t(\\]")
_STATEMENT = re.compile(
    rb"[ \t]*(?:[^\n#\"']*[;:][ \t]*)?(?:"
    rb"from[ \t]+(\.*)[ \t]*(" + _NAME + rb"*)[ \t]*(?:\\\r?\n[ \t]*)?import\b[ \t]*"
    rb"(\((?:[^)#]|#[^\n]*)*\)|[^\n;#\\]*(?:\\\r?\n[^\n;#\\]*)*)"
    rb"|import[ \t]+([^\n;#\\]*(?:\\\r?\n[^\n;#\\]*)*))"
)
_COMMENT = re.compile(rb"#[^\n]*")
_BY_NAME = re.compile(
    rb"(?:patch|setattr|delattr|import_module|__import__|importorskip)\(\s*[rbu]?[\"'](" + _NAME + rb"+)[\"']"
)
_CALLS = (b"patch(", b"setattr(", b"delattr(", b"import_module(", b"__import__(", b"importorskip(")
_PLUGINS = re.compile(rb"^pytest_plugins\b[^=\n]*=\s*(\[[^\]]*\]|\([^)]*\)|[\"'][^\"'\n]*[\"'])", re.MULTILINE)
_STRING = re.compile(rb"[\"']([^\"'\n]+)[\"']")
_DATA = re.compile(rb"\.(?:jsonl?|ya?ml|toml|csv|tsv|sql|xml|html?|j2|jinja2?|t?css|graphql|ini|cfg|txt)[\"']")


@dataclass(frozen=True, slots=True)
class Imported:
    """One import. `names` is empty for `import module`; else pairs of the name taken and the name it gets.

    `used` are attributes of a module that the file reads after `import module`.
    """

    module: str
    level: int = 0
    names: tuple[tuple[str, str], ...] = ()
    used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one file imports, and the names of data files that it mentions."""

    imports: frozenset[Imported] = frozenset()
    data: frozenset[str] = frozenset()


def scan(source: bytes) -> Scanned:
    """Read the imports out of a file's text."""
    found: set[Imported] = set()
    bound: dict[str, str] = {}
    for dots, module, names, modules in _statements(source):
        if modules is None:
            if module or dots:
                found.add(Imported(_text(module or b""), len(dots or b""), tuple(_pairs(names))))
            continue
        for name, alias in _pairs(modules):
            if name.partition(".")[0] not in sys.stdlib_module_names:
                bound[alias or name] = name
    if bound:
        used = _used(source, bound)
        found.update(Imported(module, used=tuple(sorted(used.get(name, ())))) for name, module in bound.items())
    if any(call in source for call in _CALLS):
        found.update(Imported(_text(name)) for name in _BY_NAME.findall(source) if b"." in name[1:])
    if b"pytest_plugins" in source:
        for match in _PLUGINS.finditer(source):
            found.update(Imported(_text(name)) for name in _STRING.findall(match.group(1)))
    return Scanned(frozenset(found), frozenset(_data_names(source)))


def _statements(source: bytes) -> Iterator[tuple[bytes | None, bytes | None, bytes, bytes | None]]:
    """The parts of each import statement: dots, module and names after `from`, or the modules after `import`."""
    done = 0
    for word in _WORD.finditer(source):
        start = source.rfind(b"\n", done, word.start()) + 1 or done
        while start > 1 and source[start - 2 : start] == b"\\\n":
            start = source.rfind(b"\n", 0, start - 1) + 1
        match = _STATEMENT.match(source, start)
        if match is not None and match.end() > word.start() >= done:
            done = match.end()
            yield match.group(1), match.group(2), match.group(3), match.group(4)


def _pairs(names: bytes) -> list[tuple[str, str]]:
    if b"#" in names:
        names = _COMMENT.sub(b"", names)
    pairs = []
    for part in names.strip(b"() \t\r\n").split(b","):
        words = part.replace(b"\\", b" ").split()
        if len(words) == 1:
            pairs.append((_text(words[0]), ""))
        elif len(words) == 3 and words[1] == b"as":
            pairs.append((_text(words[0]), _text(words[2])))
    return pairs


def _used(source: bytes, bound: dict[str, str]) -> dict[str, set[str]]:
    names = "|".join(re.escape(name) for name in bound)
    used: dict[str, set[str]] = {}
    for name, attribute in re.findall(rb"\b(" + names.encode("utf-8", "surrogateescape") + rb")\.(\w+)", source):
        used.setdefault(_text(name), set()).add(_text(attribute))
    return used


def _data_names(source: bytes) -> set[str]:
    names = set()
    for match in _DATA.finditer(source):
        end = match.end() - 1
        start = max(source.rfind(mark, max(0, end - 120), end) for mark in (b'"', b"'", b"/", b"\n"))
        if start != -1:
            names.add(_text(source[start + 1 : end]))
    return names


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
