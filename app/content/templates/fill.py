"""Templates filled with plain data: here, or in a process of their own where they came from somebody else."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

from app.content.model import ContextPart, Template
from app.content.templates.tidying import tidy
from app.errors import UserError

DEEPEST = 40
"""Lists within lists of the data."""
WAIT_S = 10.0
"""How long the other process may take in all, on a busy machine too: its processor time has a limit of its own."""
MOST_BACK = 8 * 1024 * 1024
"""Bytes that come back from it."""
COMMAND = ("-I", "-m", "app.content.templates.child")
OCCASION = "draft"
"""The part of a context whose keys are names of their own: `today`, `now`, `author`, `number`, `time_zone`."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a template's file to be filled: what stands on `line` and after."""

    text: str
    line: int = 1


def shipped() -> Path:
    """The folder of the templates that come with the program."""
    return Path(str(files("templates"))) / "content"


def fill(template: Template, values: Mapping[str, Any], context: Mapping[str, ContextPart]) -> str:
    """The template's body, filled: the same text for the same values and context, ending with one line end.

    Raises UserError with file and line for a template that is wrong or does more than one may.
    """
    body = Text(template.body, template.line)
    return tidy(fill_texts(template, {"body": body}, data_of(template, values, context))["body"])


def data_of(template: Template, values: Mapping[str, Any], context: Mapping[str, ContextPart]) -> dict[str, Any]:
    """What the names in a template mean: answers, what the sources say, and what every draft knows."""
    occasion = context[OCCASION].data if OCCASION in context else {}
    sources = {name: context[name].data if name in context else None for name in template.context}
    return {**occasion, **sources, **values}


def fill_texts(
    template: Template, texts: Mapping[str, Text], data: Mapping[str, Any], *, no_data: str | None = None
) -> dict[str, str]:
    """Pieces of a template's file, filled, by their names. `no_data` is printed for what a source does not have.

    Raises UserError as `fill`.
    """
    where = template.path
    job = {
        "path": template.path,
        "root": template.root,
        "texts": {name: asdict(text) for name, text in texts.items()},
        "data": plain(data, where),
        "sources": list(template.context),
        "no_data": no_data,
    }
    return work(job) if template.trusted else _apart(job, where)


def work(job: Mapping[str, Any]) -> dict[str, str]:
    """Carry out one filling in this process."""
    from app.content.templates.environment import NO_DATA, NoData, SafeEnvironment
    from app.content.templates.guard import Guard
    from app.content.templates.source import Confined

    path, root = job["path"], job["root"]
    given = {f"{path}#{name}": "\n" * (text["line"] - 1) + text["text"] for name, text in dict(job["texts"]).items()}
    roots = [Path(root)] if root else []
    guard = Guard()
    no_data = NO_DATA if job["no_data"] is None else job["no_data"]
    environment = SafeEnvironment(Confined([*roots, shipped()], given), guard, no_data=no_data)
    data = {
        name: NoData(name=name) if name in job["sources"] and value is None else value
        for name, value in dict(job["data"]).items()
    }
    filled = {}
    for name in given:
        try:
            template = environment.get_template(name)
            filled[name.rpartition("#")[2]] = environment.concat(template.root_render_func(template.new_context(data)))
        except Exception as error:
            # Whatever goes wrong in a template is the template's fault: it is foreign code.
            raise fault(error, path, name, given[name]) from None
    return filled


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """A copy of the value of nothing but what JSON has; days and moments as text. Raises UserError for anything else.

    So no object of the program can come into a template.
    """
    kind = type(value)
    if value is None or kind in (str, bool, int):
        return value
    if kind is float and math.isfinite(value):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if depth < DEEPEST:
        if isinstance(value, Mapping) and all(type(name) is str for name in value):
            return {name: plain(inner, where, depth + 1) for name, inner in value.items()}
        if kind in (list, tuple):
            return [plain(inner, where, depth + 1) for inner in value]
    what = f"a value of the kind {kind.__name__} cannot go into a template"
    raise UserError(what, where=where, fix="give it texts, numbers, days, and lists and objects of these")


def _apart(job: Mapping[str, Any], where: str) -> dict[str, str]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
        given.write(json.dumps(job).encode("utf-8", "surrogatepass"))
        given.seek(0)
        try:
            ended = subprocess.run(
                [sys.executable, *COMMAND],
                stdin=given,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                timeout=WAIT_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise _stopped(job, where, "took too long") from None
        answer.seek(0)
        raw = answer.read(MOST_BACK)
    try:
        found = json.loads(raw.decode("utf-8", "surrogatepass"))
        if "error" not in found:
            return {name: str(found["texts"][name]) for name in job["texts"]}
        error = found["error"]
    except (ValueError, KeyError, TypeError):
        raise _stopped(job, where, f"was stopped (it ended with {ended})") from None
    raise UserError(str(error["what"]), where=str(error["where"]), fix=str(error["fix"]))


def _stopped(job: Mapping[str, Any], where: str, why: str) -> UserError:
    lines = [text["line"] for text in job["texts"].values()]
    return UserError(f"filling the template {why}", where=f"{where}:{max(lines)}", fix="look for loops and long texts")


def fault(error: Exception, path: str, name: str, source: str) -> UserError:
    """The error of whatever went wrong while a template was filled: with file, line and what to do."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

    from app.content.templates.guard import LimitError

    if isinstance(error, UserError):
        return error
    place = _place(error.__traceback__)
    file, line = place or (name, _longest(source))
    what, fix = f"the template cannot be filled: {_said(error)}", "correct it"
    if isinstance(error, TemplateSyntaxError):
        file, line = error.filename or file, error.lineno
        what = f"the template is wrong: {error.message}"
    elif isinstance(error, TemplateNotFound):
        what, fix = f"there is no template {str(error)[:80]!r} to include", "name a file of the templates' folder"
    elif isinstance(error, UndefinedError):
        what = f"the template cannot be filled: {_said(error)}"
        fix = "name a field, a source listed under `context`, or what those have"
    elif isinstance(error, LimitError):
        fix = error.fix
    elif place is None and isinstance(error, (RecursionError, SyntaxError, ValueError, MemoryError)):
        what, fix = (
            "the template cannot be read: it is nested too deep, or has a number that is too long",
            "simplify it",
        )
    elif isinstance(error, RecursionError):
        what, fix = "the template calls or includes itself without end", "let it end"
    if file == name:
        # Not every expression knows its line; the empty ones in front are those of the front matter.
        file, line = path, max(line, len(source) - len(source.lstrip("\n")) + 1)
    return UserError(what, where=f"{file}:{line}", fix=fix)


def _said(error: Exception) -> str:
    said = " ".join(str(error).split())
    return (said or type(error).__name__)[:300]


def _place(trace: TracebackType | None) -> tuple[str, int] | None:
    """File and line of the innermost template that was being filled."""
    found = None
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = (template.filename, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found


def _longest(source: str) -> int:
    """The longest line: where a template is too deep to be read, that is the place."""
    lines = source.split("\n")
    return max(range(len(lines)), key=lambda number: len(lines[number])) + 1
