"""The Git screen with the real service over real repositories and their bare remotes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.widgets import Input

from app.events import Bus
from app.git.model import RepositorySpec, Rules
from app.git.service import GitService
from tests.git.repos import Place, Repo
from tests.screens.git_host import Host
from tests.waiting import until

RULES = Rules(
    pattern=r"(?P<kind>feature|fix)/(?P<words>[a-z0-9-]+)",
    template="{kind}/{words}",
    examples=("feature/gap-filter",),
)
HOSTILE = "feature/x]-\u202e$(id)"
WIDE = (160, 48)


@asynccontextmanager
async def opened(tmp_path: Path, *repos: Repo, gone: Path | None = None) -> AsyncIterator[tuple[Host, Any]]:
    """The screen over these repositories, read and counted."""
    bus = Bus()
    specs = [RepositorySpec(repo.path.name, repo.path) for repo in repos]
    if gone is not None:
        specs.append(RepositorySpec("gone", gone))
    service = GitService(specs, RULES, bus=bus, cache_dir=tmp_path / "cache", data_dir=tmp_path / "data")
    app = Host(None)
    app.pane.clock = lambda: 1_700_100_000.0
    async with app.run_test(size=WIDE) as pilot:
        await service.start()
        try:
            settings = SimpleNamespace(ui=SimpleNamespace(editor=""))
            app.pane.attach(SimpleNamespace(bus=bus, git=service, settings=settings))  # type: ignore[arg-type]  # enough
            app.pane.on_activated()
            await until(lambda: all(s.counted or s.error for s in app.pane.feed.states.values()), what="the counts")
            await still(pilot)
            yield app, pilot
        finally:
            await service.close()


async def still(pilot: Any) -> None:
    """Nothing waits to be read or painted."""

    def quiet() -> bool:
        return pilot.app.pane.settled and all(worker.is_finished for worker in pilot.app.workers)

    await until(quiet, what="rest")
    await pilot.pause()


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await still(pilot)


def page(app: Host) -> str:
    shown = app.pane.page_widget()
    return "\n".join(shown.render_line(y).text.rstrip() for y in range(shown.size.height))


def names(app: Host) -> list[str]:
    return [row.removeprefix("refs/heads/") for row in app.pane.branches.rows]


async def test_what_is_there_is_shown(place: Place, tmp_path: Path) -> None:
    work, other = place.repo("work"), place.repo("other")
    work.topic("feature/merged", "one", push=True)
    work.switch("main")
    work.merge("feature/merged")
    work.push("main")
    work.push_delete("feature/merged")
    work.topic(HOSTILE, "[b]a[/b] \x1b[31mb")
    work.switch("main")
    work.write({"new.txt": "x"})
    async with opened(tmp_path, work, other, gone=tmp_path / "nowhere") as (app, pilot):
        lines = [app.pane.repositories.render_line(y).text for y in range(3)]
        assert "work" in lines[0]
        assert "±1" in lines[0]
        assert "✗" in lines[2]
        await until(lambda: any(b.landed == "merged" for b in app.pane.feed.state.branches))  # type: ignore[union-attr]
        await still(pilot)
        row = names(app).index("feature/merged")
        assert "merged gone" in app.pane.branches.render_line(row).text
        assert app.pane.branches.reveal(f"refs/heads/{HOSTILE}")
        await until(lambda: "[b]a[/b] b" in page(app), what="its commits")
        assert "\x1b" not in page(app)


async def test_prune_and_its_undo(place: Place, tmp_path: Path) -> None:
    work = place.repo("work")
    work.topic("feature/done", "one", "two", push=True)
    work.switch("main")
    work.squash_merge("feature/done")
    work.push("main")
    work.push_delete("feature/done")
    work.fetch()
    tip = work.oid("feature/done")
    async with opened(tmp_path, work) as (app, pilot):
        await until(lambda: "squashed" in str([b.landed for b in app.pane.branches._branches.values()]))
        await press(pilot, "P")
        assert "feature/done" in page(app)
        assert app.pane.page == "plan"
        await press(pilot, "enter")
        assert "prune in work: done" in page(app)
        assert "feature/done" not in work.refs("refs/heads/")
        await until(lambda: "feature/done" not in names(app), what="the list without it")
        await press(pilot, "u")
        assert app.pane.page == "plan"
        await press(pilot, "enter")
        await until(lambda: "feature/done" in names(app), what="the branch again")
        assert work.oid("feature/done") == tip
        await press(pilot, "J")
        assert "prune" in page(app)
        assert "undo" in page(app)


async def test_a_new_branch_by_its_parts_then_renamed_on_the_remote_too(place: Place, tmp_path: Path) -> None:
    work = place.repo("work")
    async with opened(tmp_path, work) as (app, pilot):
        await press(pilot, "n", *"fix", "tab", *"slow start", "enter")
        await until(lambda: "fix/slow-start" in names(app), what="the new branch")
        assert work.git("symbolic-ref", "HEAD") == "refs/heads/fix/slow-start"
        await until(
            lambda: app.pane.branches.branch is not None and app.pane.branches.reveal("refs/heads/fix/slow-start")
        )
        await press(pilot, "p", "enter")
        assert "push in work: done" in page(app)
        assert "refs/heads/fix/slow-start" in work.origin.refs()
        await press(pilot, "escape", "m")
        app.screen.query_one("#field0", Input).value = "fix/fast-start"
        await press(pilot, "enter")
        assert app.pane.page == "plan"
        await press(pilot, "enter")
        assert "rename in work: done" in page(app)
        assert {"refs/heads/main", "refs/heads/fix/fast-start"} == set(work.origin.refs("refs/heads/"))
        await press(pilot, "escape")
        app.pane.branches.reveal("refs/heads/main")
        await press(pilot, "c")
        assert work.git("symbolic-ref", "HEAD") == "refs/heads/main"


async def test_sync_brings_what_others_pushed(place: Place, tmp_path: Path) -> None:
    work = place.repo("work")
    clone = place.clone(work.origin, "clone")
    clone.commit("from elsewhere")
    clone.push("main")
    async with opened(tmp_path, work) as (app, pilot):
        await press(pilot, "s")
        assert "sync in work: done" in page(app)
        assert work.oid("main") == clone.oid("main")
        await press(pilot, "s")
        assert "everything is as it is there" in page(app)


async def test_a_ref_that_moves_elsewhere_is_shown(place: Place, tmp_path: Path) -> None:
    work = place.repo("work")
    async with opened(tmp_path, work) as (app, _pilot):
        work.branch("feature/elsewhere")
        await until(lambda: "feature/elsewhere" in names(app), what="the branch")


async def test_hygiene_and_hooks(place: Place, tmp_path: Path) -> None:
    work = place.init("work")
    work.commit("first", {"readme.md": "x\n"})
    async with opened(tmp_path, work) as (app, pilot):
        await press(pilot, "A")
        assert "readme.md" in page(app)
        await press(pilot, "enter")
        assert app.pane.page == "plan"
        await press(pilot, "enter")
        assert "hygiene in work: done" in page(app)
        assert "README.md" in work.git("ls-files")
        await press(pilot, "u", "enter")
        assert "readme.md" in work.git("ls-files")
        await press(pilot, "H", "enter")
        assert (work.git_dir / "hooks" / "pre-push").exists()
        assert "installed" in page(app)
        await press(pilot, "x")
        assert not (work.git_dir / "hooks" / "pre-push").exists()
