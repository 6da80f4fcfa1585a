"""The style guide for the texts of a template: as configured, with what the template's front matter changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.content.style.model import Options, Override
from app.content.style.service import StyleService
from app.errors import UserError
from app.settings import Loaded, content_style

if TYPE_CHECKING:
    from app.content.model import Template


def style_of(loaded: Loaded, template: str = "", target: str = "") -> StyleService:
    """The style guide for texts of a template, or of none, and for a target. Reads files.

    Raises UserError for rules that make no sense, in the configuration or the template.
    """
    return StyleService(options_of(loaded, template), template, target)


def options_of(loaded: Loaded, template: str = "") -> Options:
    """`[content.style]`, with what the template says before it: the configuration has the last word."""
    from app.content.asking import templates_folder
    from app.content.templates.catalogue import Catalogue

    options = content_style(loaded.settings)
    if not template:
        return options
    try:
        found = Catalogue(templates_folder(loaded.settings, loaded.base)).find(template)
    except UserError:
        # A draft outlives its template.
        return options
    return replace(options, overrides=(*_own(found), *options.overrides))


def _own(template: Template) -> tuple[Override, ...]:
    if not template.style:
        return ()
    style = template.style
    where = f"{template.path}:1"
    on, off = tuple(style.get("on", ())), tuple(style.get("off", ()))
    return (Override(template.id, where=where, on=on, off=off, severity=style.get("severity", {})),)
