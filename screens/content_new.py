"""New texts: a template is chosen, its form filled in, and the draft stands in the editor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.worker import Worker

from app.errors import UserError
from screens import content_text as words
from screens.content_lists import ContentLists
from widgets.field_form import FieldForm
from widgets.figures import count
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.content.making import Begun
    from app.content.model import TemplateField
    from app.content.templates.catalogue import Entry


FOLLOW_S = 0.25
"""How long after the last key the preview of a form follows."""


class ContentNew(ContentLists):
    """Templates, their forms, and notes."""

    begun: Begun | None = None
    templates: tuple[Entry, ...] = ()
    """As they were read last, for the palette."""
    _typed: dict[str, Mapping[str, Any]]

    def new_draft(self, template: str = "") -> None:
        """Begin a draft: of this template, or of one that is chosen."""
        if self.form is not None:
            self.form.query("Input, MarkdownEditor, Choices").first().focus()
            return
        if self.busy:
            self.say(f"{self.busy} first: esc stops it")
            return
        self.attempt(self._new(template), group="content-open", exclusive=True)

    async def read_templates(self) -> None:
        """Know the templates, so that the palette offers them."""
        self.templates = await (await self.desk()).templates()

    async def _new(self, template: str) -> None:
        desk = await self.desk()
        if template:
            await self._begin(template)
            return
        from screens.chooser import Choice, Chooser

        entries = self.templates = await desk.templates()
        choices = [
            Choice(
                entry.id,
                entry.template.title if entry.template is not None else entry.id,
                entry.template.help if entry.template is not None else "",
                "" if entry.origin == "shipped" else entry.origin,
                "" if entry.error is None else str(entry.error),
            )
            for entry in entries
        ]
        self.app.push_screen(
            Chooser("New draft", choices, done="begins it", hint="type to find a template"),
            lambda chosen: self.attempt(self._begin(chosen), group="content-open", exclusive=True) if chosen else None,
        )

    async def _begin(self, template: str) -> None:
        self.say("gathering live data")
        desk = await self.desk()
        await self.keep()
        begun = await desk.begin(template)
        await self.leave_form()
        self.begun = begun
        values = {**begun.defaults, **self._typed.get(template, {})}
        form = FieldForm(begun.template.fields, values, _checked)
        form.border_title = Content(clean_line(begun.template.title, 60))
        missing = [part.source for part in begun.context.values() if part.why]
        self.say(f"no data of {', '.join(missing)}" if missing else "")
        self.form = form
        self.set_class(True, "-form")
        await self.query_one("#middle").mount(form)
        self.findings.show_nothing()
        self._form_soon(0.0)
        self.go("middle")
        self.paint()

    async def leave_form(self) -> None:
        """Take an open form away and show the editor again; what was typed is there when it is opened again."""
        form, self.form = self.form, None
        if form is not None:
            if self.begun is not None and form.is_mounted:
                self._typed[self.begun.template.id] = _own(form.values, self.begun.defaults)
            self.set_class(False, "-form")
            await form.remove()
            self.text_shown()
        self.paint()

    def on_field_form_changed(self, event: FieldForm.Changed) -> None:
        """Let the preview follow, once the keys rest."""
        event.stop()
        self._form_soon(FOLLOW_S)

    def _form_soon(self, seconds: float) -> None:
        self._form_work: Worker[None] = self.run_worker(
            self._show_form(seconds), group="content-form", exclusive=True, exit_on_error=False
        )

    async def _show_form(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        form, begun = self.form, self.begun
        if form is None or begun is None or not form.is_mounted:
            return
        desk = await self.desk()
        text, problem = "", ""
        try:
            _, text = await desk.preview(begun, _for_now(form))
        except UserError as error:
            problem = str(error)
        if self.form is form:
            self.preview.show_text(text, problem)

    def on_field_form_left(self, event: FieldForm.Left) -> None:
        """Keep what was typed for the next time this template is begun."""
        event.stop()
        self.attempt(self._left_form())

    async def _left_form(self) -> None:
        template = self.begun.template.id if self.begun is not None else ""
        await self.leave_form()
        self.go("left" if self.draft is None else "middle")
        typed = bool(self._typed.get(template))
        self.say("what was typed into the form is there when it is opened again" if typed else "")

    def on_field_form_done(self, event: FieldForm.Done) -> None:
        """Make the draft."""
        event.stop()
        if self.begun is not None and not self.busy:
            self.attempt(self._make(self.begun, event.values), group="content-open", exclusive=True)

    async def _make(self, begun: Begun, values: Mapping[str, Any]) -> None:
        desk = await self.desk()
        given = {name: value for name, value in values.items() if value not in ("", None)}
        # Where nothing stands in a field, its default is not wanted either.
        emptied = {name: value for name, value in values.items() if name not in given}
        draft = await desk.make(begun, {**given, **emptied})
        await self.leave_form()
        self._typed.pop(begun.template.id, None)
        self.listed = "work"
        self.show_draft(draft)
        self.go("middle")
        self.say(f"✓ {clean_line(draft.title, 80)}")
        self.list_again()

    # Notes

    def action_note(self) -> None:
        """Ask for the title of a new note."""
        from screens.feedback_forms import Question

        question = Question("New note", "", hint="what it is called", keep="adds it")
        self.app.push_screen(question, lambda title: self.attempt(self._add_note(title)) if title else None)

    async def _add_note(self, title: str) -> None:
        from app.content.desk import draft_of

        desk = await self.desk()
        await self.keep()
        note = await desk.add_note(title)
        if words.WITH_NOTES.get(self.listed) != note.state:
            self.listed = "notes"
        self.clear_filter()
        self.show_draft(draft_of(note), note)
        self.go("middle")
        self.list_again()

    def action_rename(self) -> None:
        """Ask for another title of the text that is open."""
        if self.draft is None:
            return
        from screens.feedback_forms import Question

        question = Question("Title", self.draft.title, hint="what it is called", keep="keeps it")
        self.app.push_screen(question, lambda title: self.attempt(self.rename(title)) if title else None)

    async def rename(self, title: str) -> None:
        """Give the text that is open another title."""
        from app.content.desk import draft_of

        desk = await self.desk()
        await self.keep()
        if self.note is not None:
            note, mended = await desk.rename_note(self.note, title)
            if note.body == self.editor.text:
                self.set_kept(draft_of(note), note, note.body)
            else:
                self.show_draft(draft_of(note), note)
            self.say(f"✓ renamed, and the links to it in {count(len(mended), 'note')}" if mended else "✓ renamed")
        elif self.draft is not None:
            draft = await desk.save(self.draft, self.draft.body, title=title)
            self.set_kept(draft, None, draft.body)
            self.say("✓ renamed")
        self.list_again()


def _for_now(form: FieldForm) -> dict[str, Any]:
    """The answers, and names of fields in place of those that do not fit yet."""
    values = form.values
    for field in form.fields:
        if form.problem(field):
            stands_in = {"text": f"[{field.label or field.name}]", "long": f"[{field.label or field.name}]"}
            values[field.name] = stands_in.get(field.kind, field.choices[0] if field.choices else "")
            if field.kind == "multi":
                values[field.name] = list(field.choices[:1])
    return values


def _own(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed: live data that only stood there is gathered anew the next time."""
    return {
        name: value
        for name, value in values.items()
        if value not in ("", [], None) and str(value) != str(defaults.get(name))
    }


def _checked(field: TemplateField, value: Any) -> str:
    """What is wrong with an answer."""
    from app.content.templates.values import AnswerError, checked

    try:
        checked(field, value)
    except AnswerError as error:
        return f"{error}: {error.fix}"
    return ""
