"""Content: drafts and notes at the left, the editor in the middle, what readers will see at the right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from screens import content_text as words
from screens.base import Command, Runtime
from screens.content_pages import ContentPages
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_find import EditorBox
from widgets.markdown_preview import MarkdownPreview
from widgets.safe_text import clean_line
from widgets.style_findings import StyleFindings
from widgets.text_list import TextList

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.events import ContentChanged

TWO, ONE = 140, 100
"""Columns below which the list or the preview, and below which all but one panel are folded."""
PANELS = ("left", "middle", "right")
FREE = frozenset({"back", "panel", "list_view", "filter", "refresh", "note", "zoom", "undo", "find"})
"""What needs no text that is open."""
ON_ROW = frozenset({"open", "trash", "archive", "mark"})
SAID_S, FAULT_S = 8.0, 20.0
"""How long words stand in the line below, and how long those that tell what went wrong."""
TYPED = frozenset(
    {"open", "note", "rename", "tags", "backlinks", "trash", "archive", "mark", "filter", "undo", "copy", "refresh"}
    | {"list_view"}
)
"""What plain keys do, which in a text field are letters."""
SNIPPETS = {"table": "| $0 |  |\n|---|---|\n|  |  |", "code": "```\n$0\n```", "link": "[$0]()"}


class Panel(Vertical):
    """One of the three places; it shows nothing of its own."""

    BLANK = True


class ContentPane(ContentPages):
    """The Content area."""

    AREA = "content"
    TITLE = "Content"
    HELP = (
        "Drafts from templates that fill themselves in from live data, notes to draw on, and the style guide that "
        "looks on while you write. What you type is on the disk a second later; a version is kept with every save."
    )
    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self.texts = TextList()
        self.texts.id = "texts"
        self.editor = MarkdownEditor("", snippets=SNIPPETS, complete=self._names)
        self.editor.read_only = True
        self.preview = MarkdownPreview(self.views())
        self.findings = StyleFindings()
        self.filter = Input(placeholder="words, tag:name", compact=True, id="filter", select_on_focus=False)
        self.filter.cursor_blink = False
        self.status = Static(Content(""), id="status")
        self._typed, self._refused = {}, set()
        self._said = ""
        self._unsay: Timer | None = None
        self._at = "left"
        self._zoomed = False
        self._unfollow: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        with Horizontal(id="panels"):
            with Panel(id="left"):
                yield self.texts
                yield self.filter
            with Panel(id="middle"):
                yield EditorBox(self.editor)
            with Panel(id="right"):
                yield self.preview
                yield self.findings
        yield self.status

    # Life

    def on_mount(self) -> None:
        """Say that it starts, until the engine is up."""
        self.texts.border_title = "texts"
        self.texts.set_placeholder(((("starting", "$text-muted"),),))
        self._fold(self.app.size.width)
        self.show_draft(None)
        self.follow_elsewhere()

    def attach(self, runtime: Runtime) -> None:
        """Follow the engine."""
        super().attach(runtime)
        from app.events import ContentChanged

        self._unfollow()
        self._unfollow = runtime.bus.subscribe(ContentChanged, self._content_changed)
        self.list_again()
        self.attempt(self.offer_left())
        self.attempt(self.read_templates())

    async def on_unmount(self) -> None:
        """Follow nothing any more."""
        self._unfollow()
        self.rest()
        self.stop_ai()
        await self.close_live()

    def on_activated(self) -> None:
        """Show what was written meanwhile."""
        self.active = True
        if self.service is not None:
            self.list_again()

    def focus_default(self) -> None:
        """The form, the text, or the list."""
        self.go("middle" if self.form is not None or self.draft is not None else "left")

    def unsaved(self) -> str:
        """What was typed and is not on the disk."""
        problem = self._desk.autosave.problem if self._desk is not None else ""
        if self.changed and self.draft is not None and problem:
            return f"what was typed in {clean_line(self.draft.title, 60)} ({problem})"
        return ""

    def _content_changed(self, event: ContentChanged) -> None:
        if self.active and self.is_mounted:
            self.paint()

    async def _names(self, typed: str) -> tuple[str, ...]:
        own = self.note.title if self.note is not None else ""
        return tuple(name for name in await (await self.desk()).names(typed) if name != own)

    # Painting

    def paint(self) -> None:
        """Bring titles and the line below in line with what is open."""
        if not self.is_mounted:
            return
        self.texts.write_border("subtitle", words.lists(self.listed))
        title = words.editor_title(self.draft, changed=self.changed)
        if self.note is not None and self.note.tags:
            tags = " ".join(f"#{tag}" for tag in self.note.tags)
            title = Content.assemble(title, (f" {clean_line(tags, 60)}", "$special"))
        self.editor.write_border("title", title)
        hint = () if self.draft is not None else ("What you write stands here.",)
        if hint != self.editor.hint:
            self.editor.hint = hint
            self.editor.refresh_changed()
        self._paint_status()
        self.refresh_bindings()

    def _paint_status(self) -> None:
        problem = self._desk.autosave.problem if self._desk is not None else ""
        trouble = f"what you type cannot be kept on the disk: {problem}" if problem else ""
        if self.theirs is not None and not trouble:
            trouble = f"changed elsewhere: version {self.theirs.version}; {words.key('ctrl+s')} asks which one stays"
        width = self.size.width or self.app.size.width
        text = words.status(
            self.busy or self._said,
            self._pairs(),
            self.snapshot,
            trouble,
            width,
            self._at if width < TWO or self._zoomed else "",
        )
        if not text.is_same(self.status.content):  # type: ignore[arg-type]  # we only ever set Content
            self.status.update(text, layout=False)

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        if self.form is not None:
            return (("ctrl+s", "makes the draft"), ("esc", "leaves the form"))
        if self._at == "left" and not self.texts.rows:
            return (("ctrl+n", "new draft"), ("n", "new note"), ("→", "other lists"), ("esc", "clears the filter"))[
                : 4 if self.wanted else 3
            ]
        if self._at == "left":
            return self._list_pairs()
        if self.screen.focused is self.findings:
            taken = (("style:a", "apply"), ("style:x", "refuse"), ("style:enter", "go there"))
            return (*taken, ("shift+tab", "preview"), ("esc", "list"), ("ctrl+l", "fix all that is safe"))
        if self.screen.focused is self.preview:
            return (
                ("←→", "Markdown/Discord/Text"),
                ("tab", "style"),
                ("alt+←", "text"),
                ("esc", "list"),
                ("z", "zoom"),
            )
        if self.draft is None:
            return (("ctrl+n", "new draft"), ("esc", "list"))
        shown = (("ctrl+s", "save"), ("ctrl+l", "fix style"), ("ctrl+g", "AI"), ("ctrl+t", "versions"))
        return (*shown, ("ctrl+o", "publish"), ("esc", "list"), ("alt+→", "preview"), ("ctrl+f", "find"))

    def _list_pairs(self) -> tuple[tuple[str, str], ...]:
        note = self.texts.entry is not None and self.texts.entry.key.startswith("note:")
        shown = (("enter", "opens"), ("ctrl+n", "new draft"), ("n", "new note"), ("/", "filter"))
        put = [("x", "brings back" if self.listed == "trash" else "trash")]
        if not note:
            put.append(("A", "brings back" if self.listed == "archive" else "archive"))
        return (*shown, *put, ("space", "mark"), ("→", "other lists"), ("z", "zoom"))

    def say(self, text: str) -> None:
        """A few words in the line below, for a few seconds or until the next are said."""
        self._said = text
        if self._unsay is not None:
            self._unsay.stop()
        if self.is_mounted:
            seconds = FAULT_S if text.startswith("✗") else SAID_S
            self._unsay = self.set_timer(seconds, partial(self.say, "")) if text else None
            self._paint_status()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        if isinstance(self.screen.focused, (Input, MarkdownEditor)) and action in TYPED:
            return False
        if self.form is not None and action not in ("back", "panel", "list_view", "filter", "refresh", "zoom"):
            return None
        if action == "archive" and self.texts.entry is not None and self.texts.entry.key.startswith("note:"):
            # Marked drafts may be put there with the cursor on a note.
            return True if self.texts.marks else None
        if action in ON_ROW:
            return True if self.texts.entry is not None and self.screen.focused is self.texts else None
        if action in FREE:
            return True
        if action in ("tags", "backlinks"):
            return True if self.note is not None else None
        return True if self.draft is not None else None

    def action_find(self) -> None:
        """Open the fields below the text."""
        if self.form is None and self.draft is not None:
            self.go("middle")
            self.query_one(EditorBox).action_find()
        else:
            self.say("no text is open to look in" if self.form is None else "esc leaves the form, then look")

    def action_reflow(self) -> None:
        """Fill the lines of the paragraph."""
        self.editor.action_reflow()

    def action_back(self) -> None:
        """One step back: from the text to the list, then without words to look for."""
        if self.stop_ai():
            self.say("stopping")
        elif self._at != "left":
            self.go("left")
        elif self._zoomed:
            self.action_zoom()
        elif self.texts.clear_marks() or not self.clear_filter():
            self.say("")

    # Panels

    def go(self, at: str) -> None:
        """Give the keyboard to `left`, `middle` or `right`, unfolding it."""
        self._show_panel(at)
        if at == "middle" and self.form is not None:
            target = next((each for each in self.form.query("*") if each.focusable), self.form)
        else:
            target = {"left": self.texts, "middle": self.editor, "right": self.preview}[at]
        self.screen.set_focus(target, scroll_visible=False)

    def _show_panel(self, at: str) -> None:
        self._at = at
        for each in PANELS:
            self.set_class(each == at, f"-at-{each}")
        if self.is_mounted:
            self._paint_status()

    def action_panel(self, step: int) -> None:
        """The next panel, or the one before."""
        if self.screen.focused is self.preview and step > 0:
            self.screen.set_focus(self.findings, scroll_visible=False)
        elif self.screen.focused is self.findings and step < 0:
            self.screen.set_focus(self.preview, scroll_visible=False)
        else:
            self.go(PANELS[(PANELS.index(self._at) + step) % len(PANELS)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The panel that has the keyboard is the one that is not folded."""
        for each in PANELS:
            if self.query_one(f"#{each}") in event.widget.ancestors_with_self and each != self._at:
                self._show_panel(each)
        self._paint_status()

    def on_resize(self, event: events.Resize) -> None:
        """Fold what has no room."""
        self._fold(event.size.width)
        self._paint_status()

    def action_zoom(self) -> None:
        """Let one panel have the whole screen, or take it back."""
        self._zoomed = not self._zoomed
        self._fold(self.size.width)

    def _fold(self, width: int) -> None:
        one = width < ONE or self._zoomed
        self.set_class(ONE <= width < TWO and not one, "-two")
        self.set_class(one, "-one")
        self._show_panel(self._at)

    # Palette

    def commands(self) -> Iterable[Command]:
        """A draft from each template, and every text of the list."""
        for known in self.templates:
            if known.template is not None:
                title = f"New draft: {clean_line(known.template.title, 60)}"
                yield Command(title, known.template.help, partial(self._new_from_palette, known.id))
        for entry in self.texts.entries.values():
            name = "note" if entry.key.startswith("note:") else entry.kind
            title = f"Content: {clean_line(entry.title, 80)}"
            yield Command(title, f"Open this {name}", partial(self._open_from_palette, entry.key))

    def _new_from_palette(self, template: str) -> None:
        self._come_up()
        self.new_draft(template)

    def _come_up(self) -> None:
        if (area := getattr(self.app.screen_stack[0], "open_area", None)) is not None:
            area(self.AREA)

    def _open_from_palette(self, key: str) -> None:
        self._come_up()
        self.attempt(self.open_text(key), group="content-open", exclusive=True)
