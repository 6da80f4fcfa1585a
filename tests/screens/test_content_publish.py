"""The publish dialog and the line below follow what becomes of deliveries, whoever sends them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from textual.pilot import Pilot

from app.content.tables import publication
from app.db.types import utc_now
from screens.content import ContentPane
from screens.content_publish import Publish
from screens.content_targets import keys_of, possible
from tests.content.discord_fake import TOKEN, Fault, discord
from tests.content.smtp_fake import mail
from tests.screens.content_host import opened, reported, shows
from tests.screens.test_content_outside import chat, dialog

NOWHERE = f"http://127.0.0.1:9/api/webhooks/42/{TOKEN}"


def said(page: Publish) -> str:
    return str(page.query_one("#said").content)


def status(pane: ContentPane) -> str:
    return str(pane.status.content)


def row(page: Publish) -> str:
    """What stands beside the target."""
    return "\n".join(strip.text for strip in page.list.render_lines(page.list.outer_size.region))


def keys(page: Publish) -> str:
    """What the keys do, at the bottom of the dialog."""
    box = page.query_one(".dialog")
    return box.render_lines(box.outer_size.region)[-1].text


async def scheduled(pilot: Pilot[None], pane: ContentPane) -> None:
    await reported(pilot, pane)
    await dialog(pilot, pane)
    await pilot.press("tab", *"in 90m", "enter")
    await shows(pane, lambda: status(pane).lstrip().startswith("○ chat scheduled"), "scheduled")


async def due(runtime: Any) -> None:
    """Let its time come."""
    now = update(publication).values(due_at=utc_now() - timedelta(seconds=1))
    await runtime.db.run(lambda conn: conn.execute(now), write=True)


async def test_dialog_and_line_follow_what_others_send(tmp_path: Path) -> None:
    with discord() as fake:
        fake.faults = [Fault(429, b'{"retry_after": 2.0}')]
        async with opened(tmp_path, chat(fake.url)) as (pilot, pane, runtime):
            await scheduled(pilot, pane)
            await due(runtime)
            await shows(pane, lambda: "⚠ chat again at " in status(pane), "failed")
            await shows(pane, lambda: "✓ chat sent" in status(pane), "sent")
            assert len(fake.posted) == 1


async def test_an_open_dialog_follows_what_others_send(tmp_path: Path) -> None:
    with discord() as fake:
        fake.faults = [Fault(429, b'{"retry_after": 2.0}')]
        async with opened(tmp_path, chat(fake.url)) as (pilot, pane, runtime):
            await scheduled(pilot, pane)
            page = await dialog(pilot, pane)
            await shows(pane, lambda: "○ scheduled" in row(page), "waits")
            await due(runtime)
            await shows(pane, lambda: "⚠ again " in row(page), "failed")
            await shows(pane, lambda: "⚠ again at " in page.view.plain, "told")
            assert "D takes it back" not in keys(page)
            await shows(pane, lambda: "✓ sent" in row(page), "sent")
            await shows(pane, lambda: "D takes it back" in keys(page), "keys")
            assert len(fake.posted) == 1


async def test_what_does_not_get_through_says_when_it_is_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path, chat(NOWHERE)) as (pilot, pane, _):
        await reported(pilot, pane)
        page = await dialog(pilot, pane)
        await pilot.press("enter")
        # Who sends it first, the dialog or the engine, is left to them.
        await shows(pane, lambda: "⚠ chat again at " in said(page) or "⚠ chat again at " in status(pane), "failed")
        if pilot.app.screen is not page:
            page = await dialog(pilot, pane)
        await shows(pane, lambda: "⚠ again " in row(page), "in the list")
        await shows(pane, lambda: page.chosen is not None and possible(page.chosen), "keys")
        await pilot.press("d")
        await shows(pane, lambda: "it is not sent" in said(page), "dropped")
        await pilot.press("escape")
        await shows(pane, lambda: status(pane).lstrip().startswith("· chat cancelled"), "line")


async def test_the_line_no_longer_says_that_it_is_scheduled_once_it_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path, chat(NOWHERE)) as (pilot, pane, _):
        await scheduled(pilot, pane)
        page = await dialog(pilot, pane)
        await pilot.press("d")
        await shows(pane, lambda: "it is not sent" in said(page), "dropped")
        await shows(pane, lambda: "· chat cancelled" in status(pane), "line")
        pane.say("something else")
        await pilot.press("escape")
        assert "something else" in status(pane)


async def test_readers_that_were_refused_are_told(tmp_path: Path) -> None:
    with mail() as server:
        server.answers["rcpt TO:<b@example.org>"] = "550 nobody"
        config = (
            f'[[content.targets]]\nname = "post"\nkind = "email"\nhost = "127.0.0.1"\nport = {server.port}\n'
            'tls = "none"\nsender = "me@example.org"\nto = ["a@example.org", "b@example.org"]\n'
        )
        async with opened(tmp_path, config) as (pilot, pane, _):
            await reported(pilot, pane)
            await dialog(pilot, pane)
            await pilot.press("enter")
            await shows(pane, lambda: "⚠ post sent: not taken for some readers: b@example.org" in status(pane), "sent")
            page = await dialog(pilot, pane)
            await shows(pane, lambda: "not taken for some readers" in page.view.plain, "told")


async def test_what_keeps_it_back_is_told_as_long_as_it_does(tmp_path: Path) -> None:
    two = f'{chat(NOWHERE)}[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "{tmp_path / "site"}"\n'
    async with opened(tmp_path, two) as (pilot, pane, _):
        await reported(pilot, pane, story="It waits -- and goes.")
        page = await dialog(pilot, pane)
        page.list.ticked = set()
        await pilot.press("enter")
        await shows(pane, lambda: "no target is ticked" in said(page), "told")
        await pilot.press("space")
        assert said(page) == ""
        await pilot.press("enter")
        await shows(pane, lambda: "✗" in said(page), "style")
        assert "correct it, give a reason, or untick this target" in said(page)


@pytest.mark.parametrize("state", ["sent", "unknown", "failed_permanent", "failed_transient"])
async def test_the_keys_fit_in_80_columns(tmp_path: Path, state: str) -> None:
    with discord() as fake:
        async with opened(tmp_path, chat(fake.url), (80, 24)) as (pilot, pane, runtime):
            await reported(pilot, pane)
            page = await dialog(pilot, pane)
            await pilot.press("enter")
            await shows(pane, lambda: pilot.app.screen is not page, "sent")
            other = update(publication).values(state=state, leased_until=utc_now() + timedelta(hours=1))
            await runtime.db.run(lambda conn: conn.execute(other), write=True)
            page = await dialog(pilot, pane)
            assert page.chosen is not None
            assert {key for key, _ in keys_of(page.chosen, 70)} == {
                "space",
                "enter",
                "esc",
                *(key for key, _ in possible(page.chosen)),
            }
            await shows(pane, lambda: "esc leaves" in keys(page), "keys")
