"""A file of a template as a `Template`: every key checked, each mistake told with its line."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from app.content.model import FIELD_KINDS, Egress, FieldKind, Template, TemplateField
from app.content.templates import source
from app.content.templates.values import AnswerError, checked, computed
from app.content.templates.yaml_nodes import At, read
from app.errors import UserError

KEYS = ("kind", "title", "help", "name", "fields", "targets", "context", "style", "ai", "numbered", "html")
FIELD_KEYS = ("name", "kind", "label", "help", "default", "choices", "required")
STYLE_KEYS = ("on", "off", "severity")
AI_KEYS = ("egress",)
RESERVED = frozenset({"today", "now", "author", "number", "time_zone", "range", "loop", "self", "super", "caller"})
"""Names that mean something in every template."""
MOST_FIELDS = 60
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FRAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class _Keys:
    """The keys of one place of a front matter."""

    def __init__(self, given: Mapping[str, At], known: tuple[str, ...], path: str, line: int) -> None:
        self._given, self.path, self.line = given, path, line
        for name, at in given.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                fix = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
                raise self.wrong(f"there is no key `{name[:40]}`", fix, at.line)

    def at(self, name: str) -> At:
        return self._given.get(name, At(None, self.line))

    def text(self, name: str, default: str = "") -> str:
        at = self.at(name)
        if at.value is None:
            return default
        if isinstance(at.value, (list, dict, bool)):
            raise self.wrong(f"`{name}` is a text", "put it in quotes", at.line)
        return str(at.value).strip()

    def flag(self, name: str) -> bool:
        at = self.at(name)
        if at.value is None or isinstance(at.value, bool):
            return bool(at.value)
        raise self.wrong(f"`{name}` is true or false", "write one of them", at.line)

    def texts(self, name: str) -> tuple[str, ...]:
        at = self.at(name)
        given = at.value if isinstance(at.value, list) else [] if at.value is None else [at]
        for each in given:
            if isinstance(each.value, (list, dict)) or each.value is None:
                raise self.wrong(f"`{name}` is a list of texts", "write [one, two]", each.line)
        return tuple(_word(each.value) for each in given)

    def wrong(self, what: str, fix: str, line: int = 0) -> UserError:
        return UserError(what, where=f"{self.path}:{line or self.line}", fix=fix)


def load(path: Path, root: Path, *, name: str = "", trusted: bool = True) -> Template:
    """The template of a file; its id is the file's name unless one is given. Raises UserError with file and line."""
    return parse(source.read(path), path, root, name=name or path.stem, trusted=trusted)


def parse(text: str, path: Path, root: Path, *, name: str, trusted: bool = True) -> Template:
    """The template that a text is."""
    where = str(path)
    try:
        front, begin = source.split(text)
    except ValueError:
        what = "the front matter has no end"
        raise UserError(what, where=f"{where}:1", fix="write a line of three hyphens behind it") from None
    keys = _Keys(read(front, where, 2) if front.strip() else {}, KEYS, where, 1)
    if not _NAME.fullmatch(name.replace("-", "_")):
        raise keys.wrong("the file's name is no name of a template", "use letters, digits, - and _")
    context = keys.texts("context")
    for each in context:
        if not _SOURCE.fullmatch(each) or each in RESERVED:
            raise keys.wrong(f"`{each[:40]}` is no source", "name sources such as git, tests", keys.at("context").line)
    style = _Keys(_map(keys, "style"), STYLE_KEYS, where, keys.at("style").line)
    return Template(
        id=name,
        kind=keys.text("kind", name)[:64],
        title=keys.text("title", name),
        help=keys.text("help"),
        fields=_fields(keys, context),
        body=text[begin:],
        path=where,
        hash=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        targets=keys.texts("targets"),
        context=context,
        style=_style(style),
        egress=_egress(_Keys(_map(keys, "ai"), AI_KEYS, where, keys.at("ai").line)),
        numbered=keys.flag("numbered"),
        name=keys.text("name"),
        html=_frame(keys),
        trusted=trusted,
        root=str(root),
        line=source.body_line(text),
        name_line=keys.at("name").line,
    )


