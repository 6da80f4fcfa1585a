"""A kept draft as a page: in the frame of its template, or in the plain one where that is gone."""

from __future__ import annotations

from pathlib import Path

from app.content.drafts.drafts import words
from app.content.model import Draft
from app.content.render.html import to_html
from app.content.templates.catalogue import Catalogue
from app.content.templates.fill import OCCASION
from app.content.templates.page import About, page
from app.errors import UserError


def page_of(draft: Draft, body: str, user_folder: Path | None = None, *, language: str = "en") -> str:
    """The page of one of the draft's texts; the same text always gives the same page."""
    try:
        template = Catalogue(user_folder).find(draft.template)
        frame, name = template.html, template.title
    except UserError:
        frame, name = "page", draft.kind
    occasion = draft.context.get(OCCASION, {}).get("data") or {}
    day = str(occasion.get("today") or draft.created_at.date().isoformat())
    author = str(occasion.get("author") or "")
    about = About(draft.title, draft.kind, name, day, words(body), author, language)
    return page(to_html(body), about, frame, user_folder)
