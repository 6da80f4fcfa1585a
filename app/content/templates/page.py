"""A draft as a whole HTML page: its body in the frame that its template names, with the shared style sheet within."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.content.render.html import Html, highlight_rules
from app.content.templates.fill import fault, shipped
from app.content.templates.source import Confined, read

FOLDER = "html"
STYLE = "style.css"
WORDS_A_MINUTE = 220
_HEADING, _BODY, _STYLE = "\x02heading\x03", "\x02body\x03", "\x02style\x03"
_FIRST = re.compile(r"\s*<h1\b.*?</h1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class About:
    """What a page says of the draft in it. `day` is YYYY-MM-DD, `name` what its kind is called."""

    title: str
    kind: str
    name: str
    day: str
    words: int
    author: str = ""
    language: str = "en"


def page(html: Html, about: About, frame: str = "page", user_folder: Path | None = None) -> str:
    """The page. A folder `html` in the user's folder replaces frames and style sheet by their names.

    Raises UserError for a frame that is wrong or is not there.
    """
    from markupsafe import Markup

    from app.content.templates.environment import SafeEnvironment
    from app.content.templates.guard import Guard

    roots = [folder / FOLDER for folder in (user_folder, shipped()) if folder is not None]
    environment = SafeEnvironment(Confined(roots, {}), Guard(), html=True, no_data="")
    facts = {
        "title": about.title,
        "kind": about.kind,
        "name": about.name,
        "day": about.day,
        "author": about.author,
        "language": about.language,
        "minutes": max(1, round(about.words / WORDS_A_MINUTE)),
        "contents": [{"id": each.id, "text": each.text} for each in html.headings if each.level == 2],
    }
    name = f"{frame}.html"
    # The body and the style are put in afterwards: they may be longer than what a template may print.
    data = {"page": facts, **{mark.strip("\x02\x03"): Markup(mark) for mark in (_HEADING, _BODY, _STYLE)}}
    try:
        template = environment.get_template(name)
        made = environment.concat(template.root_render_func(template.new_context(data)))
    except Exception as error:
        raise fault(error, name, name, "") from None
    first = _FIRST.match(html.body)
    heading = first[0] if first is not None else ""
    return _filled(made, {_STYLE: style(user_folder), _HEADING: heading, _BODY: html.body.removeprefix(heading)})


def style(user_folder: Path | None = None) -> str:
    """The style sheet with the colours of code, as it stands in a page."""
    folders = [folder / FOLDER for folder in (user_folder, shipped()) if folder is not None]
    path = next((folder / STYLE for folder in folders if (folder / STYLE).is_file()), folders[-1] / STYLE)
    return f"{read(path)}\n{highlight_rules()}".replace("</", "<\\/")


def _filled(text: str, parts: Mapping[str, str]) -> str:
    for mark, part in parts.items():
        before, _, after = text.partition(mark)
        text = f"{before}{part}{after}"
    return text
