"""The fields of a template as one form: each of its kind, with its help, and what is wrong with it in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from app.content.model import TemplateField
from widgets.figures import count
from widgets.markdown_editor import MarkdownEditor
from widgets.safe_text import clean, clean_line

Check = Callable[[TemplateField, Any], str]
"""What is wrong with an answer to a field, empty where nothing is."""
HINTS = {"number": "a number", "date": "2026-11-21", "text": "", "long": ""}


class Choices(Widget, can_focus=True):
    """One of several, or some of them: arrows go through them, `space` takes one."""

    DEFAULT_CSS = """
    Choices { height: auto; }
    Choices:focus { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "step(1)", "Next", show=False, id="form.choice_next", tooltip="The next choice"),
        Binding("left,h", "step(-1)", "Before", show=False, id="form.choice_before", tooltip="The choice before"),
        Binding("space", "take", "Take", show=False, id="form.choice_take", tooltip="Take it, or leave it"),
    ]

    class Changed(Message):
        """Something else is chosen."""

    def __init__(self, choices: Sequence[str], chosen: Sequence[str], *, many: bool) -> None:
        super().__init__()
        self.choices = tuple(choices)
        self.many = many
        self.chosen = [choice for choice in choices if choice in chosen]
        self._at = self.choices.index(self.chosen[0]) if self.chosen else 0

    def on_focus(self) -> None:
        """Show where the arrows are."""
        self.refresh()

    def on_blur(self) -> None:
        """Show it no longer."""
        self.refresh()

    def render(self) -> Content:
        """All choices on one line or several."""
        parts: list[Content] = []
        for number, choice in enumerate(self.choices):
            taken = choice in self.chosen
            sign = ("[✓]" if taken else "[ ]") if self.many else "●" if taken else "○"
            here = self.has_focus and number == self._at
            style = "$ink on $accent" if here else "$accent" if taken else ""
            # The blanks within a choice do not break it.
            parts.append(Content.styled(f" {sign} {clean_line(choice, 40)} ".replace(" ", "\u00a0"), style))
        return Content(" ").join(parts)

    def action_step(self, step: int) -> None:
        """Go to another choice; of one of several it is taken at once."""
        self._at = (self._at + step) % len(self.choices)
        if not self.many:
            self.chosen = [self.choices[self._at]]
            self.post_message(self.Changed())
        self.refresh(layout=True)

    def action_take(self) -> None:
        """Take the choice at the cursor, or leave it."""
        choice = self.choices[self._at]
        taken = {*self.chosen} ^ {choice} if self.many else {choice}
        self.chosen = [one for one in self.choices if one in taken]
        self.refresh(layout=True)
        self.post_message(self.Changed())


