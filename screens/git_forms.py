"""Small forms of the Git screen: fields, and what comes of them as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from screens.dialog import Dialog
from widgets.lines_view import wrapped
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.model import Rules

PREVIEW_WIDTH = 62


class Field(NamedTuple):
    """One line to fill in."""

    name: str
    value: str = ""
    hint: str = ""


class Preview(NamedTuple):
    """What the fields make: a text, why it cannot be used, or what to know although it can."""

    text: str
    problem: str = ""
    note: str = ""
    ready: bool = True
    """False while there is nothing to judge yet."""


Values = Mapping[str, str]
Check = Callable[[Values], Preview]


class Form(Dialog[dict[str, str] | None]):
    """Fields above, their result below while they are typed. Dismissed with the values, or None."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave everything as it is", id="form.cancel"),
        Binding("down,tab", "app.focus_next", "Next field", show=False, tooltip="Next field", id="form.next"),
        Binding("up,shift+tab", "app.focus_previous", "Before", show=False, tooltip="Field before", id="form.previous"),
    ]

    def __init__(self, title: str, fields: Sequence[Field], check: Check, *, done: str) -> None:
        """`done` says what `enter` does."""
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._check = check
        self._done = done

    def compose(self) -> ComposeResult:
        widest = max(len(field.name) for field in self._fields) + 2
        with Vertical(classes="dialog form") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(f"enter {self._done} · esc leaves")
            for number, field in enumerate(self._fields):
                with Horizontal(classes="field"):
                    yield Static(Content.styled(field.name.ljust(widest), "$text-muted"))
                    entry = Input(
                        field.value, placeholder=field.hint, compact=True, id=f"field{number}", select_on_focus=False
                    )
                    entry.cursor_blink = False
                    yield entry
            yield Static(Content(""), id="preview")

    def on_mount(self) -> None:
        self.query_one("#field0", Input).focus()
        self._show()

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields."""
        found = (self.query_one(f"#field{number}", Input).value for number in range(len(self._fields)))
        return {field.name: value.strip() for field, value in zip(self._fields, found, strict=True)}

    def _show(self) -> None:
        preview = self._check(self.values)
        parts: list[Content] = []
        if preview.text:
            sign = ("✗ ", "$error") if preview.problem else ("✓ ", "$success")
            parts.append(Content.assemble(sign, (clean_line(preview.text, 300), "bold")))
        for text, style in ((preview.problem, "$error"), (preview.note, "$text-muted")):
            parts += [Content.styled(line, style) for line in wrapped(clean_line(text, 600), PREVIEW_WIDTH) if line]
        self.query_one("#preview", Static).update(Content("\n").join(parts))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what it makes now."""
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close, if what stands there can be used."""
        event.stop()
        preview = self._check(self.values)
        if preview.ready and not preview.problem:
            self.dismiss(self.values)

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)


NAME = "name"
START = "from"


def new_branch(rules: Rules, taken: Collection[str], *, start: str, repository: str) -> Form:
    """Asks for the parts of the naming rule, or for the whole name where there is none."""
    from app.git import names

    try:
        parts = names.template_fields(rules.template)
    except ValueError:
        parts = ()
    known = [names.parts(example, rules) for example in rules.examples]
    fields = [Field(part, hint=_example(part, known)) for part in parts] or [
        Field(NAME, hint=rules.examples[0] if rules.examples else "feature/what-it-is")
    ]

    def check(values: Values) -> Preview:
        return judge(new_name(rules, values), rules, taken)

    where = Field(START, hint=f"{clean_line(start, 36)}, or another commit")
    return Form(f"New branch in {clean_line(repository, 40)}", [*fields, where], check, done="makes and switches to it")


def new_name(rules: Rules, values: Values) -> str:
    """The name that the fields of `new_branch` make."""
    from app.git import names

    if NAME in values:
        return values[NAME]
    built = names.build(rules.template, values)
    parts = {part: values.get(part, "") for part in names.template_fields(rules.template)}
    if not names.name_problem(built, rules) or not all(parts.values()):
        return built
    # Tickets are often written in capitals: then what was typed so fits the rule, and its lower case does not.
    kept = {part: names.slug(text) if names.ref_problem(text) else text for part, text in parts.items()}
    typed = rules.template.format_map(kept)
    return built if names.name_problem(typed, rules) else typed


def rename(rules: Rules, taken: Collection[str], old: str) -> Form:
    """Asks for a branch's new name, and offers one that follows the rule."""
    from app.git import names

    others = [name for name in taken if name != old]
    broken = names.name_problem(old, rules)
    offered = names.suggestion(old, rules, others) if broken else old

    def check(values: Values) -> Preview:
        if values[NAME] == old:
            return Preview("", "", broken or "type its new name", ready=False)
        return judge(values[NAME], rules, others)

    title = f"Rename {clean_line(old, 50)}"
    return Form(title, [Field(NAME, offered or old, "the new name")], check, done="shows what it would do")


def upstream(name: str, current: str, remotes: Sequence[str]) -> Form:
    """Asks what a branch is to follow."""
    first = remotes[0] if remotes else "origin"

    def check(values: Values) -> Preview:
        remote, _, branch = values["upstream"].partition("/")
        if not branch:
            return Preview("", "write it as remote/branch")
        problem = "" if remote in remotes else f"there is no remote called {remote}"
        return Preview(values["upstream"], problem)

    field = Field("upstream", current or f"{first}/{name}", "remote/branch")
    return Form(f"What {clean_line(name, 40)} follows", [field], check, done="shows what it would do")


def target(text: str) -> Form:
    """Asks where a broadcast is to go."""

    def check(values: Values) -> Preview:
        to = values["to"]
        if not to:
            return Preview("", "", "type file: and the path of a file to add it to", ready=False)
        if not to.startswith("file:") or len(to) <= len("file:"):
            return Preview("", "a file is written as file:PATH")
        path = to.removeprefix("file:")
        return Preview(f"appends to {path}" + ("" if path[0] in "/~" else ", from the configuration's folder"))

    return Form("Where it goes", [Field("to", text, "file:PATH")], check, done="sends it")


def judge(name: str, rules: Rules, taken: Collection[str]) -> Preview:
    """Whether a branch can have this name: what git allows, what the rule asks for, what is there already."""
    from app.git import names

    if not name:
        return Preview("", "", "type to see the name", ready=False)
    clashing = names.clashes(name, taken)
    problem = names.ref_problem(name) or (clashing[0].why if clashing else "")
    if problem:
        return Preview(name, problem)
    broken = names.name_problem(name, rules)
    if broken:
        better = names.suggestion(name, rules, taken)
        return Preview(name, broken, f"near to it: {better}" if better else "")
    return Preview(name)


def _example(part: str, known: Sequence[Mapping[str, str]]) -> str:
    found = dict.fromkeys(parts[part] for parts in known if parts.get(part))
    return ", ".join(found)
