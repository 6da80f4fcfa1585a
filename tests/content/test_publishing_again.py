"""A draft stands once at a target unless somebody says otherwise, and is scheduled as long as it waits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.content.drafts.drafts import Drafts
from app.content.model import Draft
from app.content.publishing.model import NO_ID, Text, When
from app.content.publishing.publisher import Preview
from app.content.tables import publication
from app.content.templates.catalogue import Catalogue
from app.db.engine import Database
from app.errors import UserError
from tests.content.discord_fake import Fault, discord, refusal
from tests.content.publishing import TEXT, Publishing, publishing, target
from tests.content.smtp_fake import mail

OTHER = Text("A title", "Another line.\n")
LONG = Text("A title", "\n\n".join(f"Paragraph {number}. " + "word " * 150 for number in range(8)))


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


@pytest.mark.parametrize(
    ("fault", "state"), [(Fault(store=True, cut=True), "unknown"), (Fault(200, b'{"id": "1', store=True), "sent")]
)
async def test_what_has_no_id_at_its_target_is_neither_edited_nor_deleted(
    database: Database, tmp_path: Path, fault: Fault, state: str
) -> None:
    with discord() as fake:
        fake.faults = [fault]
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send()
            assert first.state == state
            if state == "unknown":
                await work.publisher.decide(first, "sent")
            first = await work.find(first.id)
            assert (first.state, first.remote, first.error) == ("sent", ("",), NO_ID)
            asked = len(fake.requests)
            with pytest.raises(UserError, match=r"id of delivery .* is not known"):
                await work.order(OTHER, replaces=first)
            with pytest.raises(UserError, match=r"id of delivery .* is not known"):
                await work.publisher.delete(first)
            assert (len(fake.requests), (await work.find(first.id)).state) == (asked, "sent")


async def test_an_edit_that_was_ordered_before_sends_no_second_post(database: Database, tmp_path: Path) -> None:
    """Its order waits since an earlier version, or since the state was another one."""
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send()
            later = When(work.clock() + timedelta(minutes=5), "UTC")
            edit = await work.order(OTHER, replaces=first, when=later)
            forget = update(publication).where(publication.c.id == first.id).values(remote=[""])
            await database.run(lambda conn: conn.execute(forget), write=True)
            asked = len(fake.requests)
            work.clock.on(minutes=6)
            await work.publisher.dispatcher.once()
            found = await work.find(edit)
            assert (found.state, NO_ID in found.error) == ("failed_permanent", True)
            assert (len(fake.requests), (await work.find(first.id)).state) == (asked, "sent")


async def test_an_edit_of_which_no_answer_came_keeps_the_id(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send()
            edit = await work.order(OTHER, replaces=first)
            lost = update(publication).where(publication.c.id == edit).values(state="unknown")
            await database.run(lambda conn: conn.execute(lost), write=True)
            await work.publisher.decide(await work.find(edit), "sent")
            done = await work.find(edit)
            assert (done.state, done.remote, done.error) == ("sent", first.remote, "")
            assert (await work.find(first.id)).state == "deleted"
            await work.publisher.delete(done)
            assert fake.texts == []


async def test_a_mail_is_not_sent_twice_to_edit_it(database: Database, tmp_path: Path) -> None:
    sender = {"host": "127.0.0.1", "tls": "none", "sender": "me@example.org", "to": ("a@example.org",)}
    with mail() as fake:
        fake.answers["."] = ""
        async with publishing(database, tmp_path, target("email", port=fake.port, **sender)) as work:
            first = await work.send()
            assert first.state == "unknown"
            await work.publisher.decide(first, "sent")
            first = await work.find(first.id)
            fake.answers.clear()
            with pytest.raises(UserError, match="a mail that was sent cannot be changed"):
                await work.order(OTHER, replaces=first)
            with pytest.raises(UserError, match="a mail that was sent cannot be taken back"):
                await work.publisher.delete(first)
            assert (first.error, len(fake.mails)) == ("", 1)


async def test_one_edit_waits_at_a_time(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            draft = await a_draft(database, work)
            assert await sent(work, draft) == "sent"
            (problem,) = (await preview(work, draft)).problems
            first = (await work.publisher.find(problem.delivery)).publication
            later = When(work.clock() + timedelta(minutes=1), "UTC")
            looks = [await work.publisher.preview(text, work.publisher.target("there")) for text in (LONG, OTHER)]
            # Two at the same moment: neither has found the other yet.
            one, two = [await work.publisher.order(look, draft, later, replaces=first) for look in looks]
            assert await work.spool.flush(20)
            refused = await work.find(two)
            assert (refused.state, f"an edit of it waits already: {one}" in refused.error) == ("cancelled", True)
            with pytest.raises(UserError, match=f"an edit of it waits already: {one}"):
                await work.publisher.order(looks[1], draft, later, replaces=first)
            work.clock.on(minutes=2)
            await work.publisher.dispatcher.once()
            long = await work.find(one)
            assert (long.state, len(fake.texts)) == ("sent", long.parts)
            with pytest.raises(UserError, match="is not what stands in there"):
                await work.publisher.order(looks[1], draft, replaces=await work.find(first.id))
            await work.publisher.order(looks[1], draft, replaces=long)
            assert await work.spool.flush(20)
            await work.publisher.dispatcher.once()
            assert fake.texts == ["Another line."]


async def test_an_edit_of_what_was_taken_back_meanwhile_is_not_sent(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send()
            edit = await work.order(LONG, replaces=first, when=When(work.clock() + timedelta(minutes=1), "UTC"))
            await work.publisher.delete(first)
            work.clock.on(minutes=2)
            await work.publisher.dispatcher.once()
            found = await work.find(edit)
            assert (found.state, "is deleted" in found.error, fake.texts) == ("failed_permanent", True, [])
