"""The Markdown editor under keys: what it makes of them, and that nothing of a text is lost."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from textual.document._document import Selection
from textual.widgets import Static

from tests.widgets.git_lists import controls
from tests.widgets.writing import TEXT, WritingApp, text_of
from widgets.markdown_editing import paragraph, reflowed
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_find import EditorBox
from widgets.markdown_search import Query

SIZE = (90, 30)


async def names(typed: str) -> Sequence[str]:
    return [name for name in ("alpha", "alphabet", "beta") if name.startswith(typed)]


def editor(text: str = "") -> MarkdownEditor:
    return MarkdownEditor(text, snippets={"sig": "Yours,\n$0\nMe"}, complete=names)


def told(box: EditorBox) -> str:
    """What the bar says of the matches."""
    return str(box.bar.query_one("#find-state", Static).content)


@pytest.mark.parametrize(
    ("text", "at", "keys", "after"),
    [
        ("- one", (0, 5), ("enter", "t"), "- one\n- t"),
        ("9. one", (0, 6), ("enter",), "9. one\n10. "),
        ("- [x] one", (0, 9), ("enter", "t"), "- [x] one\n- [ ] t"),
        ("- one\n- ", (1, 2), ("enter", "t"), "- one\nt"),
        ("> said", (0, 6), ("enter", "t"), "> said\n> t"),
        ("> - a", (0, 5), ("enter", "t"), "> - a\n> - t"),
        ("```\n  - a", (1, 5), ("enter", "t"), "```\n  - a\n  t"),
        ("- one", (0, 0), ("enter",), "\n- one"),
        ("- one", (0, 3), ("tab",), "  - one"),
        ("  - one", (0, 3), ("shift+tab",), "- one"),
        ("a", (0, 1), ("tab", "b"), "a b"),
        ("so sig", (0, 6), ("tab", "x"), "so Yours,\nx\nMe"),
        ("abc", (0, 3), ("shift+left", "*", "*"), "ab**c**"),
        ("abc", (0, 3), ("shift+left", "("), "ab(c)"),
        ("abc", (0, 3), ("shift+left", "x"), "abx"),
        ("a", (0, 1), ("[", "[", "a", "l", "p", "down", "enter"), "a[[alphabet]]"),
        ("a", (0, 1), ("[", "[", "b", "tab", "!"), "a[[beta]]!"),
        ("a", (0, 1), ("[", "[", "a", "escape", "enter"), "a[[a\n"),
        ("  abc", (0, 5), ("home", "x", "home", "home", "y"), "y  xabc"),
        ("x", (0, 1), ("a", "enter", "ctrl+z", "ctrl+z"), "x"),
        ("x", (0, 1), ("a", "ctrl+z", "ctrl+y"), "xa"),
    ],
)
async def test_keys(text: str, at: tuple[int, int], keys: tuple[str, ...], after: str) -> None:
    app = WritingApp(editor(text))
    async with app.run_test(size=SIZE) as pilot:
        assert isinstance(app.shown, MarkdownEditor)
        app.shown.move_cursor(at)
        for key in keys:
            await pilot.press(key)
            await app.workers.wait_for_complete()
        assert app.shown.text == after


async def test_escape_is_left_to_the_screen_and_the_border_tells_words_and_place() -> None:
    app = WritingApp(editor("one two\nthree"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "end", "!")
        assert "3 words · 2:7" in text_of(app.shown)
        await pilot.press("tab")
        assert app.shown.has_focus, "tab is for the text"
        await pilot.press("escape")
        assert app.left == 1


async def test_no_control_character_reaches_the_terminal() -> None:
    odd = "\x1b[31mred\x1b]0;t\x07 \x9b2J \u202eback\u200b\ttab \x00 日本 👩‍👩‍👧 e\u0301\n" + "x" * 300 + "\x1b[2J"
    app = WritingApp(editor(odd))
    async with app.run_test(size=SIZE) as pilot:
        shown = text_of(app.shown)
        assert controls(shown.split("\n")) == []
        assert "\u202e" not in shown
        assert "␛[31mred" in shown
        await pilot.press("ctrl+end", "!")
        assert isinstance(app.shown, MarkdownEditor)
        assert app.shown.text == odd + "!", "what it holds is kept"


async def test_findings_are_underlined_and_gone_to() -> None:
    shown = editor(TEXT)
    app = WritingApp(shown)
    async with app.run_test(size=SIZE) as pilot:
        bold, code = TEXT.index("bold"), TEXT.index("code")
        shown.show_findings([(bold, bold + 4, "error"), (code, code + 4, "warn")])
        assert "✗ Some" in text_of(shown)
        await pilot.press("f8")
        assert shown.selected_text == "bold"
        await pilot.press("f8")
        assert shown.selected_text == "code"
        await pilot.press("f8")
        assert shown.selected_text == "bold", "around the end"
        await pilot.press("shift+f8")
        assert shown.selected_text == "code"
        shown.move_cursor((0, 0))
        await pilot.press("enter", "f8")
        assert shown.selected_text == "bold", "they move with the text"
        shown.show_findings([])
        assert "✗" not in text_of(shown)


async def test_find_and_replace() -> None:
    box = EditorBox(editor("One one ones\nfive one"))
    app = WritingApp(box, focus=box.editor)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+f", *"one")
        assert "1 of 4 matches" in told(box)
        await pilot.press("alt+w")
        assert "of 3 matches" in told(box)
        await pilot.press("alt+c", "down")
        assert "of 2 matches" in told(box)
        await pilot.press("tab", *"two", "enter")
        assert box.editor.text.count("two") == 1
        await pilot.press("alt+a")
        assert box.editor.text == "One two ones\nfive two"
        assert "✓ 1 replaced" in told(box)
        await pilot.press("escape")
        assert box.editor.has_focus
        await pilot.press("ctrl+z")
        assert box.editor.text.count("two") == 1
        await pilot.press("ctrl+f", "alt+w", "alt+r", "end", *"(", "down")
        assert "✗ " in told(box)
        box.editor.look_for(Query(r"(\w+) (\w+)", regex=True))
        with pytest.raises(ValueError, match="group"):
            box.editor.replace_every(r"\3")
        box.editor.look_for(Query("e", case=True))
        before = box.editor.text
        assert box.editor.replace_every("EE\n") == before.count("e")
        assert box.editor.text == before.replace("e", "EE\n")
        box.editor.undo()
        assert box.editor.text == before, "all as one step"


def test_paragraphs_are_filled() -> None:
    lines = [
        "# T",
        "- one two three four",
        "  five six",
        "",
        "> a b c",
        "> d e",
        "text  ",
        "more 1 2 3. 4 5",
        "```",
        "a",
        "```",
    ]
    states = ["", "", "", "", "", "", "", "", "", "```", "```"]
    assert paragraph(lines, states, 0) is None
    assert paragraph(lines, states, 2) == (1, 3)
    assert paragraph(lines, states, 5) == (4, 6)
    assert paragraph(lines, states, 6) == (6, 8)
    assert paragraph(lines, states, 9) is None
    assert reflowed(lines[1:3], 12) == ["- one two", "  three four", "  five six"]
    assert reflowed(lines[4:6], 7) == ["> a b c", "> d e"]
    assert reflowed(lines[6:8], 8) == ["text  ", "more 1 2 3.", "4 5"]
    assert reflowed(["a - b"], 3) == ["a -", "b"], "no list begins of itself"


async def test_reflow_keeps_the_cursor_and_is_one_step() -> None:
    text = "# T\n\n" + "word " * 40 + "\nand more\n\nend"
    shown = editor(text)
    app = WritingApp(shown)
    async with app.run_test(size=SIZE) as pilot:
        shown.move_cursor((3, 4))
        await pilot.press("alt+q", "X")
        assert max(map(len, shown.text.split("\n"))) <= 101
        assert "and Xmore" in shown.text or "andX more" in shown.text
        await pilot.press("ctrl+z", "ctrl+z")
        assert shown.text == text


KEYS = (
    "a", "b", "*", "(", "[", "enter", "tab", "shift+tab", "backspace", "delete", "up", "down", "left", "right",
    "home", "end", "shift+left", "shift+up", "shift+end", "ctrl+w", "ctrl+k", "ctrl+u", "ctrl+z", "ctrl+y", "alt+q",
    "ctrl+x", "ctrl+v", "f7", "space", "-",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
async def test_text_after_any_keys_is_that_of_a_plain_model(seed: int) -> None:
    """Every change is made to a plain string, too; both stay the same, and with all undone they are as at the start."""
    chance = random.Random(seed)
    shown = editor(TEXT)
    app = WritingApp(shown)
    async with app.run_test(size=(40, 12)) as pilot:
        model = TEXT
        before = shown.lines.replace_range

        def both(start: tuple[int, int], end: tuple[int, int], text: str) -> object:
            nonlocal model
            first, last = sorted((shown.lines.offset_of(start), shown.lines.offset_of(end)))
            model = model[:first] + text + model[last:]
            return before(start, end, text)

        shown.lines.__dict__["replace_range"] = both
        for _ in range(80):
            if chance.random() < 0.1:
                row = chance.randrange(shown.lines.line_count)
                shown.selection = Selection((row, 0), (row, len(shown.lines.lines[row])))
            await pilot.press(chance.choice(KEYS))
            assert shown.text == model
            assert shown.wrapping.height == shown.virtual_size.height
            row, column = shown.cursor_location
            assert column <= len(shown.lines.lines[row])
        while shown.history.undo_stack:
            shown.undo()
        assert shown.text == model == TEXT
        while shown.history.redo_stack:
            shown.redo()
        assert shown.text == model


async def test_another_text_begins_a_new_history() -> None:
    shown = editor("one")
    app = WritingApp(shown)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("x")
        shown.text = "two\r\nthree"
        await pilot.press("ctrl+z", "ctrl+end", "!")
        assert shown.text == "two\nthree!"
        assert "three!" in text_of(shown)


async def test_a_text_of_five_megabytes_can_be_worked_on() -> None:
    text = ("A line of words that is much as lines are in drafts, and then some more.\n" * 60_000) + "x" * 800_000
    shown = editor(text)
    app = WritingApp(shown)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+end", "!", "enter", "a", "pageup", "ctrl+home", "b", "enter")
        assert shown.text == f"b\n{text}!\na"
        shown.look_for(Query("words"))
        assert shown.replace_every("signs") == 60_000
        await pilot.press("ctrl+z")
        assert "signs" not in shown.text
