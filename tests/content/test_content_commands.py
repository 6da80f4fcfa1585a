"""`qd content templates`, `new`, `list`, `show`, `render` and `diff` as processes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.content.commanding import document, qd

ROOT = Path(__file__).parents[2]
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith(("QUARTERDECK_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """The user's folder of templates."""
    folder = tmp_path / "home" / "config" / "content"
    folder.mkdir(parents=True)
    return folder


def test_templates_are_listed_and_explained(templates: Path) -> None:
    (templates / "bad.md").write_text("---\ntitel: x\n---\n")
    (templates / "mine.md").write_text("---\ntitle: Mine\nhelp: For me.\n---\n")
    listed = {entry["id"]: entry for entry in document("templates")["templates"]}
    assert "did you mean `title`" in listed["bad"]["error"]
    assert f"{templates}/bad.md:2" in listed["bad"]["error"]
    assert (listed["mine"]["origin"], listed["mine"]["help"]) == ("user", "For me.")
    assert listed["adr"]["numbered"] is True
    assert [field["name"] for field in listed["devlog"]["fields"]][:2] == ["title", "when"]
    said = qd("templates").stdout
    assert "broken: " in said
    assert "Architecture decision" in said
    (one,) = document("templates", "devlog")["templates"]
    assert one == listed["devlog"]
    explained = qd("templates", "devlog").stdout
    for words in ("required", "from the context", "everybody, developers, myself", "git, tests, coverage"):
        assert words in explained
    assert f"{templates}/bad.md:2" in qd("templates", "bad", code=2).stderr
    assert "did you mean devlog?" in qd("templates", "devlgo", code=2).stderr


def test_a_draft_from_new_to_page(here: Path, tmp_path: Path) -> None:
    subprocess.run([*GIT, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "feat: a journal"], check=True)
    made = document("new", "devlog", "--set", "title=The journal", "--set", "sections=commits", "--set", "story=Late.")
    draft = made["draft"]
    assert made["state"] == "applied"
    assert draft["context"]["git"]["data"]["total"] == 1
    assert draft["context"]["tests"]["why"] == "there is none"
    assert "- a journal (`" in draft["body"]
    (head,) = document("list")["drafts"]
    assert (head["id"], head["title"], head["version"]) == (draft["id"], "The journal", 1)
    shown = document("show", draft["id"][-8:].lower())
    assert shown["draft"] == draft
    assert [version["reason"] for version in shown["versions"]] == ["created"]
    assert qd("show", draft["id"]).stdout == draft["body"]
    html = document("render", draft["id"], "--as", "html", "-o", str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_text() == html["text"] == html["parts"][0]
    assert "<h1" in html["text"]
    assert "**Features**" in document("render", draft["id"], "--as", "discord")["text"]
    assert document("render", draft["id"], "--as", "text")["text"].startswith("The journal\n")
    assert document("render", draft["id"])["text"] == draft["body"]
    assert document("diff", draft["id"])["pieces"] == [{"kind": "same", "text": draft["body"]}]
    assert "there is no version 7" in qd("show", draft["id"], "--version", "7", code=2).stderr
    assert "no draft" in qd("show", "nosuch", code=2).stderr


def test_superseding_is_seen_in_the_difference() -> None:
    answers = json.dumps({"title": "First", "problem": "p", "options": "a\nb"})
    first = document("new", "adr", "--answers", "-", given=answers)["draft"]
    document("new", "adr", "--answers", "-", "--set", "title=Second", "--set", "supersedes=1", given=answers)
    changed = document("diff", first["id"])
    assert (changed["from"], changed["to"]) == (1, 2)
    assert {"kind": "removed", "text": "proposed"} in changed["pieces"]
    assert "[-proposed-]{+superseded by [ADR-0002](0002-second.md)+}" in qd("diff", first["id"]).stdout
    listed = document("list", "--template", "adr", "--limit", "1")
    following = document("list", "--template", "adr", "--limit", "1", "--after", listed["next"])
    assert {listed["drafts"][0]["number"], following["drafts"][0]["number"]} == {1, 2}
    assert following["next"] is None
    assert "no place in this list" in qd("list", "--after", "x", code=2).stderr


def test_nobody_is_asked_where_nobody_answers() -> None:
    said = qd("new", "standup", code=2).stderr
    assert "no answer to: done, next" in said
    said = qd("new", "devlog", "--set", "when=tomorrow", "--set", "nose=1", "--json", code=2).stderr
    for words in ("'tomorrow' is no date", "nose: there is no such field", "no answer to: title"):
        assert words in said
    assert "is no answer" in qd("new", "devlog", "--set", "title", code=2).stderr
    assert "no JSON" in qd("new", "devlog", "--answers", "-", given="{", code=2).stderr
    assert document("list")["drafts"] == []


def test_a_dry_run_keeps_nothing() -> None:
    found = document("new", "thread", "--set", "title=One", "--set", "points=two", "--dry-run")
    assert (found["draft"], found["state"], found["title"]) == (None, "dry_run", "One")
    assert found["text"] == "One\n\n---\n\n1/1 two\n"
    assert document("list")["drafts"] == []


@pytest.mark.parametrize("folder", ["", "imported"])
def test_a_hostile_template_ends_with_its_line(templates: Path, folder: str) -> None:
    place = templates / folder
    place.mkdir(exist_ok=True)
    loops = "{% for a in range(999) %}" * 4 + "{% endfor %}" * 4
    (place / "evil.md").write_text(f"---\ntitle: x\n---\n\n{loops}\n")
    assert f"{place}/evil.md:5: " in qd("new", "evil", code=2).stderr


def test_answers_of_the_last_time_are_the_next_defaults() -> None:
    document("new", "devlog", "--set", "title=One", "--set", "audience=myself")
    assert document("new", "devlog", "--set", "title=Two")["draft"]["fields"]["audience"] == "myself"
    assert "no answer to: title" in qd("new", "devlog", code=2).stderr


def test_closed_standard_input_asks_nobody() -> None:
    def closed(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = f"{shlex.join([sys.executable, '-m', 'app', 'content', 'new', *arguments])} <&-"
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=100, check=False)

    assert closed("devlog", "--set", "title=One").stdout.startswith("draft ")
    for arguments, said in (
        (("devlog",), "no answer to: title"),
        (("devlog", "--answers", "-"), "standard input: it is closed"),
        (("devlog", "--set", "title=a\udcffb"), "--set: no UTF-8 at byte 8"),
    ):
        done = closed(*arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_the_examples_of_help_stand_below_each_other() -> None:
    said = qd("show", "--help").stdout
    assert said.endswith("  Examples:\n    qd content show 01JD…\n    qd content show 01JD… --json\n")
    assert "$EDITOR" in qd("new", "--help").stdout
