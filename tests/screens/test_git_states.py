"""Each state of a repository says what is going on and what to do, and news reach the screen without disturbing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import UserError
from app.git import lastseen
from tests.git_fake_service import FakeGit
from tests.git_fakes import (
    DUBIOUS,
    branch,
    broken,
    cut_short,
    many_branches,
    many_repositories,
    small,
    trading,
    workshop,
)
from tests.screens.git_host import Host, settled
from tests.widgets.git_lists import controls

WIDE = (160, 48)


def lines_of(shown: Any) -> str:
    return "\n".join(shown.render_line(y).text.rstrip() for y in range(shown.size.height))


def screen_text(app: Host) -> str:
    pane = app.pane
    shown = (pane.repositories, pane.about, pane.branches, pane.page_widget())
    return "\n".join([*map(lines_of, shown), str(pane.status.content)])


async def text_of(*states: Any, size: tuple[int, int] = WIDE) -> str:
    app = Host(FakeGit.of(*states))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        return screen_text(app)


async def test_no_repository() -> None:
    text = await text_of()
    assert "No repository is followed yet." in text
    assert "[[repositories]]" in text
    assert "qd init" in text


async def test_before_the_engine_is_up() -> None:
    app = Host(None)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "starting" in screen_text(app)
        await pilot.press("P", "f", "n", "space", "tab", "escape")


async def test_what_was_last_seen_is_shown_until_the_engine_is_up(tmp_path: Path) -> None:
    from app import paths

    lastseen.save(paths.state_dir() / "last" / "git.json", workshop())
    app = Host(None)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        text = screen_text(app)
        assert "feature/OPS-41-limit-orders" in text
        assert "as it was last seen" in text
        assert "api" in text
        assert app.pane.branches._pale
        app.service = FakeGit.of(trading())
        app.pane.attach(app.service.runtime())
        await settled(pilot)
        assert not app.pane.branches._pale
        assert len(app.pane.repositories.rows) == 1


async def test_being_read_for_the_first_time() -> None:
    text = await text_of(trading(branches=(), remote_only=(), counted=False, read_at=0.0))
    assert "reading trading" in text


async def test_being_counted() -> None:
    app = Host(FakeGit.of(trading(counted=False)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "counting" in str(app.pane.branches.border_subtitle)
        app.git.publish(trading())
        await settled(pilot)
        assert "read 10 s ago" in str(app.pane.branches.border_subtitle)


@pytest.mark.parametrize("size", [WIDE, (100, 30)])
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DUBIOUS, ("another user owns this folder", "git config --global --add", "looks again")),
        (broken("usb", "the folder is not there any more"), ("usb cannot be read", "not there any more")),
        (small("x", head=workshop()[4].head), ("detached",)),
        (replace(workshop()[5]), ("no commit yet", "the first commit makes main")),
        (small("x", bare=True, changes=None), ("it is bare",)),
        (small("x", branches=(), head=workshop()[4].head), ("no branch",)),
        (workshop()[10], ("asks for a password", "f lets git ask for it")),
        (small("x", trouble="origin cannot be reached; fetched 2 h ago"), ("origin cannot be reached",)),
        (small("x", operation="merge"), ("merge under way",)),
    ],
)
async def test_each_state_says_what_to_do(state: Any, words: tuple[str, ...], size: tuple[int, int]) -> None:
    text = await text_of(state, small("other"), size=size)
    for word in words:
        assert word in text


async def test_hostile_text_never_reaches_the_terminal() -> None:
    hostile = many_branches(30)
    app = Host(FakeGit.of(hostile, workshop()[-1], broken("\x1b[31mx", "\x07\x1b]0;y\x07", "\x1b[2J")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for key in ("j", "j", "j", "h", "j", "j", "P", "escape"):
            await pilot.press(key)
            await settled(pilot)
            assert controls(screen_text(app).split("\n")) == []
            for shown in (app.pane.branches, app.pane.about, app.pane.commits, app.pane.repositories):
                assert "\x1b" not in str(shown.border_title)


async def test_news_change_only_what_they_are_about() -> None:
    app = Host(FakeGit.of(*many_repositories()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.press("j", "j", "j", "space", "k")
        await settled(pilot)
        row, marks = app.pane.branches.cursor_row, app.pane.branches.marks
        drawn: list[str] = []
        original = app.pane.repositories.draw
        app.pane.repositories.draw = lambda row, width: drawn.append(row) or original(row, width)  # type: ignore[method-assign,func-returns-value]  # counts
        app.git.publish(replace(app.git.states["service-03"], busy="fetching origin 7 %"))
        await settled(pilot)
        assert drawn == ["service-03"]
        assert "service-03: fetching origin 7 %" in str(app.pane.status.content)
        app.git.publish(trading(branches=(*trading().branches, branch("brand-new", days=0.0))))
        await settled(pilot)
        assert app.pane.branches.cursor_row == row
        assert app.pane.branches.marks == marks
        assert app.pane.branches.total == 16


async def test_the_commits_follow_a_branch_that_moved() -> None:
    app = Host(FakeGit.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        reads = len([call for call in app.git.calls if call[0] == "commits"])
        app.git.publish(trading(changes=None))
        await settled(pilot)
        assert len([call for call in app.git.calls if call[0] == "commits"]) == reads, "the tip is the same"
        first, *others = trading().branches
        moved = [replace(made, oid="f" * 40) if made.is_head else made for made in others]
        app.git.publish(trading(branches=(first, *moved)))
        await settled(pilot)
        assert len([call for call in app.git.calls if call[0] == "commits"]) == reads + 1


async def test_commits_that_cannot_be_read_say_so_in_place() -> None:
    app = Host(FakeGit.of(trading(), commit_error=UserError("an object is missing", where="trading", fix="git fsck")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        text = screen_text(app)
        assert "✗ trading: an object is missing" in text
        assert "git fsck" in text


async def test_repositories_come_and_go() -> None:
    app = Host(FakeGit.of(trading(), small("api")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.git.follow(small("api"), small("web"))
        await settled(pilot)
        assert app.pane.feed.current == "api"
        assert list(app.pane.repositories.rows) == ["api", "web"]
        app.git.publish(small("stranger"))
        await settled(pilot)
        assert list(app.pane.repositories.rows) == ["api", "web"]
        app.git.follow()
        await settled(pilot)
        assert "No repository is followed yet." in screen_text(app)
        app.git.follow(trading())
        await settled(pilot)
        assert "feature/OPS-41-limit-orders" in screen_text(app)


async def test_a_repository_that_comes_back_is_shown_again() -> None:
    app = Host(FakeGit.of(broken("api", "the folder is not there any more"), small("web")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "api cannot be read" in screen_text(app)
        app.git.publish(small("api"))
        await settled(pilot)
        assert "cannot be read" not in screen_text(app)
        assert app.pane.branches.total == 2


async def test_hidden_it_paints_nothing_and_catches_up() -> None:
    app = Host(FakeGit.of(trading(), small("api")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.pane.on_deactivated()
        assert app.pane._ages is None
        app.git.publish(small("api", busy="fetching"))
        await pilot.pause()
        assert app.pane.feed.dirty
        assert "fetching" not in screen_text(app)
        app.pane.on_activated()
        await settled(pilot)
        assert "fetching" in screen_text(app)


async def test_attached_twice_it_follows_once() -> None:
    app = Host(FakeGit.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.pane.attach(app.git.runtime())
        app.pane.attach(app.git.runtime())
        assert sum(len(found) for found in app.git.bus._subscribers.values()) == 2


async def test_what_was_cut_short_is_said_where_only_one_panel_has_room() -> None:
    app = Host(FakeGit.of(*workshop(), cut=(cut_short(),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.pane.branches.has_focus
        assert "I finish or undo" in str(app.pane.status.content)


async def test_the_mouse_works_too() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.click(app.pane.repositories, offset=(5, 2))
        await settled(pilot)
        assert app.pane.feed.current == "quarterdeck"
        await pilot.click(app.pane.repositories, offset=(5, 2))
        await settled(pilot)
        assert app.pane.branches.has_focus
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        await pilot.click(app.pane.tabs, offset=(4, 0))
        await settled(pilot)
        assert app.pane.panel == "side"
