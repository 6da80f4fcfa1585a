"""The keys of the Tests screen, one line each."""

from __future__ import annotations

from widgets.hints import bindings

_SHOWN = (
    ("r", "run_selected", "run", "Run selected", "Run the marked tests, or the test (or file) under the cursor"),
    ("f", "run_failed", "failed", "Run failed", "Run what failed; everything if nothing did"),
    ("a", "run_all", "all", "Run all", "Run all tests of this project"),
    ("L", "run_last", "last", "Run last again", "Run again what ran last"),
    ("x", "stop", "stop", "Stop", "End the run under way"),
    ("w", "watch", "watch", "Watch on/off", "Switch running on save on or off"),
    ("n", "next_bad(1)", "next_failure", "Next failure", "Go to the next failing test"),
    ("N", "next_bad(-1)", "previous_failure", "Previous failure", "Go to the failing test before"),
    ("e", "edit", "edit", "Open in editor", "Open the failing line (or the test) in your editor"),
    ("p", "next_project", "next_project", "Next project", "Show the next project"),
    ("slash", "filter", "filter", "Filter", "Show only tests whose name holds what you type"),
    ("v,exclamation_mark", "bad_only", "bad_only", "Failing only", "Show only what fails, and back"),
    ("space", "mark", "mark", "Mark", "Mark a test or file; r then runs all that is marked"),
    ("o", "output", "output", "Run output", "Show what the last run printed outside of its tests"),
    ("y", "copy", "copy", "Copy", "Copy the node id, or in the detail panel its text"),
    ("tab,shift+tab", "switch", "switch", "Other panel", "Go to the other panel"),
    ("z", "zoom", "zoom", "Zoom", "Give this panel the whole width, and back"),
)
_SILENT = (
    ("enter", "open", "open", "Open", "Fold a file, or go to the detail of a test"),
    ("escape", "back", "back", "Back", "Leave the detail, clear filter and marks, then stop the run"),
    ("right_square_bracket", "section(1)", "next_section", "Next section", "Next section of the detail"),
    ("left_square_bracket", "section(-1)", "previous_section", "Section before", "Previous section of the detail"),
)

BINDINGS = bindings("tests", _SHOWN, _SILENT)