class FieldForm(VerticalScroll, can_focus=False):
    """Asks for the values of fields. Posts `Done` with `ctrl+s` or `enter` in the last one, `Left` with `esc`."""

    DEFAULT_CSS = """
    FieldForm { scrollbar-size-vertical: 1; scrollbar-background: $background; padding: 0 1; border: round $panel; }
    FieldForm { border-title-color: $text-muted; border-subtitle-color: $error; border-subtitle-align: right; }
    FieldForm:focus-within { border: round $accent; border-title-color: $accent; }
    FieldForm .field { height: auto; margin-bottom: 1; }
    FieldForm Static { height: auto; }
    FieldForm Input, FieldForm Input:focus { height: 1; border: none; background: $surface; }
    FieldForm Input.-textual-compact { padding: 0 1; }
    FieldForm Input:focus { background: $panel; }
    FieldForm Input > .input--selection { background: $accent; color: $ink; }
    FieldForm Choices { background: $surface; }
    FieldForm Choices:focus { background: $panel; }
    FieldForm MarkdownEditor, FieldForm MarkdownEditor:focus { height: 5; border: none; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # These three come before what is typed next: letters after them belong to the field that they lead to.
        Binding(
            "tab", "app.focus_next", "Next field", show=False, priority=True, id="form.next", tooltip="The next field"
        ),
        Binding(
            "shift+tab",
            "app.focus_previous",
            "Before",
            show=False,
            priority=True,
            id="form.previous",
            tooltip="Field before",
        ),
        Binding(
            "enter", "go_on", "Go on", show=False, priority=True, id="form.enter", tooltip="The next field, or done"
        ),
        Binding("down", "app.focus_next", "Next field", show=False, id="form.below", tooltip="The next field"),
        Binding("up", "app.focus_previous", "Before", show=False, id="form.above", tooltip="Field before"),
        Binding("ctrl+s", "done", "Done", priority=True, id="form.done", tooltip="Use these values"),
        Binding("escape", "leave", "Leave", id="form.leave", tooltip="Leave; what was typed is kept"),
    ]

    class Done(Message):
        """The fields are filled in, and nothing is wrong with them."""

        def __init__(self, values: Mapping[str, Any]) -> None:
            super().__init__()
            self.values = values

    class Changed(Message):
        """Something else stands in a field."""

    class Left(Message):
        """The form is left. `values` is what stands in it, to be given to the next one."""

        def __init__(self, values: Mapping[str, Any]) -> None:
            super().__init__()
            self.values = values

    def __init__(
        self, fields: Sequence[TemplateField], values: Mapping[str, Any] | None = None, check: Check | None = None
    ) -> None:
        """`values` is what the fields begin with: defaults, what was remembered, or what was typed before."""
        super().__init__()
        self.fields = tuple(fields)
        self._values = dict(values or {})
        self._check = check or (lambda field, value: "")
        self._asked = False
        self._entries: dict[str, Input | MarkdownEditor | Choices] = {}

    def compose(self) -> ComposeResult:
        if not self.fields:
            yield Static(Content.styled("This template asks nothing: ctrl+s makes the draft.", "$text-muted"))
        for field in self.fields:
            entry = self._entries[field.name] = self._entry(field, self._values.get(field.name))
            with Vertical(classes="field"):
                yield Static(self._label(field))
                yield entry
                below = Static(self._below(field, ""), id=f"below-{self.fields.index(field)}")
                below.display = bool(field.help)
                yield below

    def on_mount(self) -> None:
        for entry in self._entries.values():
            entry.focus(scroll_visible=False)
            break

    # The fields

    def _entry(self, field: TemplateField, value: Any) -> Input | MarkdownEditor | Choices:
        if field.kind in ("choice", "multi"):
            chosen = value if isinstance(value, (list, tuple)) else [value]
            return Choices(field.choices, [str(one) for one in chosen], many=field.kind == "multi")
        if field.kind == "toggle":
            return Choices(("yes", "no"), ["yes" if value is True else "no"], many=False)
        text = "" if value is None else str(value)
        if field.kind == "long":
            area = MarkdownEditor(text)
            area.tab_behavior = "focus"
            return area
        entry = Input(text, placeholder=HINTS[field.kind], compact=True)
        entry.cursor_blink = False
        return entry

    def _label(self, field: TemplateField) -> Content:
        name = clean_line(field.label or field.name.replace("_", " "), 80)
        return Content.assemble((name, "bold"), (" *" if field.required else "", "$accent"))

    def _below(self, field: TemplateField, problem: str) -> Content:
        if problem:
            return Content.styled(f"✗ {clean_line(problem, 300)}", "$error")
        return Content.styled(clean(field.help, 600), "$text-muted")

    def value(self, name: str) -> Any:
        """What stands in a field: text, list of choices, or flag."""
        entry = self._entries[name]
        field = next(field for field in self.fields if field.name == name)
        if isinstance(entry, Choices):
            if field.kind == "toggle":
                return entry.chosen == ["yes"]
            return entry.chosen if field.kind == "multi" else "".join(entry.chosen)
        return entry.text if isinstance(entry, MarkdownEditor) else entry.value

    @property
    def values(self) -> dict[str, Any]:
        """What stands in all fields."""
        return {field.name: self.value(field.name) for field in self.fields}

    # What is wrong

    def problem(self, field: TemplateField) -> str:
        """What is wrong with what stands in a field."""
        value = self.value(field.name)
        if value in ("", []) or (isinstance(value, str) and not value.strip()):
            return "an answer is needed" if field.required else ""
        return self._check(field, value)

    def _judge(self, *, only: Widget | None = None) -> list[TemplateField]:
        """Tell of each field (or that of one entry) what is wrong; those that are."""
        wrong = []
        for number, field in enumerate(self.fields):
            if only is not None and self._entries[field.name] is not only:
                continue
            problem = self.problem(field)
            below = self.query_one(f"#below-{number}", Static)
            below.update(self._below(field, problem))
            below.display = bool(problem or field.help)
            if problem:
                wrong.append(field)
        if only is None:
            self.border_subtitle = f"✗ {count(len(wrong), 'field')} to correct" if wrong else None
        return wrong

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A field comes into view with its name and what stands below it."""
        # Before the first layout there is nothing to scroll by.
        if self.size and event.widget in self._entries.values() and isinstance(event.widget.parent, Widget):
            self.call_after_refresh(self.scroll_to_widget, event.widget.parent, animate=False, force=True)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A field is judged when it is left with something in it, and again while it is corrected."""
        if isinstance(event.widget, (Input, MarkdownEditor, Choices)) and event.widget in self._entries.values():
            name = next(name for name, entry in self._entries.items() if entry is event.widget)
            if self._asked or self.value(name) not in ("", [], False):
                self._judge(only=event.widget)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take back what is no longer wrong."""
        event.stop()
        self._other()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Take back what is no longer wrong."""
        event.stop()
        self._other()

    def on_choices_changed(self, event: Choices.Changed) -> None:
        """Take back what is no longer wrong."""
        event.stop()
        self._other()

    def _other(self) -> None:
        if self._asked:
            self._judge()
        self.post_message(self.Changed())

    # Keys

    def action_go_on(self) -> None:
        """To the next field; from the last one, done. In a text of several lines it is a line end."""
        if isinstance(self.screen.focused, MarkdownEditor):
            raise SkipAction
        entries = list(self._entries.values())
        if not entries or entries[-1].has_focus:
            self.action_done()
        else:
            self.screen.focus_next()

    def action_done(self) -> None:
        """Use the values, unless something is wrong: then go to the first field that is."""
        self._asked = True
        wrong = self._judge()
        if wrong:
            self._entries[wrong[0].name].focus()
        else:
            self.post_message(self.Done(self.values))

    def action_leave(self) -> None:
        """Leave the form."""
        self.post_message(self.Left(self.values))
