"""A draft stands once at a target unless somebody says otherwise, and is scheduled as long as it waits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.content.drafts.drafts import Drafts
from app.content.model import Draft
from app.content.publishing.model import Text, When
from app.content.publishing.publisher import Preview
from app.content.templates.catalogue import Catalogue
from app.db.engine import Database
from app.errors import UserError
from tests.content.discord_fake import Fault, discord, refusal
from tests.content.publishing import TEXT, Publishing, publishing, target

OTHER = Text("A title", "Another line.\n")


async def a_draft(database: Database, work: Publishing) -> Draft:
    drafts = Drafts(database, work.spool)
    made = await drafts.create(Catalogue().find("standup"), "A title", "One line.\n", fields={}, context={})
    assert await work.spool.flush(20)
    return made


async def preview(work: Publishing, draft: Draft, text: Text = TEXT) -> Preview:
    return await work.publisher.preview(text, work.publisher.target("there"), beside=draft.id)


async def sent(work: Publishing, draft: Draft, text: Text = TEXT, **more: Any) -> str:
    """Order it and dispatch once; its state."""
    identity = await work.publisher.order(await preview(work, draft, text), draft, **more)
    assert await work.spool.flush(20)
    await work.publisher.dispatcher.once()
    return (await work.find(identity)).state


async def state_of(database: Database, work: Publishing, draft: Draft) -> str:
    return (await Drafts(database, work.spool).find(draft.id)).state


async def test_a_second_post_is_only_made_when_it_is_asked_for(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            assert await sent(work, draft) == "sent"
            for text, which in ((TEXT, "the same text"), (OTHER, "an earlier text of it")):
                (problem,) = (await preview(work, draft, text)).problems
                assert problem.what.startswith(f"{which} is published there already: {problem.delivery}, sent 2")
                with pytest.raises(UserError, match="is published there already"):
                    await sent(work, draft, text, override="a reason that is none")
            first = (await work.publisher.find(problem.delivery)).publication
            assert len(fake.texts) == 1
            edited = await work.publisher.preview(OTHER, work.publisher.target("there"))
            await work.publisher.order(edited, draft, replaces=first)
            assert await work.spool.flush(20)
            await work.publisher.dispatcher.once()
            assert fake.texts == ["Another line."]
            assert await sent(work, draft, OTHER, again=True) == "sent"
            assert fake.texts == ["Another line."] * 2


async def test_two_who_publish_at_once_make_one_post(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            looks = [await preview(work, draft) for _ in range(4)]
            ids = await asyncio.gather(*(work.publisher.order(look, draft) for look in looks))
            assert await work.spool.flush(20)
            await work.publisher.dispatcher.once()
            found = [await work.find(identity) for identity in ids]
            assert sorted(each.state for each in found) == ["cancelled"] * 3 + ["sent"]
            assert {each.error for each in found if each.state == "cancelled"} != {""}
            assert len(fake.posted) == 1


async def test_what_may_be_there_counts_and_what_is_not_there_does_not(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            fake.faults = [refusal(400, 50035, "Invalid Form Body"), Fault(cut=True, store=True)]
            assert await sent(work, draft) == "failed_permanent"
            assert await sent(work, draft) == "unknown"
            (problem,) = (await preview(work, draft)).problems
            assert "may be there already" in problem.what
            await work.publisher.decide((await work.publisher.find(problem.delivery)).publication, "drop")
            assert (await preview(work, draft)).problems == ()


async def test_a_draft_is_scheduled_as_long_as_it_waits(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            later = When(work.clock() + timedelta(hours=2), "UTC")
            assert await sent(work, draft, when=later) == "scheduled"
            assert await state_of(database, work, draft) == "scheduled"
            (problem,) = (await preview(work, draft)).problems
            assert "waits already" in problem.what
            # Who goes on writing and does not know of it takes nothing back.
            await Drafts(database, work.spool).save(draft, "More.\n")
            assert await work.spool.flush(20)
            assert await state_of(database, work, draft) == "scheduled"
            await work.publisher.decide((await work.publisher.find(problem.delivery)).publication, "drop")
            assert await state_of(database, work, draft) == "draft"
            identity = await work.publisher.order(await preview(work, draft), draft, later)
            assert await work.spool.flush(20)
            work.clock.on(hours=9)
            await work.publisher.dispatcher.once()
            assert (await work.find(identity)).state == "missed"
            assert await state_of(database, work, draft) == "draft"
            await work.publisher.decide(await work.find(identity), "resend")
            await work.publisher.dispatcher.once()
            assert await state_of(database, work, draft) == "published"
            assert len(fake.posted) == 1


async def test_what_fails_for_good_is_in_work_again(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            fake.faults = [refusal(400, 50035, "Invalid Form Body")]
            assert await sent(work, draft, when=When(work.clock() + timedelta(minutes=5), "UTC")) == "scheduled"
            work.clock.on(minutes=6)
            await work.publisher.dispatcher.once()
            assert await state_of(database, work, draft) == "draft"
