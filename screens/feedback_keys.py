"""The keys of the Feedback screen, one line each."""

from __future__ import annotations

from textual.binding import Binding, BindingType

_SHOWN = (
    ("a", "verdict('accept')", "accept", "Accept", "Accept the row (or the marked ones) and go on"),
    ("x", "verdict('reject')", "reject", "Reject", "Reject the row (or the marked ones) and go on"),
    ("s", "verdict('skip')", "skip", "Skip", "Leave the row undecided and go on"),
    ("t", "tags", "tags", "Tags", "Set the tags, stored with the verdict"),
    ("e", "correct", "correct", "Correct", "Correct the output, stored with the verdict"),
    ("o", "note", "note", "Note", "Write a note, stored with the verdict"),
    ("u", "undo", "undo", "Undo", "Take back the last decision, as many steps as there are, also of earlier days"),
    ("ctrl+r", "redo", "redo", "Redo", "Decide again what was undone"),
    ("b", "alike", "alike", "Alike", "Rows that are nearly the same, to decide them at once"),
    ("v", "list", "list", "List", "All rows, and back to the queue"),
    ("O", "order", "order", "Order", "Oldest, worst score, most uncertain, largest cluster, newest model"),
    ("slash", "filter", "filter", "Filter", 'model:v3 score:<0 tag:tone text:"late fill" before:2026-11-01'),
    ("T", "retrain", "retrain", "Retrain", "What is missing until the next retraining"),
    ("S", "stats", "stats", "Figures", "Counts, rate, and agreement with yourself"),
    ("y", "copy", "copy", "Copy", "Copy the output of the row"),
    ("enter", "open", "open", "Unfold", "Unfold long texts, or open the row under the cursor"),
    ("r", "refresh", "refresh", "Refresh", "Look for rows again"),
)
_SILENT = (
    *((str(n), f"score({n})", f"score_{n}", f"Score {n}", "Score stored with the verdict") for n in range(1, 6)),
    ("space", "mark", "mark", "Mark", "Mark the row under the cursor; a verdict then goes to all marked"),
    ("tab,shift+tab", "panel", "panel", "Next panel", "Go to the other panel"),
    ("escape", "back", "back", "Back", "Leave what is open, then clear the filter"),
)

BINDINGS: list[BindingType] = [
    Binding(keys, action, description, show=rows is _SHOWN, id=f"feedback.{name}", tooltip=tooltip)
    for rows in (_SHOWN, _SILENT)
    for keys, action, name, description, tooltip in rows
]
