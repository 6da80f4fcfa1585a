"""From a key to readers, and back from a kill: the Content area in a real terminal."""

from __future__ import annotations

import time

import pytest

from tests.content.discord_fake import discord
from tests.e2e.house import House
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

TEMPLATE = """---
title: Report
help: What happened.
fields:
  - name: title
    required: true
  - name: story
    kind: long
targets: [site, chat]
---
# {{ title }}

{{ story }}
"""
CTRL_END = "\x1b[1;5F"
LOST_S = 1.0
"""Of what was typed, no more than this may be lost."""


def configure(house: House, discord_url: str = "") -> None:
    house.write(house.folder / "templates/report.md", TEMPLATE)
    extra = f'[content]\nauthor = "Mara"\ntemplates = "{house.folder / "templates"}"\n'
    extra += f'\n[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "{house.folder / "site"}"\n'
    if discord_url:
        extra += f'\n[[content.targets]]\nname = "chat"\nkind = "discord"\nurl = "{discord_url}"\n'
    house.configure(extra=extra)


def begun(house: House, title: str, story: str) -> Terminal:
    """The app with a draft of the template, made by its keys from another area."""
    terminal = house.open("--start", "git")
    terminal.wait_for("sqlite ●", 60.0)
    terminal.press("ctrl+n")
    terminal.wait_for("type to find a template", 60.0)
    terminal.type("report")
    terminal.wait_gone("Devlog")
    terminal.press("enter")
    terminal.wait_for(r"Title \*", 60.0)
    terminal.wait_for(r"\[Title\]", 60.0)
    terminal.type(title)
    terminal.wait_for(title)
    terminal.press("tab")
    terminal.type(story)
    terminal.wait_for(story.partition("!")[0])
    terminal.press("ctrl+s")
    terminal.wait_for("version 1", 60.0)
    return terminal


def test_from_ctrl_n_to_readers(house: House) -> None:
    with discord() as fake:
        configure(house, fake.url)
        terminal = begun(house, "The journal waits", "It is here!!")
        terminal.press("ctrl+l")
        terminal.wait_for("1 put right")
        terminal.press("ctrl+s")
        terminal.wait_for("✓ version 2")
        terminal.press("ctrl+o")
        terminal.wait_for(r"\[✓\] chat")
        terminal.wait_for("nothing keeps it from being sent")
        assert not fake.posted
        terminal.press("enter")
        terminal.wait_for("site sent, chat sent", 60.0)
        assert len(fake.texts) == 1
        assert "It is here!" in fake.texts[0]
        assert "!!" not in fake.texts[0]
        assert "It is here!" in next((house.folder / "site").glob("*waits*.html")).read_text("utf-8")
        # Once more only after a question; what stands there is changed instead.
        terminal.type(CTRL_END)
        terminal.type("And goes.")
        terminal.press("ctrl+o")
        terminal.wait_for("● differs")
        terminal.press("enter")
        terminal.wait_for("Publish it once more?")
        terminal.press("n")
        terminal.wait_gone("Publish it once more?")
        terminal.press("down", "e")
        terminal.wait_for("✓ changed")
        assert len(fake.texts) == len(fake.posted) == 1
        assert "And goes." in fake.texts[0]
        terminal.press("D")
        terminal.wait_for("Take back what was sent?")
        terminal.press("y")
        terminal.wait_for("✓ taken back")
        assert fake.texts == []
        terminal.press("escape", "ctrl+q")
        assert terminal.wait(60.0) == 0
    states = {each["target"]: each["state"] for each in reversed(house.ask("content", "deliveries")["deliveries"])}
    assert states == {"site": "sent", "chat": "deleted"}


def test_keys_with_alt_are_keys_in_every_field(house: House) -> None:
    configure(house)
    terminal = begun(house, "Keys", "one two one")
    terminal.type(CTRL_END)
    # Two that come together, too; what a keyboard makes with AltGr is typed.
    terminal.press("alt+z", "alt+z", "alt+z")
    terminal.wait_gone("Preview|Style")
    terminal.press("alt+z")
    terminal.wait_for("Style")
    terminal.type("@€™ę")
    terminal.wait_for("one two one@€™ę|@€™ę")
    terminal.press("ctrl+f")
    terminal.wait_for("alt\\+a all")
    terminal.type("o.e")
    terminal.wait_for("no match")
    terminal.press("alt+r")
    terminal.wait_for("2 matches|of 2")
    terminal.press("tab")
    terminal.type("six")
    terminal.press("alt+a")
    terminal.wait_for("2 replaced")
    terminal.press("escape", "ctrl+s")
    terminal.wait_for("✓ version 2")
    # In the field of another area's filter, and away from a text.
    terminal.press("alt+2")
    terminal.wait_for("Tests")
    terminal.wait_gone("ctrl\\+l")
    terminal.press("alt+6")
    terminal.wait_for("ctrl\\+l")
    terminal.press("ctrl+q")
    assert terminal.wait(60.0) == 0
    (head,) = house.ask("content", "list")["drafts"]
    body = house.ask("content", "show", head["id"])["draft"]["body"]
    assert body == "# Keys\n\nsix two six\n@€™ę"


def test_a_kill_while_typing_loses_a_second_at_most(house: House) -> None:
    configure(house)
    terminal = begun(house, "Storm", "First words.")
    terminal.type(CTRL_END)
    terminal.type("Kept.")
    terminal.press("ctrl+s")
    terminal.wait_for("✓ version 2")
    typed: list[tuple[float, str]] = []
    end = time.monotonic() + 4 * LOST_S
    while time.monotonic() < end:
        word = f"word{len(typed):03} "
        terminal.type(word)
        # What counts is what the writer saw.
        terminal.wait_for(rf"{len(typed) + 4:,} words|{word.strip()}")
        typed.append((time.monotonic(), word))
    terminal.kill()
    killed = time.monotonic()
    (head,) = house.ask("content", "list")["drafts"]
    shown = house.ask("content", "show", head["id"])
    assert [each["number"] for each in shown["versions"]] == [2, 1]
    assert shown["draft"]["body"].endswith("Kept."), shown["draft"]["body"]
    terminal = house.open("--start", "content")
    terminal.wait_for("Take up what was typed and not kept?", 60.0)
    terminal.press("y")
    terminal.wait_for("taken up", 60.0)
    terminal.press("ctrl+q")
    assert terminal.wait(60.0) == 0
    body = house.ask("content", "show", head["id"])["draft"]["body"]
    safe = "".join(word for at, word in typed if at < killed - LOST_S)
    assert len(safe) > len("word000 ")
    assert safe in body, (safe[-60:], body[-120:])
    assert "Kept." in body
