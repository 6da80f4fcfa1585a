"""The preview: what it makes of a text, that it comes a moment behind the keys, and that it follows the editor."""

from __future__ import annotations

from typing import Any

from app.content.render.discord import length, to_discord
from app.content.render.split import split
from tests.widgets.git_lists import controls
from tests.widgets.writing import TEXT, WritingApp, text_of
from widgets.markdown_preview import (
    Block,
    MarkdownPreview,
    discord_blocks,
    markdown_blocks,
    text_blocks,
)

SIZE = (60, 20)


def lines(blocks: list[Block]) -> list[str]:
    return ["".join(text for text, _ in line.parts).rstrip() for block in blocks for line in block.lines]


async def shown(pilot: Any, preview: MarkdownPreview, text: str) -> str:
    preview.show_text(text)
    for _ in range(400):
        await pilot.pause(0.01)
        if preview._soon is None and all(worker.is_finished for worker in pilot.app.workers):
            break
    await pilot.pause()
    return text_of(preview)


def made() -> MarkdownPreview:
    discord = discord_blocks(lambda text: split(to_discord(text), 200), length, 200)
    return MarkdownPreview({"markdown": markdown_blocks, "discord": discord, "text": text_blocks})


def test_markdown_joins_the_lines_of_a_paragraph_and_leaves_front_matter_out() -> None:
    text = "---\na: 1\n---\n# T\n\none\ntwo\n- x\n  y\n> q\n> r\n\n```\na\n\nb\n```\n"
    blocks = markdown_blocks(text, 40)
    assert [block.row for block in blocks] == [3, 5, 12]
    assert lines(blocks) == ["  T", "", "  one two", "  • x y", "  │ q", "  │ r", "", "  │ a", "  │", "  │ b", ""]


def test_discord_shows_each_message_with_its_length_and_the_cut() -> None:
    make = discord_blocks(lambda text: split(to_discord(text), 200), length, 200)
    text = "# Title\n\n" + "\n\n".join(f"Paragraph {n} with words enough to be long." for n in range(8))
    found = lines(list(make(text, 50)))
    heads = [line for line in found if line.startswith("● message")]
    assert len(heads) > 1
    assert all("of 200" in head for head in heads)
    assert sum("cut here" in line for line in found) == len(heads) - 1
    over = lines(list(discord_blocks(lambda text: [text], len, 10)("x" * 30 + "\n-# small", 50)))
    assert over[0].startswith("✗ message")
    assert "  small" in over


async def test_it_follows_the_text_and_goes_through_its_views() -> None:
    preview = made()
    app = WritingApp(preview)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "what you write is shown here" in text_of(preview)
        assert "The plan for {{ day }}" in await shown(pilot, preview, TEXT)
        await pilot.press("right")
        assert "message 1 of" in await shown(pilot, preview, TEXT)
        await pilot.press("right")
        assert "**bold**" in await shown(pilot, preview, TEXT)
        await pilot.press("left", "left")
        assert preview.view == "markdown"
        odd = await shown(pilot, preview, "\x1b[31mred \x07\u202e\n\n```\n\x9b2J\n```")
        assert controls(odd.split("\n")) == []
        assert "\u202e" not in odd


async def test_a_long_text_is_made_ready_in_a_thread_and_the_place_is_kept() -> None:
    preview = made()
    app = WritingApp(preview)
    async with app.run_test(size=SIZE) as pilot:
        text = "\n\n".join(f"Paragraph {n}" for n in range(2_000))
        assert "Paragraph 0" in await shown(pilot, preview, text)
        preview.follow(2_000, 5)
        await pilot.pause()
        assert text_of(preview).split("\n")[6].strip(" │") == "Paragraph 1000"
        assert "Paragraph 1000" in await shown(pilot, preview, text.replace("1001", "changed"))


async def test_what_cannot_be_shown_is_told() -> None:
    def fails(text: str, width: int) -> list[Block]:
        raise ValueError("this is no Markdown")

    preview = MarkdownPreview({"odd": fails})
    app = WritingApp(preview)
    async with app.run_test(size=SIZE) as pilot:
        assert "✗ cannot be shown: this is no Markdown" in await shown(pilot, preview, "x")