def _fields(keys: _Keys, context: Collection[str]) -> tuple[TemplateField, ...]:
    at = keys.at("fields")
    given = at.value if at.value is not None else []
    if not isinstance(given, list) or not all(isinstance(each.value, dict) for each in given):
        raise keys.wrong("`fields` is a list", "begin each with `- name: …`", at.line)
    if len(given) > MOST_FIELDS:
        raise keys.wrong(f"more than {MOST_FIELDS} fields", "ask for less", at.line)
    fields: list[TemplateField] = []
    for each in given:
        assert isinstance(each.value, dict)
        field = _field(_Keys(each.value, FIELD_KEYS, keys.path, each.line))
        if field.name in RESERVED or field.name in context:
            raise keys.wrong(f"the field `{field.name}` has the name of something else", "rename it", field.line)
        if any(field.name == other.name for other in fields):
            raise keys.wrong(f"the field `{field.name}` stands here twice", "rename one of them", field.line)
        fields.append(field)
    return tuple(fields)


def _field(keys: _Keys) -> TemplateField:
    name, kind = keys.text("name"), keys.text("kind", "text")
    if not _NAME.fullmatch(name):
        raise keys.wrong("a field has a name of letters, digits and _", "write `name: topic`", keys.at("name").line)
    found = _chosen(kind, FIELD_KINDS, lambda what, fix: keys.wrong(what, fix, keys.at("kind").line))
    choices = keys.texts("choices")
    if bool(choices) != (found in ("choice", "multi")):
        what = f"`{name}` is asked by choice and has no `choices`" if not choices else f"`{name}` takes no `choices`"
        raise keys.wrong(what, "choices go with the kinds choice and multi", keys.at("choices").line)
    default = keys.at("default")
    field = TemplateField(
        name=name,
        kind=found,
        label=keys.text("label", name.replace("_", " ").capitalize()),
        help=keys.text("help"),
        default=default.plain(),
        choices=choices,
        required=keys.flag("required"),
        line=default.line,
    )
    if field.default is not None and not computed(field):
        try:
            checked(field, field.default)
        except AnswerError as problem:
            raise keys.wrong(f"the default of `{name}`: {problem}", problem.fix, default.line) from None
    return field


def _chosen(kind: str, known: tuple[FieldKind, ...], wrong: Callable[[str, str], UserError]) -> FieldKind:
    for each in known:
        if each == kind:
            return each
    raise wrong(f"there is no kind `{kind[:40]}` of field", f"one of: {', '.join(known)}")


def _map(keys: _Keys, name: str) -> Mapping[str, At]:
    at = keys.at(name)
    if at.value is None:
        return {}
    if not isinstance(at.value, dict):
        raise keys.wrong(f"`{name}` has keys of its own", "write them below it, each on a line", at.line)
    return at.value


def _style(keys: _Keys) -> dict[str, Any]:
    severity = {name: _word(at.value) for name, at in _map(keys, "severity").items()}
    for name, given in severity.items():
        if given not in ("error", "warn", "info"):
            what = f"the severity of `{name[:40]}` is error, warn or info"
            raise keys.wrong(what, "write one of them", keys.at("severity").line)
    found: dict[str, Any] = {"on": list(keys.texts("on")), "off": list(keys.texts("off")), "severity": severity}
    return {name: value for name, value in found.items() if value}


def _egress(keys: _Keys) -> Egress:
    given = keys.text("egress", "any")
    if given == "local":
        return "local"
    if given != "any":
        raise keys.wrong("`egress` is any or local", "write one of them", keys.at("egress").line)
    return "any"


def _frame(keys: _Keys) -> str:
    name = keys.text("html", "page")
    if not _FRAME.fullmatch(name):
        raise keys.wrong("`html` names a page frame", "write `html: page`", keys.at("html").line)
    return name


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()
