"""YAML of front matter as plain values that know their lines: no anchors, no tags, no key twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import UserError

Plain = str | int | float | bool | None
DEEPEST = 20
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_PREFIX = "tag:yaml.org,2002:"
_KINDS = frozenset({"null", "bool", "int", "float", "str", "timestamp", "merge", "seq", "map"})


@dataclass(frozen=True, slots=True)
class At:
    """A value with its line in the file: plain, a list of `At`, or a dict of `At`."""

    value: Plain | list[At] | dict[str, At]
    line: int

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, list):
            return [inner.plain() for inner in self.value]
        if isinstance(self.value, dict):
            return {name: inner.plain() for name, inner in self.value.items()}
        return self.value


def read(text: str, path: str, line: int) -> Mapping[str, At]:
    """The keys of a front matter that begins on a line of a file. Raises UserError with the line of what is wrong."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
        found = At({}, line) if node is None else _at(node, path, line, 0)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = line + (mark.line if mark is not None else 0)
        said = " ".join(str(error.problem or error.context or "").split())
        raise _wrong(path, where, f"the front matter is no YAML: {said}", "correct it") from None
    except (YAMLError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise _wrong(path, line, f"the front matter is no YAML: {said}", "correct it") from None
    except RecursionError:
        raise _wrong(path, line, "the front matter is nested too deep", "simplify it") from None
    if not isinstance(found.value, dict):
        raise _wrong(path, line, "the front matter has no keys", "write lines such as `title: Devlog`")
    return found.value


def _at(node: Any, path: str, first: int, depth: int) -> At:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    line = first + node.start_mark.line
    if depth > DEEPEST:
        raise _wrong(path, line, "the front matter is nested too deep", "simplify it")
    if node.anchor is not None:
        raise _wrong(path, line, "anchors and aliases are not for front matter", "write the value out")
    tag = str(node.tag or "")
    kind = tag.removeprefix(_PREFIX)
    if kind not in _KINDS:
        raise _wrong(path, line, f"the tag {tag[:60]} is not for front matter", "leave it out")
    if isinstance(node, ScalarNode):
        return At(_scalar(kind, node.value, path, line), line)
    if isinstance(node, SequenceNode) and kind == "seq":
        return At([_at(inner, path, first, depth + 1) for inner in node.value], line)
    if not (isinstance(node, MappingNode) and kind == "map"):
        raise _wrong(path, line, f"the kind {kind} is not for front matter", "write a list or keys with values")
    keys: dict[str, At] = {}
    for key, value in node.value:
        name, at = key.value, first + key.start_mark.line
        if not isinstance(key, ScalarNode):
            raise _wrong(path, at, "a key is a word", "write it so")
        if name in keys:
            raise _wrong(path, at, f"`{name[:40]}` stands here twice", "leave one of them")
        inner = _at(value, path, first, depth + 1)
        keys[name] = At(inner.value, at)
    return At(keys, line)


def _scalar(kind: str, text: str, path: str, line: int) -> Plain:
    try:
        if kind == "null":
            return None
        if kind == "bool" and text in _TRUE | _FALSE:
            return text in _TRUE
        if kind == "int":
            return int(text.replace("_", ""), 0) if text.lstrip("+-0") else 0
        if kind == "float":
            return float(text.replace("_", ""))
    except (ValueError, OverflowError):
        raise _wrong(path, line, f"{text[:40]!r} is no number", "correct it, or put it in quotes") from None
    return text


def _wrong(path: str, line: int, what: str, fix: str) -> UserError:
    return UserError(what, where=f"{path}:{line}", fix=fix)
