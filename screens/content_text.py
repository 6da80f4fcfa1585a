"""The words around the panels of the Content screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from screens.feedback_text import failed
from widgets import hints
from widgets.safe_text import clean_line, shorten
from widgets.text_list import TextEntry

if TYPE_CHECKING:
    from app.content.model import ContentSnapshot, Draft, DraftHead, NoteHead, NoteState

Part = tuple[str, str]
SIGNS = {
    "draft": ("◐", "$accent"),
    "scheduled": ("○", "$info"),
    "published": ("✓", "$success"),
    "archived": ("·", "$text-muted"),
    "trashed": ("✗", "$text-muted"),
    "note": ("●", "$special"),
}
LISTS = {
    "work": ("draft", "scheduled"),
    "notes": (),
    "sent": ("published",),
    "archive": ("archived",),
    "trash": ("trashed",),
}
"""The lists, and the states of the drafts in each."""
WITH_NOTES: dict[str, NoteState] = {"work": "active", "notes": "active", "trash": "trashed"}
"""The lists that have notes, too, and the state of these."""
EMPTY = {
    "work": (("Nothing is in work.", "bold"), (("ctrl+n", "begins a draft from a template"), ("n", "adds a note"))),
    "notes": (
        ("Notes keep what is worth keeping, with tags and [[links]].", "bold"),
        (("n", "adds one"),),
    ),
    "sent": (("Nothing was published yet.", "bold"), (("ctrl+o", "publishes the draft that is open"),)),
    "archive": (("Nothing is archived.", "bold"), (("A", "archives the draft under the cursor"),)),
    "trash": (("The trash is empty.", "bold"), (("x", "in a list puts a text here"),)),
}

TONES = {"✗": "$error", "⚠": "$warning", "◐": "$accent", "○": "$info"}
"""The colour of what is said, by its sign."""

__all__ = ["EMPTY", "LISTS", "failed"]


def key(default: str) -> str:
    """The key that does what this one does by default: one of the area, or of a panel of it, as `style:a`."""
    panel, _, name = default.rpartition(":")
    return hints.key(panel or ("app" if name == "ctrl+n" else "content"), name)


def keys(*pairs: tuple[str, str], room: int = 0) -> Content:
    """`ctrl+s save · ctrl+l fix style`; where there is little room (0: enough) without the last ones."""
    made = Content("")
    for default, about in pairs:
        longer = Content.assemble(
            made, (" · " if made else "", "$muted"), (key(default), "$accent"), (f" {about}", "$text-muted")
        )
        if room and longer.cell_length > room:
            break
        made = longer
    return made


def draft_entry(head: DraftHead, open_id: str) -> TextEntry:
    """The line of a draft."""
    sign, tone = SIGNS[head.state]
    title = f"{head.kind.upper()}-{head.number:04d} {head.title}" if head.number is not None else head.title
    return TextEntry(f"draft:{head.id}", sign, tone, title, head.kind, head.updated_at.timestamp(), head.id == open_id)


def list_of(state: str) -> str:
    """The list that has drafts or notes in this state."""
    return next((name for name, states in LISTS.items() if state in states), "notes")


def note_entry(head: NoteHead, open_id: str, state: NoteState = "active") -> TextEntry:
    """The line of a note."""
    sign, tone = SIGNS["note" if state == "active" else state]
    kind = " ".join(head.tags) or "note"
    return TextEntry(f"note:{head.id}", sign, tone, head.title, kind, head.updated_at.timestamp(), head.id == open_id)


def empty(name: str, wanted: str) -> Sequence[Sequence[Part]]:
    """What a list says that has nothing in it."""
    if wanted:
        return (
            (("Nothing here has these words.", ""),),
            ((clean_line(wanted, 40), "$accent"),),
            (),
            ((key("esc"), "$accent"), (" clears them", "$text-muted")),
        )
    what, pairs = EMPTY[name]
    return (
        (what,),
        (),
        *(((key(default), "$accent"), (f" {about}", "$text-muted")) for default, about in pairs),
    )


def lists(name: str) -> Content:
    """The names of the lists, the open one standing out."""
    shown = [
        (f" {each} " if each == name else each, "$ink on $accent" if each == name else "$text-muted") for each in LISTS
    ]
    shown = [part for each in shown for part in (each, (" ", ""))][:-1]
    return Content.assemble(*shown)


def editor_title(draft: Draft | None, *, changed: bool) -> Content:
    """`The journal waits ─ devlog ─ version 3`, with a sign while the text is not kept as a version."""
    if draft is None:
        return Content("text")
    kept = f"version {draft.version}"
    parts: list[Part] = [(clean_line(draft.title, 80) or "untitled", "bold"), (f" ─ {draft.kind} ─ {kept}", "")]
    if changed:
        parts.append((" ● changed", "$warning"))
    return Content.assemble(*parts)


def folds(at: str) -> Content:
    """The panels that share the place, the open one standing out."""
    names = {"left": "list", "middle": "text", "right": "preview"}
    shown = [(f" {name} ", "$ink on $accent" if each == at else "$text-muted") for each, name in names.items()]
    return Content.assemble(*shown, " ")


def status(
    said: str,
    pairs: Sequence[tuple[str, str]],
    snapshot: ContentSnapshot | None,
    trouble: str,
    width: int,
    fold: str,
) -> Content:
    """The line below: panels that are folded, what was done last (else the keys), and what is wrong."""
    parts: list[Content] = [folds(fold)] if fold else [Content(" ")]
    wrong = trouble or (snapshot.problem if snapshot is not None else "")
    room = width - parts[0].cell_length - 2
    # Whatever is said, one key at least stays in view.
    free = max(room - keys(*pairs[:1]).cell_length - 3, 12)
    if said:
        told = Content.styled(shorten(clean_line(said, 400), free), TONES.get(said[:1], ""))
    elif wrong:
        away = snapshot is not None and not snapshot.up and not trouble
        text = "the database is away: texts are kept in the journal until it is back" if away else wrong
        told = Content.assemble(("⚠ ", "$warning"), (shorten(clean_line(text, 300), free - 2), "$text-muted"))
    else:
        told = Content("")
    hints = keys(*pairs, room=max(room - told.cell_length - 3, 1) if told else room)
    parts += [told, Content("   "), hints] if told and hints else [told, hints]
    return Content("").join(parts)
