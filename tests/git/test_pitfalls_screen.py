"""The Git screen, with the real service, over repositories of every odd shape at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.git.following import Office, office
from tests.git.repos import Place, Repo
from tests.screens.git_host import Host
from tests.waiting import until

HOSTILE = "x]-\u202e$(id)"


def shapes(place: Place) -> dict[str, Repo]:
    """One repository of each kind of row 10, and some more, by the names that they get."""
    made: dict[str, Repo] = {}
    made["detached"] = place.repo("detached")
    made["detached"].git("switch", "-q", "--detach")
    made["unborn"] = place.init("unborn")
    made["bare"] = place.clone(place.repo("source").origin, "bare", "--bare")
    made["alone"] = place.init("alone", branch="trunk")
    made["alone"].commit("one")
    made["company"] = place.repo("company", remote="company/git.hub")
    made["company"].topic("feature/a", "one")
    made["company"].push("feature/a", remote="company/git.hub", upstream=False)
    made["shallow"] = place.clone(f"file://{_deep(place).path}", "shallow", "--depth=1", "--no-single-branch")
    made["shallow"].git("branch", "-q", "feature/x", "origin/feature/x")
    made["busy"] = place.repo("busy")
    made["busy"].conflict("other")
    made["busy"].attempt("merge", "other")
    made["hostile"] = place.repo("hostile")
    tip = made["hostile"].commit("[red]x[/] \x1b]0;t\x07\x1b[31m\tz", {}, author="[b]Eve\x1b[2J <e@example.test>")
    made["hostile"].raw_ref(f"refs/heads/{HOSTILE}", tip)
    return made


def _deep(place: Place) -> Repo:
    deep = place.repo("deep")
    deep.topic("feature/x", "x", push=True)
    deep.commits("two", "three")
    deep.push("main")
    return deep.origin


def text(app: Host) -> str:
    """All that is on the screen."""
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


async def rest(pilot: Any) -> None:
    await until(lambda: pilot.app.pane.settled and all(worker.is_finished for worker in pilot.app.workers), what="rest")
    await pilot.pause()


def shown(app: Host, desk: Office) -> None:
    settings = SimpleNamespace(ui=SimpleNamespace(editor=""))
    app.pane.attach(SimpleNamespace(bus=desk.bus, git=desk.service, settings=settings))  # type: ignore[arg-type]  # enough
    app.pane.on_activated()


async def test_every_shape_of_repository_is_shown(place: Place, tmp_path: Path) -> None:
    """Rows 10, 12 and 19: whichever is chosen, its table, its state and its commits are there, and nothing fails."""
    made = shapes(place)
    words = {
        "detached": ("detached", "main"),
        "unborn": ("no commit yet",),
        "bare": ("bare", "main"),
        "alone": ("trunk",),
        "company": ("company/git.hub", "feature/a"),
        "shallow": ("feature/x", "≥"),
        "busy": ("merge",),
        "hostile": ("x]-", "$(id)"),
    }
    app = Host(None)
    app.pane.clock = lambda: 1_700_100_000.0
    async with app.run_test(size=(200, 50)) as pilot, office(tmp_path, *made.values()) as desk:
        shown(app, desk)
        await rest(pilot)
        for name in made:
            row = app.pane.repositories.find(name)
            assert row is not None
            app.pane.repositories.move_to(row)
            await until(lambda name=name: app.pane.feed.current == name, what=name)
            await rest(pilot)
            seen = text(app)
            for word in words[name]:
                assert word in seen, (name, word)
            assert not any(ord(char) < 32 and char != "\n" for char in seen), name
            assert "\u202e" not in seen
            await pilot.press("P")
            await rest(pilot)
            await pilot.press("escape")
            await rest(pilot)
    assert app.return_code in (None, 0)


async def test_one_that_vanishes_is_said_and_comes_back(place: Place, tmp_path: Path) -> None:
    """Row 36."""
    work, other = place.repo("work"), place.repo("other")
    work.topic("feature/a", "one")
    away = work.path.with_name("away")
    app = Host(None)
    async with app.run_test(size=(160, 48)) as pilot, office(tmp_path, work, other) as desk:
        shown(app, desk)
        await rest(pilot)
        assert "feature/a" in text(app)
        (work.path / ".git").rename(work.path.with_name("git away"))
        work.path.rename(away)
        await until(lambda: "no such folder" in text(app), what="the loss")
        await rest(pilot)
        for key in ("P", "s", "j", "k", "escape"):
            await pilot.press(key)
            await rest(pilot)
        away.rename(work.path)
        work.path.with_name("git away").rename(work.path / ".git")
        await until(lambda: "no such folder" not in text(app), what="it again")
        await until(lambda: "feature/a" in text(app), what="its branches")
    assert app.return_code in (None, 0)
