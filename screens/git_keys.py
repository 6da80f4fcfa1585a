"""The keys of the Git screen, one line each."""

from __future__ import annotations

from widgets.hints import bindings

_SHOWN = (
    ("c", "switch", "switch", "Switch", "Switch to the branch under the cursor; from a remote's branch, make it here"),
    ("n", "new", "new", "New branch", "Make a branch and switch to it"),
    ("m", "rename", "rename", "Rename", "Rename the branch here, on the remote, and what follows it"),
    ("s", "sync", "sync", "Sync", "Fetch, fast-forward what can be, and report; for all marked repositories"),
    ("p", "push", "push", "Push", "Show what pushing the branch (or the marked ones) would do"),
    (
        "P",
        "prune",
        "prune",
        "Prune",
        "Show which branches can go and why; with marks (* all of a filter), only those",
    ),
    ("t", "track", "track", "Track", "Set what the branch (or each marked one) follows"),
    ("L", "align", "align", "Align", "Show every mismatch of names and upstreams, with one fix each"),
    ("u", "undo", "undo", "Undo", "Show what undoing the last operation (or the chosen one) would do"),
    ("ctrl+r", "redo", "redo", "Redo", "Show what doing it again would do"),
    ("J", "journal", "journal", "Journal", "All operations here, each of which can be undone"),
    ("A", "hygiene", "hygiene", "Hygiene", "Audit the files: names that clash, large files, what is missing"),
    ("H", "hooks", "hooks", "Hooks", "The checks before a push: what is installed, install, remove"),
    ("b", "broadcast", "broadcast", "Broadcast", "A summary of what was pushed, merged and tagged, to send"),
    ("f", "fetch", "fetch", "Fetch", "Fetch from the remotes of this repository, or of all marked ones"),
    ("r", "refresh", "refresh", "Refresh", "Read this repository, or the marked ones, again"),
    (
        "slash",
        "filter",
        "filter",
        "Filter",
        "By letters of the name, or gone, merged, stale, behind…; ! turns a word round",
    ),
    ("space", "mark", "mark", "Mark", "Mark a branch or a repository; the next action is for all marked"),
    ("asterisk", "mark_all", "mark_all", "Mark all", "Mark all that the filter shows, or none"),
    ("y", "copy", "copy", "Copy", "Copy the name, path, commit, commands or text of this panel"),
    ("e", "edit", "edit", "Open in editor", "Open the repository (or the file under the cursor) in your editor"),
    ("I", "interrupted", "interrupted", "Interrupted", "An operation that was cut short: finish it or undo it"),
    ("tab", "panel(1)", "next_panel", "Next panel", "Go to the next panel"),
    ("z", "zoom", "zoom", "Zoom", "Give this panel the whole width, and back"),
)
_SILENT = (
    ("x", "remove", "remove", "Remove hooks", "Take our hooks away; those that were there before are back"),
    ("shift+tab", "panel(-1)", "previous_panel", "Panel before", "Go to the panel before"),
    ("l,right", "step(1)", "right_panel", "Panel right", "Go to the panel at the right"),
    ("h,left", "step(-1)", "left_panel", "Panel left", "Go to the panel at the left"),
    ("enter", "open", "open", "Open", "Go on to the branches, to their commits, or into the operation"),
    ("escape", "back", "back", "Back", "Leave what is open, clear filter and marks, then cancel what is under way"),
)

BINDINGS = bindings("git", _SHOWN, _SILENT)
