"""Folders, mails and other services as targets."""

from __future__ import annotations

import email
import email.policy
import json
import os
import resource
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.content.publishing.model import Text
from app.content.publishing.targets.notion_blocks import blocks_of
from app.db.engine import Database
from app.errors import UserError
from tests.content.certificates import authority
from tests.content.publishing import publishing, target
from tests.content.smtp_fake import mail

PAGE = "<html><head><style>:root { --ink: #123456 } p { color: var(--ink) }</style></head><body><p>Ä</p></body></html>"
TEXT = Text("Grüße & <more>", "# Heading\n\nA *text* with ä.\n", PAGE, "Ada")
SENDER = {"host": "127.0.0.1", "tls": "none", "sender": "me@example.org", "to": ("a@example.org", "b@example.org")}


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Database]:
    db = Database(f"sqlite:///{tmp_path}/qd.db")
    yield db
    db.close()


async def test_a_folder_has_pages_an_index_and_a_feed(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    there = target("files", folder=str(folder), address="https://example.org/log/", title="Log & more")
    async with publishing(embedded, tmp_path, there) as work:
        first = await work.send(TEXT)
        second = await work.send(TEXT)
        assert (first.state, second.state) == ("sent", "sent")
        day = f"{work.clock.now:%Y-%m-%d}"
        pages = sorted(path.name for path in folder.glob("2*.html"))
        assert pages == sorted([f"{day}-grüsse-more.html", f"{day}-grüsse-more-{second.id[-6:].lower()}.html"])
        assert (folder / f"{day}-grüsse-more.html").read_text() == PAGE
        assert (folder / f"{day}-grüsse-more.md").read_text() == TEXT.body
        assert first.url == f"https://example.org/log/{day}-grüsse-more.html"
        feed = ElementTree.parse(folder / "feed.xml").getroot()
        assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 2
        assert "Grüße &amp; &lt;more&gt;" in (folder / "index.html").read_text()
        assert (folder / "index.md").read_text().count(f"- {day} [") == 2
        third = await work.send(Text("Other", "New.\n", "<html>", ""), replaces=first)
        assert third.url == first.url
        assert (folder / f"{day}-grüsse-more.md").read_text() == "New.\n"
        await work.publisher.delete(second)
        await work.publisher.delete(third)
        assert sorted(path.name for path in folder.glob("2*")) == []
        assert "Other" not in (folder / "feed.xml").read_text()
        assert [path.name for path in folder.iterdir() if path.name.startswith(".") and "lock" not in path.name] == []


async def test_what_is_not_its_own_is_never_written_over(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    there = target("files", folder=str(folder))
    async with publishing(embedded, tmp_path, there) as work:
        day = f"{work.clock.now:%Y-%m-%d}"
        for name in ("index.html", "index.md", "feed.xml"):
            (folder / name).write_text("my own")
            (problem,) = (await work.publisher.preview(TEXT, there)).problems
            assert (problem.kind, problem.overridable) == ("taken", False)
            assert problem.what.startswith(f"{folder / name}: it is there, and was not made by this target; move it")
            with pytest.raises(UserError, match="not made by this target"):
                await work.order(TEXT, override="a reason")
            assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(name, "my own")]
            (folder / name).unlink()
        (folder / f"{day}-grüsse-more.html").write_text("my own")
        first = await work.send(TEXT)
        assert (folder / f"{day}-grüsse-more.html").read_text() == "my own"
        assert not (folder / f"{day}-grüsse-more.md").exists()
        page = folder / f"{day}-grüsse-more-{first.id[-6:].lower()}.html"
        assert page.read_text() == PAGE
        # Without its list the folder's pages are nobody's.
        (folder / "publications.json").unlink()
        second = await work.send(Text(TEXT.title, "Other.\n", "<html>", ""))
        assert (second.state, page.read_text()) == ("sent", PAGE)
        with pytest.raises(UserError, match=r"remove .* by hand"):
            await work.publisher.delete(first)
        edit = await work.send(Text("Other", "New.\n", "<html>", ""), replaces=first)
        assert edit.state == "failed_permanent"
        assert "publications.json does not know the page any more" in edit.error
        assert len(list(folder.glob("2*.html"))) == 3
        # What comes to stand there after the order is found when it is sent.
        later = await work.order(TEXT)
        (folder / "feed.xml").write_text("my own")
        await work.publisher.dispatcher.once()
        assert (await work.find(later)).state == "failed_permanent"
        assert (folder / "feed.xml").read_text() == "my own"
        assert len(list(folder.glob("2*.html"))) == 3


async def test_the_files_of_a_folder_can_be_read_by_a_server(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    before = os.umask(0o022)
    try:
        async with publishing(embedded, tmp_path, target("files", folder=str(folder))) as work:
            first = await work.send(TEXT)
            shown = [path for path in folder.iterdir() if not path.name.startswith(".")]
            assert {path.stat().st_mode & 0o777 for path in shown} == {0o644}
            (folder / "index.html").chmod(0o664)
            await work.send(Text("Other", "New.\n", "<html>", ""), replaces=first)
            assert (folder / "index.html").stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


async def test_a_page_without_its_index_does_not_stay(embedded: Database, tmp_path: Path) -> None:
    """No file may become larger than the limit, as on a full disk; only list and index would."""
    folder, most = tmp_path / "site", 4 * 1024 * 1024
    async with publishing(embedded, tmp_path, target("files", folder=str(folder))) as work:
        await work.send(Text("First", "Text.\n", PAGE, ""))
        listed = json.loads((folder / "publications.json").read_text())
        for entry in listed.values():
            entry["title"] = "long " * (most // 5)
        (folder / "publications.json").write_text(json.dumps(listed))
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limit[1]))
        try:
            failed = await work.send(TEXT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert (failed.state, "too large" in failed.error) == ("failed_permanent", True)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        await work.publisher.decide(failed, "resend")
        await work.publisher.dispatcher.once()
        done = await work.find(failed.id)
        assert (done.state, len(list(folder.glob("2*.html")))) == ("sent", 2)
        await work.publisher.delete(done)
        assert len(list(folder.glob("2*.html"))) == 1


async def test_a_page_that_was_cut_short_takes_its_own_place(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    async with publishing(embedded, tmp_path, target("files", folder=str(folder))) as work:
        identity = await work.order(TEXT)
        name = f"{work.clock.now:%Y-%m-%d}-grüsse-more"
        entry = {"name": name, "title": TEXT.title, "author": "", "published": "2026-01-01", "updated": "2026-01-01"}
        folder.mkdir()
        (folder / "publications.json").write_text(json.dumps({identity: entry}))
        other = await work.send(Text("Other", "New.\n", "<html>", ""))
        await work.publisher.dispatcher.once()
        assert [path.stem for path in folder.glob(f"{name}*")] == [name, name]
        assert (await work.find(identity)).state == other.state == "sent"
        assert (folder / "index.md").read_text().count("](") == 2


async def test_a_folder_that_names_files_outside_is_not_believed(embedded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    wrong = '{"x": {"name": "../secret", "title": "", "author": "", "published": "", "updated": ""}}'
    (folder / "publications.json").write_text(wrong)
    async with publishing(embedded, tmp_path, target("files", folder=str(folder))) as work:
        sent = await work.send(TEXT)
        assert sent.state == "failed_permanent"
        assert "publications.json" in sent.error
        assert (folder / "publications.json").read_text() == wrong


async def test_a_mail_has_text_and_html_and_an_id_of_its_own(embedded: Database, tmp_path: Path) -> None:
    with mail() as fake:
        async with publishing(embedded, tmp_path, target("email", port=fake.port, **SENDER)) as work:
            sent = await work.send(TEXT)
            assert (sent.state, sent.remote) == ("sent", (f"<{sent.id}@example.org>",))
            with pytest.raises(UserError, match="cannot be taken back"):
                await work.publisher.delete(sent)
            with pytest.raises(UserError, match="one line"):
                await work.order(Text("a\r\nBcc: x@example.org", "Text."))
    assert len(fake.readers) == 2
    message = email.message_from_bytes(fake.mails[0], policy=email.policy.default)
    assert message["Subject"] == TEXT.title
    assert message["Message-ID"] == f"<{sent.id}@example.org>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "A text with ä." in message.get_body(("plain",)).get_content()
    assert 'style="color: #123456;"' in message.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        ("MAIL", "451 later", "failed_transient"),
        ("DATA", "552 too large", "failed_permanent"),
        ("RCPT", "550 nobody", "failed_permanent"),
        ("RCPT", "450 later", "failed_transient"),
        (".", "554 policy", "failed_permanent"),
        (".", "", "unknown"),
        ("EHLO", "", "failed_transient"),
    ],
)
async def test_what_a_mail_server_answers(
    embedded: Database, tmp_path: Path, verb: str, answer: str, state: str
) -> None:
    with mail() as fake:
        fake.answers[verb] = answer
        async with publishing(embedded, tmp_path, target("email", port=fake.port, **SENDER)) as work:
            sent = await work.send(TEXT)
            assert sent.state == state, sent.error
            await work.publisher.dispatcher.once()
            assert len(fake.mails) == (1 if verb == "." else 0)


async def test_a_mail_that_some_readers_do_not_get_says_so(embedded: Database, tmp_path: Path) -> None:
    with mail() as fake:
        fake.answers["rcpt TO:<b@example.org>"] = "550 nobody"
        async with publishing(embedded, tmp_path, target("email", port=fake.port, **SENDER)) as work:
            sent = await work.send(TEXT)
    assert (sent.state, len(fake.mails)) == ("sent", 1)
    assert sent.error == "not taken for some readers: b@example.org: 550 nobody"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_mail_goes_encrypted_and_the_password_never_otherwise(
    embedded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: Any
) -> None:
    known, context = authority(tmp_path)
    options = {**SENDER, "tls": tls, "user": "me", "password": "hidden-word"}
    with mail(tls, context) as fake:
        async with publishing(embedded, tmp_path, target("email", port=fake.port, **options)) as work:
            refused = await work.send(TEXT)
            assert refused.state == "failed_permanent"
            assert "certificate is wrong" in refused.error
            assert (fake.mails, [said for said, _ in fake.said if said.startswith(("AUTH", "MAIL"))]) == ([], [])
            monkeypatch.setenv("SSL_CERT_FILE", str(known))
            assert (await work.send(TEXT)).state == "sent"
            assert len(fake.mails) == 1
            assert {encrypted for said, encrypted in fake.said if said.startswith(("AUTH", "MAIL", "RCPT"))} == {True}
            fake.answers["AUTH"] = "535 wrong"
            wrong = await work.send(Text("Other", "Text."))
            assert wrong.state == "failed_permanent"
            assert "user or password are wrong" in wrong.error
            assert list(await work.publisher.disabled()) == ["there"]


async def test_a_server_that_cannot_encrypt_gets_nothing(embedded: Database, tmp_path: Path) -> None:
    options = {**SENDER, "tls": "starttls", "user": "me", "password": "hidden-word"}
    with mail() as fake:
        async with publishing(embedded, tmp_path, target("email", port=fake.port, **options)) as work:
            sent = await work.send(TEXT)
            assert sent.state == "failed_permanent"
            assert "STARTTLS" in sent.error
    assert [said for said, _ in fake.said if not said.startswith(("ehlo", "EHLO", "QUIT"))] == []


async def test_apprise_sends_where_it_is_installed_and_says_where_it_is_not(
    embedded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with publishing(embedded, tmp_path, target("apprise", url="jsons://127.0.0.1:9/")) as work:
        sent = await work.send(TEXT)
        assert sent.state == "unknown"
        monkeypatch.setitem(sys.modules, "apprise", None)
        with pytest.raises(UserError, match="Apprise is not installed"):
            await work.publisher.preview(TEXT, work.publisher.target("there"))


@given(st.text(max_size=300), st.integers(0, 130), st.integers(1, 2500))
@settings(max_examples=40, deadline=None)
def test_blocks_stay_within_the_limits(words: str, items: int, long: int) -> None:
    text = "\n".join(f"- **{number}** item" for number in range(items)) + f"\n\n{'x' * long}\n\n{words}"
    for block in blocks_of(text):
        runs = block[block["type"]].get("rich_text", [])
        assert len(runs) <= 100
        assert all(len(run["text"]["content"]) <= 2000 for run in runs)


def test_blocks_keep_what_the_text_says() -> None:
    text = "# T\n\na **b** [c](https://x.org)\n\n- one\n  - two\n    - three\n\n```py\nx\n```\n"
    text += "\n> q\n\n---\n\n|a|\n|-|\n|1|\n"
    kinds = [block["type"] for block in blocks_of(text)]
    assert kinds == ["heading_1", "paragraph", "bulleted_list_item", "code", "quote", "divider", "code"]
    item = blocks_of(text)[2]["bulleted_list_item"]["children"]
    assert [each["type"] for each in item] == ["bulleted_list_item", "bulleted_list_item"]
    assert blocks_of(text)[3]["code"]["language"] == "python"
    assert blocks_of("```strange\nx\n```")[0]["code"]["language"] == "plain text"
    runs = blocks_of(text)[1]["paragraph"]["rich_text"]
    assert [(run["text"]["content"], run.get("annotations")) for run in runs][1] == ("b", {"bold": True})
    assert runs[-1]["text"]["link"] == {"url": "https://x.org"}
    (long,) = blocks_of("y" * 2001)
    assert [len(run["text"]["content"]) for run in long["paragraph"]["rich_text"]] == [2000, 1]
