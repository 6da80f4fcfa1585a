"""Fixes of hygiene findings: done by the executor, stopped between any two steps, and taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.git import undo
from app.git.cli import Git
from app.git.executor import Executor
from app.git.hygiene import fixes
from app.git.hygiene.audit import audit
from app.git.hygiene.commands import commands
from app.git.hygiene.model import Finding, Step
from app.git.hygiene.reading import read_ignored, read_index, with_sizes
from app.git.journal import Journal
from app.git.model import Plan, Report, Rules
from tests.git.hooked import shell
from tests.git.repos import Place, Repo

NFD, NFC = "e\u0301.txt", "é.txt"


class Stopped(BaseException):
    """Stands for a crash: nothing in the app catches it."""


@dataclass(slots=True)
class Bench:
    """A repository under an executor that knows hygiene."""

    repo: Repo
    stop_at: int = 0
    """Stop at this call of git that changes something, counted from 1; 0 for never."""
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        folder = self.repo.place.root / "bench"
        handlers = {fixes.KIND: fixes.HygieneHandler()}
        self.executor = Executor(Journal(folder / "operations.db"), folder / "locks", handlers=handlers)

    @property
    def git(self) -> Git:
        return Git(self.repo.path)

    def findings(self) -> tuple[Finding, ...]:
        entries = with_sizes(self.git, read_index(self.git))
        return audit(entries, large_mb=0.003, ignored=read_ignored(self.git), holder="Ada", year=2031)

    def plan(self) -> Plan:
        return fixes.plan("work", self.findings())

    async def do(self, *kinds: str) -> Report:
        """Fix the findings of these kinds; without any, what is ticked by itself."""
        plan = self.plan()
        ticked = {change.key for change in plan.changes if change.ref.partition(":")[0] in kinds} if kinds else None
        return await self.executor.perform(self.git, plan, ticked)

    async def undo(self) -> Report:
        plan = await undo.plan_undo(self.executor, self.git, Rules())
        return await self.executor.perform(self.git, plan)

    def picture(self) -> dict[str, Any]:
        """The index with modes and objects, and the files of the working tree with modes and contents."""
        index = self.repo.git("ls-files", "-s", "-z")
        found: dict[str, Any] = {"index": index, "status": self.repo.git("status", "--porcelain", "-z")}
        for path in sorted(self.repo.path.rglob("*")):
            name = str(path.relative_to(self.repo.path))
            if name.split("/")[0] != ".git" and (path.is_symlink() or path.is_file()):
                content = path.readlink() if path.is_symlink() else path.read_bytes()
                found[name] = (path.lstat().st_mode, content)
        return found


@pytest.fixture
def bench(place: Place) -> Bench:
    """A repository with something of everything in it."""
    repo = place.init("work")
    files: dict[str, str | bytes] = {
        "readme.md": "hello\n",
        "src/Make.py": "one\n",
        "src/make.py": "two\n",
        "Test/a": "a\n",
        "test/b": "b\n",
        "test/c": "c\n",
        f"names/{NFC}": "same\n",
        f"names/{NFD}": "same\n",
        "bad /aux.c": "x\n",
        "tab\tand\nline ": "y\n",
        "-x.": "dash\n",
        "data/big.bin": b"\0" * 5000,
        "kept.log": "log\n",
        "inner/.gitignore": "secret\n",
        "inner/secret": "s\n",
    }
    repo.write(files)
    (repo.path / "src/make.py").chmod(0o755)
    repo.git("add", "-A", "-f")
    repo.commit("all", {})
    return Bench(repo)


async def test_everything_ticked_is_mended_and_comes_back(bench: Bench) -> None:
    before = bench.picture()
    report = await bench.do()
    assert report.state == "done", report
    assert report.refused == ()
    listed = set(bench.repo.git("ls-files", "-z").split("\0"))
    assert {"README.md", "test/a", "bad/aux_.c", "tab_and_line", "-x", f"names/{NFC}", ".gitignore"} <= listed
    assert not {"readme.md", "Test/a", f"names/{NFD}", "bad /aux.c", "-x."} & listed
    # The files have moved with their names, and nothing has been committed.
    assert (bench.repo.path / "test/a").read_text() == "a\n"
    assert not (bench.repo.path / "bad ").exists()
    assert bench.repo.git("log", "--oneline").count("\n") == 0
    left = {finding.kind for finding in bench.findings() if finding.ticked}
    assert left == set()

    undone = await bench.undo()
    assert undone.state == "done", undone
    assert undone.refused == ()
    assert bench.picture() == before


async def test_everything_at_all_is_mended_and_comes_back(bench: Bench) -> None:
    before = bench.picture()
    kinds = {finding.kind for finding in bench.findings()}
    assert len(kinds) == 8
    report = await bench.do(*kinds)
    assert (report.state, report.refused) == ("done", ()), report
    assert bench.findings() == ()
    # What is not tracked any more is still on the disk.
    assert (bench.repo.path / "data/big.bin").stat().st_size == 5000
    assert (bench.repo.path / "inner/secret").exists()
    assert "/data/big.bin\n" in (bench.repo.path / ".gitignore").read_text()
    assert "Copyright (c) 2031 Ada" in (bench.repo.path / "LICENSE").read_text()
    assert (await bench.undo()).refused == ()
    assert bench.picture() == before
    # And once more the other way.
    plan = await undo.plan_redo(bench.executor, bench.git, Rules())
    assert (await bench.executor.perform(bench.git, plan)).state == "done"
    assert bench.findings() == ()


async def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    before = bench.picture()
    report = await bench.executor.perform(bench.git, bench.plan(), dry_run=True)
    assert report.dry_run
    assert ("git", "mv", "--", "readme.md", "readme.md.quarterdeck-moving") in report.commands
    assert bench.picture() == before


async def test_a_crash_anywhere_is_finished_or_taken_back(
    place: Place, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.picture()
    changing = ("mv", "rm", "add", "update-index", "update-ref", "checkout-index")
    calls = 0
    run = Git.run

    async def counted(self: Git, *args: str, **more: Any) -> Any:
        nonlocal calls
        if args[0] in changing:
            calls += 1
            if calls == bench.stop_at:
                raise Stopped
        return await run(self, *args, **more)

    monkeypatch.setattr(Git, "run", counted)
    kinds = {finding.kind for finding in bench.findings()}
    bench.stop_at, stops = 1, 0
    while True:
        calls = 0
        try:
            await bench.do(*kinds)
        except Stopped:
            stops += 1
        else:
            break
        stop, bench.stop_at = bench.stop_at, 0
        (entry,) = await bench.executor.interrupted()
        assert entry.state == "pinned" or bench.picture() == before, "planned means that nothing was changed"
        if stop % 2:
            assert (await bench.executor.finish(bench.git, entry.op_id)).state == "done"
            assert bench.findings() == ()
            await bench.undo()
        else:
            await undo.settle(bench.executor, bench.git, Rules(), entry.op_id, "undo")
        assert bench.picture() == before
        bench.stop_at = stop + 1
    assert stops >= 12


async def test_what_was_changed_since_stays(bench: Bench) -> None:
    await bench.do("missing_gitignore", "missing_license", "large_file", "ignored_tracked", "readme_name")
    (bench.repo.path / "LICENSE").write_text("mine\n")
    with (bench.repo.path / ".gitignore").open("a") as file:
        file.write("my own line\n")
    bench.repo.git("mv", "README.md", "about.md")
    report = await bench.undo()
    refused = {refusal.ref: refusal.why for refusal in report.refused}
    assert refused == {
        "missing_license:LICENSE": "LICENSE has been changed since",
        "missing_gitignore:.gitignore": ".gitignore has been changed since",
        "readme_name:readme.md": "README.md is not there any more",
    }
    assert (bench.repo.path / "LICENSE").read_text() == "mine\n"
    assert "my own line\n" in (bench.repo.path / ".gitignore").read_text()
    assert "data/big.bin" in bench.repo.git("ls-files")


async def test_local_changes_go_along_with_a_move(bench: Bench) -> None:
    (bench.repo.path / "readme.md").write_text("edited\n")
    await bench.do("readme_name")
    assert (bench.repo.path / "README.md").read_text() == "edited\n"
    await bench.undo()
    assert (bench.repo.path / "readme.md").read_text() == "edited\n"


async def test_a_twin_with_changes_is_not_removed(bench: Bench) -> None:
    (bench.repo.path / "names" / NFD).write_text("edited\n")
    before = bench.picture()
    report = await bench.do("unicode_twins")
    assert report.state == "failed"
    assert "has changes that are not staged" in report.message
    assert bench.picture() == before


async def test_a_plan_that_is_out_of_date_changes_nothing(bench: Bench) -> None:
    plan = bench.plan()
    bench.repo.git("rm", "-q", "readme.md")
    before = bench.picture()
    report = await bench.executor.perform(bench.git, plan)
    assert report.state == "failed"
    assert "readme.md is not tracked any more" in report.message
    assert bench.picture() == before


async def test_a_file_that_is_there_untracked_is_not_overwritten(bench: Bench) -> None:
    (bench.repo.path / "LICENSE").write_text("draft\n")
    report = await bench.do("missing_license")
    assert report.state == "failed"
    assert (bench.repo.path / "LICENSE").read_text() == "draft\n"


async def test_a_link_in_place_of_gitignore_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    (bench.repo.path / ".gitignore").symlink_to(victim)
    bench.repo.git("add", "-f", ".gitignore")
    report = await bench.do("large_file")
    assert victim.read_text() == "precious\n"
    assert [refusal.why for refusal in report.refused] == [
        ".gitignore cannot be read: Too many levels of symbolic links"
    ]


async def test_in_the_middle_of_a_merge_with_conflicts(place: Place) -> None:
    repo = place.repo()
    repo.conflict(path="both")
    repo.attempt("merge", "other")
    bench = Bench(repo)
    report = await bench.do("missing_gitignore")
    assert report.state == "failed"
    assert "both is in conflict" in report.message


async def test_a_bare_repository_has_no_files_to_mend(repo: Repo) -> None:
    plan = fixes.plan("x", [Finding("readme_name", "note", ("readme",), (), "", (Step("move", "readme", "README"),))])
    bench = Bench(repo)
    report = await bench.executor.perform(Git(repo.origin.path), plan, {plan.changes[0].key})
    assert report.state == "failed"
    assert "no working tree" in report.message


async def test_from_a_folder_below_the_top(bench: Bench) -> None:
    plan = bench.plan()
    before = bench.picture()
    below = Git(bench.repo.path / "src")
    assert (await bench.executor.perform(below, plan)).state == "done"
    plan = await undo.plan_undo(bench.executor, below, Rules())
    assert (await bench.executor.perform(below, plan)).state == "done"
    assert bench.picture() == before


def test_what_only_a_person_can_mend_is_refused_with_its_reason() -> None:
    plan = fixes.plan("x", [Finding("missing_license", "note", ("LICENSE",), (), "there is none")])
    assert plan.changes == ()
    assert plan.refused[0].why == "there is none; only you can say what is right"


def test_the_shown_commands_are_those_of_the_ticked_findings(bench: Bench) -> None:
    plan = bench.plan()
    shown = [each for change in plan.changes if change.ticked for each in plan.arguments["commands_of"][change.key]]
    assert [list(each) for each in plan.commands] == shown
    steps = [Step(*step) for change in plan.changes if change.ticked for step in plan.arguments["steps"][change.key]]
    # They work as they are shown, in the order they are shown.
    for step in steps:
        if step.verb != "write":
            for each in commands(step):
                assert (
                    bench.repo.run(*each[1:], check=False).returncode == 0
                    if each[0] == "git"
                    else shell(bench.repo, " ".join(f"'{word}'" for word in each)) == 0
                )
    assert not [finding for finding in bench.findings() if finding.ticked and finding.kind != "missing_gitignore"]


async def test_undo_shows_its_own_commands(bench: Bench) -> None:
    await bench.do("readme_name", "ignored_tracked")
    plan = await undo.plan_undo(bench.executor, bench.git, Rules())
    # Last done, first undone.
    assert plan.commands[:2] == (
        ("git", "mv", "--", "README.md", "README.md.quarterdeck-moving"),
        ("git", "mv", "--", "README.md.quarterdeck-moving", "readme.md"),
    )
    assert plan.commands[2][:4] == ("git", "update-index", "--add", "--cacheinfo")
    report = await bench.executor.perform(bench.git, plan)
    assert report.commands == plan.commands


async def test_the_entries_of_the_index_survive_a_clean_up(bench: Bench) -> None:
    """What was only staged has no other home than the pin."""
    bench.repo.write({"kept.log": "never committed\n", ".gitignore": "*.log\n"})
    bench.repo.git("add", "-f", "kept.log", ".gitignore")
    oid = bench.repo.oid(":kept.log")
    await bench.do("ignored_tracked")
    bench.repo.git("gc", "-q", "--prune=now")
    assert (await bench.undo()).refused == ()
    assert bench.repo.oid(":kept.log") == oid
