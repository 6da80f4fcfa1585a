"""`qd notes import`, `export` and `sync` as processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.content.test_notes_commands import document, here, qd
from tests.waiting import until

__all__ = ["here"]


def test_a_folder_goes_in_and_comes_out_again(here: Path) -> None:
    vault = here / "vault"
    (vault / "sub").mkdir(parents=True)
    (vault / "a.md").write_text("---\ntags: one two\n---\nSee [[sub/b]].", "utf-8")
    (vault / "sub/b.md").write_text("here", "utf-8")
    would = document("import", "vault", "--dry-run")
    assert document("list")["notes"] == []
    done = document("import", "vault")
    assert (would["dry_run"], done["dry_run"]) == (True, False)
    told = [(each["what"], each["path"]) for each in done["changes"]]
    assert (
        told
        == [(each["what"], each["path"]) for each in would["changes"]]
        == [
            ("imported", "a.md"),
            ("imported", "sub/b.md"),
        ]
    )
    assert [note["slug"] for note in document("links", "b")["backlinks"]] == ["a"]
    assert document("export", "out")["same"] == 0
    for path in ("a.md", "sub/b.md"):
        assert (here / "out" / path).read_bytes() == (vault / path).read_bytes()
    assert document("export", "out")["same"] == 2


def test_the_configured_folder_and_its_faults(here: Path) -> None:
    config = here / "config.toml"
    config.write_text('[content.notes]\nfolder = "vault"\n', "utf-8")
    assert qd("sync").returncode == 2
    missing = qd("sync", "--config", str(config))
    assert (missing.returncode, "vault: cannot read the folder" in missing.stderr) == (2, True)
    (here / "vault").mkdir()
    (here / "vault/a.md").write_text("---\ntags: [\n---\n", "utf-8")
    broken = qd("sync", "--config", str(config))
    assert broken.returncode == 1
    assert "a.md:3: the front matter is no YAML" in broken.stderr
    assert "with faults: 1" in broken.stdout


@pytest.mark.parametrize(("files", "ending"), [(1, signal.SIGKILL), (150, signal.SIGKILL), (100, signal.SIGINT)])
def test_ended_in_the_middle_it_comes_to_the_same(here: Path, files: int, ending: signal.Signals) -> None:
    vault, out = here / "vault", here / "out"
    vault.mkdir()
    out.mkdir()
    for number in range(300):
        (vault / f"{number}.md").write_text(f"text {number}", "utf-8")
    command = [sys.executable, "-m", "app", "notes"]
    journals = here / "home/data/notes"
    importing = subprocess.Popen([*command, "import", "vault"], stdout=subprocess.DEVNULL)
    asyncio.run(until(lambda: importing.poll() is not None or any(journals.glob("*.db-wal"))))
    importing.send_signal(ending)
    importing.wait()
    document("import", "vault")
    assert len(document("list", "--limit", "1000")["notes"]) == 300
    exporting = subprocess.Popen([*command, "sync", "out"], stdout=subprocess.DEVNULL)
    asyncio.run(until(lambda: exporting.poll() is not None or len(list(out.iterdir())) >= files))
    exporting.send_signal(ending)
    exporting.wait()
    document("sync", "out")
    assert {path.name: path.read_text("utf-8") for path in out.glob("*.md")} == {
        f"{number}.md": f"text {number}" for number in range(300)
    }
    assert len(document("list", "--limit", "1000")["notes"]) == 300
    assert document("sync", "out")["changes"] == []


def test_an_export_that_is_only_tried_makes_no_folder(here: Path) -> None:
    document("add", "Engine")
    for place in ("out", "deep/out"):
        would = document("export", place, "--dry-run")
        assert [(each["what"], each["path"]) for each in would["changes"]] == [("exported", "Engine.md")]
    assert not (here / "out").exists()
    (here / "file").write_text("", "utf-8")
    assert "cannot read the folder" in qd("export", "file", "--dry-run").stderr
    done = document("export", "out")
    assert [each["path"] for each in done["changes"]] == ["Engine.md"]


def test_a_note_is_found_by_a_title_that_its_file_does_not_have(here: Path) -> None:
    vault = here / "vault"
    vault.mkdir()
    (vault / "Alpha.md").write_text("---\ntitle: Alpha note\n---\nalpha", "utf-8")
    (vault / "see.md").write_text("[[Alpha note]]", "utf-8")
    document("import", "vault")
    assert document("show", "Alpha  note")["note"]["slug"] == "alpha"
    assert [each["slug"] for each in document("links", "Alpha note")["backlinks"]] == ["see"]
    assert document("links", "see")["links"][0]["note"]["slug"] == "alpha"
    (vault / "Beta.md").write_text("---\ntitle: Alpha note\n---\nbeta", "utf-8")
    document("import", "vault")
    done = qd("show", "Alpha note")
    assert (done.returncode, "several notes have the title 'Alpha note': alpha, beta" in done.stderr) == (2, True)
    document("trash", "beta")
    assert document("show", "Alpha note")["note"]["slug"] == "alpha"
