"""The Content screen by its keys, over a real database: from a template to versions, and what is never lost."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Static

from app import paths
from app.content.drafts.recovery import Recovery
from app.content.model import ContentSnapshot
from app.content.service import badge_of
from screens.confirm import Confirm
from screens.content_versions import Versions
from tests.screens.content_host import Host, engine, lines, opened, reported, shows


async def test_from_a_template_to_the_list_and_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, runtime):
        assert "Nothing is in work" in lines(pane, "#texts")
        await reported(pilot, pane)
        assert pane.editor.text == "# The journal\n\nIt waits.\n"
        await pilot.press("ctrl+end", *"Then it goes.")
        assert pane.changed
        await pilot.press("ctrl+s")
        await shows(pane, lambda: not pane.changed, "kept")
        assert pane.draft is not None
        assert pane.draft.version == 2
        await pilot.press("escape")
        await shows(pane, lambda: "The journal" in lines(pane, "#texts"), "listed")
        await shows(pane, lambda: runtime.content.snapshot().drafts == 1, "counted")
    async with opened(tmp_path) as (pilot, pane, _):
        await shows(pane, lambda: bool(pane.texts.rows), "listed")
        await pilot.press("enter")
        await shows(pane, lambda: pane.draft is not None, "open")
        assert pane.editor.text == "# The journal\n\nIt waits.\nThen it goes."


async def test_letters_are_text_in_the_editor_and_keys_in_the_list(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("ctrl+end", *"nxAure/")
        assert pane.editor.text.endswith("nxAure/")
        await pilot.press("ctrl+s", "escape")
        await shows(pane, lambda: bool(pane.texts.rows) and not pane.changed, "listed")
        await pilot.press("x")
        await shows(pane, lambda: "in the trash" in str(pane.status.content), "trash")
        await shows(pane, lambda: not pane.texts.rows, "gone")
        await pilot.press("left")
        await shows(pane, lambda: pane.listed == "trash" and bool(pane.texts.rows), "trash shown")
        await pilot.press("x")
        await shows(pane, lambda: not pane.texts.rows, "back")


async def test_versions_show_what_changed_and_one_is_brought_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("ctrl+end", *"More words.")
        await pilot.press("ctrl+s")
        await shows(pane, lambda: not pane.changed, "kept")
        await pilot.press(*"Not kept.")
        await pilot.press("ctrl+t")
        await shows(pane, lambda: isinstance(pilot.app.screen, Versions), "versions")
        await pilot.press("down")
        await pilot.pause()
        assert "+4" in pilot.app.screen.view.plain or "+5" in pilot.app.screen.view.plain
        await pilot.press("enter")
        await shows(pane, lambda: "version 1 is back" in str(pane.status.content), "restored")
        assert pane.editor.text == "# The journal\n\nIt waits.\n"
        assert pane.draft is not None
        # What stood there was kept before, as version 3.
        assert pane.draft.version == 4


async def test_what_was_typed_is_on_the_disk_and_offered_at_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("ctrl+end", *"Lost?")
        folder = paths.state_dir() / "drafts"
        await shows(pane, lambda: any("Lost?" in file.read_text() for file in folder.glob("*/*.json")), "recovery file")
        assert pane.unsaved() == ""
    assert len(Recovery(folder).left()) == 1
    async with opened(tmp_path) as (pilot, pane, _):
        await shows(pane, lambda: isinstance(pilot.app.screen, Confirm), "offered")
        await pilot.press("y")
        await shows(pane, lambda: pane.draft is not None and "taken up" in str(pane.status.content), "taken up")
        assert pane.editor.text.endswith("Lost?")
        assert pane.draft is not None
        assert pane.draft.version == 2
    assert Recovery(folder).left() == ()


async def test_safe_fixes_are_one_step_and_a_suggestion_is_taken_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane, story="We utilize it!! And more")
        await shows(pane, lambda: "utilize" in lines(pane, "StyleFindings"), "findings")
        await pilot.press("ctrl+l")
        await shows(pane, lambda: "!!" not in pane.editor.text, "fixed")
        assert "utilize" in pane.editor.text
        await pilot.press("ctrl+z")
        assert "!!" in pane.editor.text
        pane.screen.set_focus(pane.findings)
        await shows(pane, lambda: any(each.text == "utilize" for each in pane.findings.findings), "findings")
        while pane.findings.finding is None or pane.findings.finding.text != "utilize":
            await pilot.press("j")
        await pilot.press("a")
        await shows(pane, lambda: "We use it" in pane.editor.text, "taken")


async def test_notes_are_found_and_linked(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await pilot.press("n", *"Engine room", "enter")
        await shows(pane, lambda: pane.note is not None, "note")
        await pilot.press(*"It hums.", "ctrl+s")
        await shows(pane, lambda: pane.note is not None and pane.note.version == 2, "kept")
        await reported(pilot, pane)
        await pilot.press("ctrl+end", *"See [[eng")
        await shows(pane, lambda: pane.editor.offer.names == ("Engine room",), "offered")
        await pilot.press("enter")
        assert pane.editor.text.endswith("See [[Engine room]]")
        await pilot.press("escape", "slash", *"hums")
        await shows(pane, lambda: len(pane.texts.rows) == 1 and "Engine room" in lines(pane, "#texts"), "found")


async def test_narrow_terminals_show_one_panel_at_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path, size=(80, 24)) as (pilot, pane, _):
        await reported(pilot, pane)
        assert pane.editor.outer_size.width == 80
        await pilot.press("alt+right")
        await shows(pane, lambda: "The journal" in lines(pane, "MarkdownPreview"), "preview")
        assert pane.preview.outer_size.width == 80
        await pilot.press("escape")
        await pilot.pause()
        assert pane.texts.outer_size.width == 80
        assert pane.screen.focused is pane.texts


async def test_texts_are_written_and_listed_while_the_database_is_away(tmp_path: Path) -> None:
    async with engine(tmp_path, draining=False) as runtime:
        app = Host(runtime)
        async with app.run_test(size=(160, 48)) as pilot:
            pane = app.pane
            await shows(pane, lambda: pane._desk is not None and not pane._reading, "listed")
            await reported(pilot, pane)
            await pilot.press("ctrl+end", *"x", "ctrl+s")
            await shows(pane, lambda: pane.draft is not None and pane.draft.version == 2, "kept")
            await pilot.press("escape")
            await shows(pane, lambda: "The journal" in lines(pane, "#texts"), "listed")


async def test_without_any_database_the_list_says_why_and_texts_are_written(tmp_path: Path) -> None:
    nobody = "mysql+pymysql://root@127.0.0.1:9/nothing"
    async with engine(tmp_path, url=nobody) as runtime:
        app = Host(runtime)
        async with app.run_test(size=(160, 48)) as pilot:
            pane = app.pane
            await shows(pane, lambda: "looks again" in lines(pane, "#texts"), "why")
            await reported(pilot, pane)
            await pilot.press("ctrl+end", *"x", "ctrl+s")
            await shows(pane, lambda: pane.draft is not None and pane.draft.version == 2, "kept")
            await shows(pane, lambda: not runtime.content.snapshot().up, "told")
            pane.say("")
            assert "the database is away" in str(pane.status.content)


async def test_the_palette_knows_templates_and_texts(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await shows(pane, lambda: bool(pane.texts.rows), "listed")
        titles = [command.title for command in pane.commands()]
        assert "New draft: Report" in titles
        assert "Content: The journal" in titles


async def test_what_was_typed_into_a_form_is_there_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        pane.new_draft("report")
        await shows(pane, lambda: pane.form is not None and bool(pane.form._entries), "form")
        await pilot.pause()
        await pilot.press("tab")
        await pilot.pause()
        await pilot.press(*"A story.", "escape")
        await shows(pane, lambda: pane.form is None, "left")
        pane.new_draft("report")
        await shows(pane, lambda: pane.form is not None and bool(pane.form._entries), "form")
        assert pane.form is not None
        assert pane.form.values["story"] == "A story."
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pane.draft is None, "a title is needed"


async def test_before_the_engine_is_up_it_says_so() -> None:
    app = Host(None)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "starting" in lines(app.pane, "#texts")
        await pilot.press("ctrl+s", "ctrl+g", "ctrl+t", "ctrl+o", "enter", "r")


def test_the_badge_tells_the_worst_first() -> None:
    assert badge_of(ContentSnapshot()).text == ""
    assert badge_of(ContentSnapshot(drafts=3)).text == "◐3"
    assert badge_of(ContentSnapshot(drafts=3, scheduled=2)).text == "○2"
    assert badge_of(ContentSnapshot(drafts=3, scheduled=2, failed=1)).text == "✗1"
    assert len(badge_of(ContentSnapshot(drafts=5000)).text) <= 4


async def test_marked_texts_are_put_away_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        desk = await pane.desk()
        for title in ("One", "Two", "Three"):
            await desk.make(await desk.begin("report"), {"title": title, "story": "x"})
        await pilot.press("r")
        await shows(pane, lambda: len(pane.texts.rows) == 3, "listed")
        await pilot.press("space", "space")
        assert len(pane.texts.marks) == 2
        await pilot.press("A")
        await shows(pane, lambda: len(pane.texts.rows) == 1, "put away")
        assert pane.texts.marks == ()
        await pilot.press("space", "escape")
        assert pane.texts.marks == ()


async def test_one_panel_alone_and_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("alt+z")
        await shows(pane, lambda: pane.editor.outer_size.width == 160, "alone")
        await pilot.press(*"z")
        assert "z" in pane.editor.text.splitlines()[0]
        await pilot.press("escape")
        await shows(pane, lambda: pane.texts.outer_size.width == 160, "the list alone")
        await pilot.press("z")
        await shows(pane, lambda: pane.editor.outer_size.width < 160, "all")


async def test_the_preview_follows_the_form(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        pane.new_draft("report")
        await shows(pane, lambda: pane.form is not None and bool(pane.form._entries), "form")
        await shows(pane, lambda: "[Title]" in lines(pane, "MarkdownPreview"), "what is missing")
        await pilot.press(*"Sails")
        await shows(pane, lambda: "Sails" in lines(pane, "MarkdownPreview"), "title")
        await pilot.press("tab")
        await pilot.pause()
        await pilot.press(*"**Up.**")
        await shows(pane, lambda: "Up." in lines(pane, "MarkdownPreview"), "story")
        await pilot.press("escape")
        await shows(pane, lambda: "Sails" not in lines(pane, "MarkdownPreview"), "left")


async def test_an_expression_without_an_end_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane, story="a" * 40)
        pane.put_text("a" * 60 + "!")
        await pilot.press("ctrl+f", "alt+r", *"(a+)+$")
        await shows(pane, lambda: "takes too long" in str(pane.query_one("#find-state", Static).content), "told")
        await pilot.press(*["backspace"] * 6, "!")
        await shows(pane, lambda: "1 of 1" in str(pane.query_one("#find-state", Static).content), "found")


async def test_findings_keep_their_places_while_one_types(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane, story="We utilize it.")
        await shows(pane, lambda: any(each.text == "utilize" for each in pane.findings.findings), "found")
        before = pane.editor.text
        finding = next(each for each in pane.findings.findings if each.text == "utilize")
        await pilot.press("ctrl+home", "x", "enter")
        (moved,) = (each for each in pane._moved([finding], before))
        assert pane.editor.text[moved.start : moved.end] == "utilize"
        assert (moved.line, moved.column) == (finding.line + 1, finding.column)
