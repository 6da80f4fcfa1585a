"""The keys of the Content screen, one line each."""

from __future__ import annotations

from widgets.hints import bindings

_SHOWN = (
    ("ctrl+s", "save", "save", "Save", "Keep the text as a version"),
    ("ctrl+l", "fix", "fix", "Fix style", "Put right what the style guide is sure of; one undo takes it back"),
    ("ctrl+g", "ai", "ai", "AI", "Draft, rewrite, shorten, another tone, titles, go on; esc stops, u takes it back"),
    ("ctrl+t", "versions", "versions", "Versions", "What was kept, what changed between, and bring one back"),
    ("ctrl+o", "publish", "publish", "Publish", "Where to, when, what each target gets; nothing is sent before enter"),
    ("ctrl+f", "find", "find", "Find", "Find and replace in the text; f3 goes to the next match"),
    ("alt+q", "reflow", "reflow", "Reflow", "Fill the lines of the paragraph that the cursor of the text is in"),
    ("o,alt+o", "browser", "browser", "Browser", "The page as HTML in the browser, which follows the keys"),
    ("e,alt+e", "editor", "editor", "Own editor", "The text in $EDITOR, and back"),
    ("enter", "open", "open", "Open", "Write on the text under the cursor"),
    ("n", "note", "note", "New note", "A note with a title; [[ links to others"),
    ("m", "rename", "rename", "Rename", "Another title for the draft or the note"),
    ("t", "tags", "tags", "Tags", "The tags of the note that is open"),
    ("b", "backlinks", "backlinks", "Backlinks", "The notes that link to the one that is open, and one of them opened"),
    ("x", "trash", "trash", "Trash", "Into the trash with its versions, or back from there"),
    ("A", "archive", "archive", "Archive", "Out of the list of what is in work, or back"),
    ("space", "mark", "mark", "Mark", "Mark a text; trash and archive are then for all that are marked"),
    ("slash", "filter", "filter", "Filter", "Drafts by their titles, notes by all their words and tag:name"),
    ("u", "undo", "undo", "Take back", "The last change that was made to the text at once"),
    ("ctrl+r", "redo", "redo", "Do again", "What was taken back last"),
    ("y", "copy", "copy", "Copy", "Copy what is chosen in the text, or all of it"),
    ("z,alt+z", "zoom", "zoom", "Zoom", "This panel alone, and back; alt: also inside the text"),
    ("r", "refresh", "refresh", "Refresh", "Read the list again"),
)
_SILENT = (
    ("l,right", "list_view(1)", "next_list", "Next list", "In work, notes, published, archive, trash"),
    ("h,left", "list_view(-1)", "list_before", "List before", "The list before"),
    ("tab", "panel(1)", "tab", "Next panel", "Go to the next panel"),
    ("shift+tab", "panel(-1)", "tab_before", "Panel before", "Go to the panel before"),
    ("alt+left", "panel(-1)", "panel_before", "Panel before", "Also inside the text"),
    ("alt+right", "panel(1)", "panel_next", "Next panel", "Also inside the text"),
    ("escape", "back", "back", "Back", "Stop the AI, leave the text, then zoom, marks and filter"),
)

BINDINGS = bindings("content", _SHOWN, _SILENT)
