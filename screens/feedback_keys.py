"""The keys of the Feedback screen, one line each."""

from __future__ import annotations

from widgets.hints import bindings

_SHOWN = (
    ("a", "verdict('accept')", "accept", "Accept", "Accept the row (or the marked ones) and go on"),
    ("x", "verdict('reject')", "reject", "Reject", "Reject the row (or the marked ones) and go on"),
    ("s", "verdict('skip')", "skip", "Skip", "Leave the row undecided and go on"),
    ("t", "tags", "tags", "Tags", "Set the tags, stored with the verdict"),
    (
        "e",
        "correct",
        "correct",
        "Correct",
        "Correct the output, stored with the verdict; mend what was refused",
    ),
    ("o", "note", "note", "Note", "Write a note, stored with the verdict"),
    ("u", "undo", "undo", "Undo", "Take back the last decision, as many steps as there are, also of earlier days"),
    ("ctrl+r", "redo", "redo", "Redo", "Decide again what was undone"),
    ("b", "alike", "alike", "Alike", "Rows of the same model that are nearly the same, to decide them at once"),
    ("v", "list", "list", "List", "All rows, and back to the queue"),
    ("O", "order", "order", "Order", "Oldest, worst score, most uncertain, largest cluster, newest model"),
    ("slash", "filter", "filter", "Filter", 'model:v3 score:<0 tag:tone text:"late fill" before:2026-11-01'),
    ("Q", "quarantine", "quarantine", "Quarantine", "Rows that were refused and why: mend, try again, or let go"),
    ("T", "retrain", "retrain", "Retrain", "What is missing until the next retraining"),
    ("S", "stats", "stats", "Figures", "Counts, rate, and agreement with yourself"),
    ("y", "copy", "copy", "Copy", "Copy the output of the row"),
    ("enter", "open", "open", "Unfold", "Unfold long texts, or open the row under the cursor"),
    ("r", "refresh", "refresh", "Refresh", "Look for rows again; try again what was refused"),
)
_SILENT = (
    *((str(n), f"score({n})", f"score_{n}", f"Score {n}", "Score stored with the verdict") for n in range(1, 6)),
    ("space", "mark", "mark", "Mark", "Mark the row under the cursor; a verdict then goes to all marked"),
    ("c", "unknown", "unknown", "Unknown fields", "Try again what was refused, with unknown fields in the context"),
    ("tab,shift+tab", "panel", "panel", "Next panel", "Go to the other panel"),
    ("escape", "back", "back", "Back", "Leave what is open, then clear the filter"),
)

BINDINGS = bindings("feedback", _SHOWN, _SILENT)
