"""The form of a template's fields: each kind by keys, what is wrong in its place, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.widgets import Static

from app.content.model import TemplateField
from app.content.templates.values import AnswerError, checked
from tests.widgets.writing import WritingApp
from widgets.field_form import FieldForm

SIZE = (80, 24)
FIELDS = (
    TemplateField("name", "text", "Name", "What it is called", required=True),
    TemplateField("runs", "number", "Runs"),
    TemplateField("day", "date", help="The day it is about"),
    TemplateField("mood", "choice", choices=("calm", "busy", "very tired")),
    TemplateField("parts", "multi", choices=("tests", "git", "market")),
    TemplateField("public", "toggle"),
    TemplateField("story", "long", help="As long as you like"),
)


def problem(field: TemplateField, value: Any) -> str:
    try:
        checked(field, value)
    except AnswerError as error:
        return f"{error}, {error.fix}"
    return ""


class Host(WritingApp):
    """Remembers what the form says."""

    def __init__(self, form: FieldForm, theme: str = "quarterdeck") -> None:
        super().__init__(form, theme)
        self.first = form
        self.form = form
        self.done: dict[str, Any] | None = None
        self.kept: dict[str, Any] | None = None

    def on_mount(self) -> None:
        """The form puts the cursor into its first field itself."""

    def on_field_form_done(self, event: FieldForm.Done) -> None:
        self.done = dict(event.values)

    def on_field_form_left(self, event: FieldForm.Left) -> None:
        self.kept = dict(event.values)

    def below(self, number: int) -> str:
        """What stands under a field."""
        return str(self.form.query_one(f"#below-{number}", Static).content)


async def test_keys_that_come_at_once_belong_to_the_field_that_they_lead_to() -> None:
    fields = tuple(TemplateField(name, "text") for name in "abc")
    app = Host(FieldForm(fields))
    async with app.run_test(size=SIZE) as pilot:
        for key in ("1", "2", "tab", "3", "enter", "4", "shift+tab", "5"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert app.form.values == {"a": "12", "b": "5", "c": "4"}


async def test_every_kind_by_keys() -> None:
    app = Host(FieldForm(FIELDS, {"runs": 12, "mood": "busy", "parts": ["git"]}, problem))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*"Ada", "enter", "end", "0", "tab", *"2026-11-21", "enter")
        await pilot.press("right", "enter", "left", "space", "enter", "left", "tab")
        await pilot.press(*"one", "enter", *"two", "ctrl+s")
        assert app.done == {
            "name": "Ada",
            "runs": "120",
            "day": "2026-11-21",
            "mood": "very tired",
            "parts": ["tests", "git"],
            "public": True,
            "story": "one\ntwo",
        }
        assert app.below(0) == "What it is called"


async def test_what_is_wrong_is_told_in_its_place_until_it_is_right() -> None:
    app = Host(FieldForm(FIELDS, {"day": "yesterday"}, problem))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", *"some", "tab")
        assert "✗ 'some' is no number" in app.below(1), "told when the field is left"
        await pilot.press("ctrl+s")
        assert app.done is None
        assert app.below(0) == "✗ an answer is needed"
        assert "✗ 'yesterday' is no date" in app.below(2)
        assert "3 fields to correct" in str(app.form.border_subtitle)
        await pilot.press(*"x")
        assert app.below(0) == "What it is called", "put right while it is typed"
        await pilot.press("tab", "ctrl+u", "tab", "ctrl+u", "ctrl+s")
        assert app.done is not None
        assert app.done["name"] == "x"


async def test_leaving_gives_back_what_was_typed() -> None:
    app = Host(FieldForm(FIELDS, {}, problem))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*"half", "escape")
        assert app.kept is not None
        assert app.kept["name"] == "half"
        again = FieldForm(FIELDS, app.kept, problem)
        await app.mount(again)
        assert again.value("name") == "half"
        assert again.values == app.kept


async def test_a_template_that_asks_nothing() -> None:
    app = Host(FieldForm(()))
    async with app.run_test(size=SIZE) as pilot:
        app.form.focus()
        app.form.action_go_on()
        await pilot.pause()
        assert app.done == {}
