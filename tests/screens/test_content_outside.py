"""What the Content screen does with others: AI that streams, targets, the user's own editor, the browser."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest
from textual.pilot import Pilot

from screens.chooser import Chooser
from screens.confirm import Confirm
from screens.content import ContentPane
from screens.content_changes import Changes
from screens.content_publish import Publish
from screens.feedback_forms import Question
from tests.content.ai_endpoints import Script, endpoint, openai
from tests.content.discord_fake import Fault, discord, refusal
from tests.screens.content_host import opened, reported, shows


def ai(port: int) -> str:
    """The configuration of an endpoint on loopback."""
    return (
        '[[content.ai.profiles]]\nname = "fake"\nkind = "openai"\nmodel = "small"\nkey = "sk-x"\n'
        f'url = "http://127.0.0.1:{port}"\n'
    )


def chat(url: str) -> str:
    """The configuration of a channel on loopback."""
    return f'[[content.targets]]\nname = "chat"\nkind = "discord"\nurl = "{url}"\n'


async def asked(pilot: Pilot[None], pane: ContentPane, action: str) -> None:
    """Ask for an action by its keys."""
    await pilot.press("ctrl+g")
    await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "actions")
    await pilot.press(*action, "enter")
    await shows(pane, lambda: isinstance(pilot.app.screen, Question), "wish")
    await pilot.press("enter")


async def test_a_reply_is_taken_change_by_change(tmp_path: Path) -> None:
    reply = Script(openai("# The journal\n\n", "It waits no more."))
    async with endpoint(reply) as fake, opened(tmp_path, ai(fake.port)) as (pilot, pane, _):
        await reported(pilot, pane)
        before = pane.editor.text
        await asked(pilot, pane, "rewrite")
        await shows(pane, lambda: isinstance(pilot.app.screen, Changes), "changes")
        assert pane.editor.text == before
        await pilot.press("u")
        await shows(pane, lambda: "as it was" in str(pane.status.content), "taken back")
        assert pane.editor.text == before
        await asked(pilot, pane, "rewrite")
        await shows(pane, lambda: isinstance(pilot.app.screen, Changes), "changes")
        await pilot.press("enter")
        await shows(pane, lambda: "no more" in pane.editor.text, "written")
        assert pane.changed
        await pilot.press("ctrl+z")
        assert pane.editor.text == before


async def test_esc_stops_the_reply_and_keeps_what_came(tmp_path: Path) -> None:
    hold = asyncio.Event()
    body = openai("It came ", "so far.", finish=None, usage=False, done=False)
    async with endpoint(Script(body, hold=hold)) as fake, opened(tmp_path, ai(fake.port)) as (pilot, pane, _):
        await reported(pilot, pane)
        before = pane.editor.text
        await asked(pilot, pane, "Go on")
        await shows(pane, lambda: "It came so far." in pane.editor.text, "streamed")
        await pilot.press(*"xyz")
        assert "xyz" not in pane.editor.text
        await pilot.press("escape")
        await shows(pane, lambda: isinstance(pilot.app.screen, Changes), "changes")
        assert pane.editor.text == before
        await pilot.press("enter")
        await shows(pane, lambda: "It came so far." in pane.editor.text, "written")
        hold.set()


async def test_without_an_endpoint_it_says_how_to_configure_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("ctrl+g")
        await shows(pane, lambda: "[[content.ai.profiles]]" in str(pane.status.content), "how")


async def test_a_draft_is_published_after_a_look_at_it(tmp_path: Path) -> None:
    config = f'[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "{tmp_path / "site"}"\n'
    async with opened(tmp_path, config) as (pilot, pane, runtime):
        await reported(pilot, pane)
        await pilot.press("ctrl+o")
        await shows(pane, lambda: isinstance(pilot.app.screen, Publish), "publish")
        page = pilot.app.screen
        assert isinstance(page, Publish)
        await shows(pane, lambda: page.list.problems["site"] == 0, "looked at")
        assert page.list.ticked == {"site"}
        await shows(pane, lambda: "It waits." in page.view.plain, "shown")
        assert not (tmp_path / "site").exists()
        await pilot.press("enter")
        await shows(pane, lambda: "site sent" in str(pane.status.content), "sent")
        assert list((tmp_path / "site").glob("*.html"))
        await shows(pane, lambda: pane.draft is not None and pane.draft.state == "published", "state")
        await shows(pane, lambda: runtime.content.snapshot().drafts == 0, "counted")


async def test_a_moment_that_has_passed_sends_nothing(tmp_path: Path) -> None:
    config = f'[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "{tmp_path / "site"}"\n'
    async with opened(tmp_path, config) as (pilot, pane, runtime):
        await reported(pilot, pane)
        await pilot.press("ctrl+o")
        await shows(pane, lambda: isinstance(pilot.app.screen, Publish), "publish")
        page = pilot.app.screen
        await pilot.press("tab", *"2020-01-01 9:00", "enter")
        await shows(pane, lambda: "has passed" in str(page.query_one("#said").content), "told")
        await pilot.press(*["backspace"] * 20, *"in 90m", "enter")
        await shows(pane, lambda: "site scheduled" in str(pane.status.content), "scheduled")
        assert not (tmp_path / "site").exists()
        await shows(pane, lambda: runtime.content.snapshot().scheduled == 1, "counted")


async def test_the_page_follows_the_keys_and_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("alt+o")
        await shows(pane, lambda: bool(pilot.app.copied), "address")
        url = pilot.app.copied
        async with httpx.AsyncClient() as client:
            page = await client.get(url)
            assert "<p>It waits.</p>" in page.text
            seen = (await client.get(f"{url}version")).text
            await pilot.press("ctrl+end", *"And goes.")
            while (await client.get(f"{url}version")).text == seen:
                await pilot.pause(0.02)
            assert "And goes." in (await client.get(url)).text
            port = httpx.URL(url).port
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 404
            assert (await client.get(url, headers={"Host": "evil.example"})).status_code == 404


async def test_an_editor_of_ones_own_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ed"
    program.write_text('#!/bin/sh\nfor last; do :; done\nprintf "elsewhere\\n" >> "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        # The terminal of a test cannot be lent.
        monkeypatch.setattr(pilot.app, "suspend", contextlib.nullcontext)
        await pilot.press("alt+e")
        await shows(pane, lambda: pane.editor.text.endswith("elsewhere\n"), "taken over")
        await pilot.press("ctrl+z")
        assert "elsewhere" not in pane.editor.text


async def dialog(pilot: Pilot[None], pane: ContentPane) -> Publish:
    await pilot.press("ctrl+o")
    await shows(pane, lambda: isinstance(pilot.app.screen, Publish), "publish")
    page = pilot.app.screen
    assert isinstance(page, Publish)
    await shows(pane, lambda: page._known and None not in page.list.problems.values(), "looked at")
    return page


async def test_what_was_sent_is_changed_and_taken_back(tmp_path: Path) -> None:
    with discord() as fake:
        async with opened(tmp_path, chat(fake.url)) as (pilot, pane, _):
            await reported(pilot, pane)
            await dialog(pilot, pane)
            await pilot.press("enter")
            await shows(pane, lambda: "chat sent" in str(pane.status.content), "sent")
            page = await dialog(pilot, pane)
            assert not page.list.last["chat"].differs
            await pilot.press("enter")
            await shows(pane, lambda: isinstance(pilot.app.screen, Confirm), "asked")
            await pilot.press("n", "escape")
            assert len(fake.posted) == 1
            await pilot.press("ctrl+end", *"And goes.")
            page = await dialog(pilot, pane)
            assert page.list.last["chat"].differs
            await pilot.press("e")
            await shows(pane, lambda: "✓ changed" in str(page.query_one("#said").content), "changed")
            assert len(fake.posted) == 1
            assert "And goes." in fake.texts[0]
            assert not page.list.last["chat"].differs
            await pilot.press("enter")
            await shows(pane, lambda: isinstance(pilot.app.screen, Confirm), "asked")
            await pilot.press("y")
            await shows(pane, lambda: len(fake.posted) == 2, "once more")
            page = await dialog(pilot, pane)
            await pilot.press("D")
            await shows(pane, lambda: isinstance(pilot.app.screen, Confirm), "asked")
            await pilot.press("y")
            await shows(pane, lambda: "✓ taken back" in str(page.query_one("#said").content), "taken back")
            assert len(fake.texts) == 1


async def test_what_nobody_knows_is_decided_and_what_failed_is_sent_again(tmp_path: Path) -> None:
    with discord() as fake:
        async with opened(tmp_path, chat(fake.url)) as (pilot, pane, runtime):
            await reported(pilot, pane)
            fake.faults.append(Fault(store=True, cut=True))
            page = await dialog(pilot, pane)
            await pilot.press("enter")
            await shows(pane, lambda: page.chosen is not None and page.chosen.state == "unknown", "unknown")
            await shows(pane, lambda: runtime.content.snapshot().failed == 1, "badge")
            await pilot.press("y")
            await shows(pane, lambda: page.chosen is not None and page.chosen.state == "sent", "arrived")
            assert len(fake.posted) == 1
            await pilot.press("escape")
            await reported(pilot, pane, "Another")
            fake.faults.append(refusal(400, 50035, "Invalid Form Body"))
            page = await dialog(pilot, pane)
            await pilot.press("enter")
            await shows(pane, lambda: page.chosen is not None and page.chosen.state == "failed_permanent", "failed")
            await pilot.press("r")
            await shows(pane, lambda: page.chosen is not None and page.chosen.state == "sent", "sent again")
            assert len(fake.posted) == 2


async def test_what_waits_is_not_sent_after_all(tmp_path: Path) -> None:
    with discord() as fake:
        async with opened(tmp_path, chat(fake.url)) as (pilot, pane, _):
            await reported(pilot, pane)
            page = await dialog(pilot, pane)
            await pilot.press("tab", *"in 90m", "enter")
            await shows(pane, lambda: "chat scheduled" in str(pane.status.content), "scheduled")
            await shows(pane, lambda: pane.draft is not None and pane.draft.state == "scheduled", "state")
            page = await dialog(pilot, pane)
            await pilot.press("d")
            await shows(pane, lambda: "it is not sent" in str(page.query_one("#said").content), "dropped")
            await pilot.press("escape")
            await shows(pane, lambda: pane.draft is not None and pane.draft.state == "draft", "in work")
            assert not fake.posted
