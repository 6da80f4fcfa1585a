"""What is said of a branch, and its commits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.git.model import Branch, Problem, RemoteBranch
from tests.git_fakes import HOSTILE, branch, broken, commit, oid, small, trading
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.commit_list import CommitList, about_lines
from widgets.lines_view import TextLine

SIZE = (80, 30)


def text_of(made: list[TextLine]) -> str:
    return "\n".join("".join(part for part, _ in line.parts) for line in made)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (branch("main", is_default=True), "the default branch"),
        (branch("x", unpushed=True, upstream_state="gone"), "it holds commits that were never pushed"),
        (branch("x", landed="squashed", landed_why="merging changes nothing"), "landed in main, squashed"),
        (branch("x", landed="merged"), "merged into main"),
        (branch("x", landed="new"), "no work of its own yet"),
        (branch("x", ahead_default=1, behind_default=0), "1 commit not in main"),
        (branch("x", ahead_default=5, behind_default=14, lower_bound=True), "at least 5 commits not in main"),
        (branch("x", ahead=3, behind=1), "follows origin/x, 3 to push, 1 to pull"),
        (branch("x"), "origin/x, level with it"),
        (branch("x", upstream=""), "nothing; t sets what it follows"),
        (branch("x", upstream_state="never_pushed"), "origin/x, which is not there; L ends that, p pushes"),
        (branch("x", upstream_state="gone"), "origin/x, which is gone"),
        (branch("x", push_ref="refs/remotes/fork/x"), "pushes  to fork/x"),
        (branch("x", held_by="worktree", held_where="~/w"), "held    worktree in ~/w"),
        (branch("x", stale=True, protected=True), "stale, protected"),
        (RemoteBranch("origin", "y", oid(3), commit(3), 6, 40), "6 commits not in main, 40 commits behind"),
    ],
)
async def test_what_is_said_of_a_branch(made: Branch | RemoteBranch, words: str) -> None:
    app = ListApp(CommitList())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_branch(trading(), made)
        await pilot.pause()
        assert words in "\n".join(lines(app))
        assert "reading its commits" in "\n".join(lines(app))


async def test_what_is_said_of_a_branch_stays_in_view_when_more_becomes_known() -> None:
    app = ListApp(CommitList())
    async with app.run_test(size=SIZE) as pilot:
        made = branch("x", ahead_default=None, behind_default=None)
        app.list.show_branch(trading(), made)
        app.list.put([replace(commit(n, n), oid=f"{n:040x}") for n in range(1, 101)], complete=False)
        await pilot.pause()
        assert app.list.scroll_offset.y == 0
        app.list.show_branch(trading(), replace(made, ahead_default=5, behind_default=11))
        await pilot.pause()
        assert "5 commits not in main, 11 commits behind" in lines(app)[0]


async def test_problems_of_one_kind_are_told_once_or_twice() -> None:
    alike = [Problem("case_collision", f"refs/heads/a{n}", "A is written almost the same", "") for n in range(9)]
    told = text_of(list(about_lines(small("x", problems=tuple(alike)), 60)))
    assert told.count("almost the same") == 2
    assert "and 7 more like it" in told
    assert told.count("m renames the branch under the cursor") == 2


async def test_paths_at_home_are_written_short() -> None:
    home = Path.home()
    told = text_of(list(about_lines(replace(small("x"), path=str(home / "src" / "x")), 60)))
    assert "path    ~/src/x" in told


async def test_commits_come_in_portions_and_keep_the_cursor() -> None:
    app = ListApp(CommitList())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_branch(trading(), branch("x"))
        app.list.focus()
        portion = [replace(commit(n, n), oid=f"{n:040x}") for n in range(1, 101)]
        app.list.put(portion, complete=False)
        await pilot.press("j", "j")
        assert app.list.commit == portion[2]
        assert not app.list.near_end
        await pilot.press("G")
        assert app.list.near_end
        at = app.list.key
        app.list.put([*portion, *(replace(commit(n, n), oid=f"{n:040x}") for n in range(101, 150))], complete=True)
        assert app.list.key == at
        assert not app.list.near_end
        app.list.show_branch(trading(counted=False), branch("x"))
        assert app.list.key == at, "the same branch in another state"
        app.list.show_branch(trading(), branch("y"))
        assert app.list.commits == ()


async def test_without_commits_and_with_an_error() -> None:
    app = ListApp(CommitList())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_branch(trading(), branch("x"))
        app.list.put((), complete=True)
        await pilot.pause()
        assert "no commit yet" in "\n".join(lines(app))
        app.list.put((), complete=True, problem="trading: the object is missing\ngit fsck")
        await pilot.pause()
        assert "✗ trading: the object is missing" in "\n".join(lines(app))
        app.list.show_branch(None, None)
        await pilot.pause()
        assert "".join(lines(app)) == ""


async def test_hostile_commits_are_harmless() -> None:
    app = ListApp(CommitList())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_branch(trading(default_branch=HOSTILE), branch(HOSTILE, held_by="worktree", held_where=HOSTILE))
        app.list.put([replace(commit(1, 1, HOSTILE, HOSTILE), oid="\x1b]0;x\x07" + "a" * 33)], complete=True)
        await pilot.pause()
        assert controls(lines(app)) == []


def test_what_is_said_of_a_repository() -> None:
    text = text_of(list(about_lines(trading(), 60)))
    assert "1 staged, 2 changed, 3 untracked, 1 stash" in text
    assert "⚠ origin/HEAD still names master" in text
    assert "git@github.com:mara/trading.git" in text
    assert text.count("L shows one fix for each") == 1
    many = [Problem("no_upstream", f"refs/heads/x{n}", "it follows nothing", "qd git align") for n in range(40)]
    many.append(Problem("lock", "", "a lock is held for 3 m", "look whether git is running"))
    text = text_of(list(about_lines(trading(problems=tuple(many)), 60)))
    assert "x3: it follows nothing" in text
    assert "and 34 more" in text
    assert "look whether git is running" in text
    assert "clean" in text_of(list(about_lines(small("api"), 60)))
    text = text_of(list(about_lines(small("api", operation="rebase", bare=True, shallow=True, changes=None), 60)))
    for words in ("rebase under way of main", "none, it is bare", "bare, shallow"):
        assert words in text
    text = text_of(list(about_lines(broken("x", "dubious ownership", "git config x"), 60)))
    assert "✗ dubious ownership" in text
    assert "git config x" in text
    assert "tree" not in text
    noted = small("api", changes=None, watch_note="looked at every 45 s: no file events arrive here")
    assert "not read yet" in text_of(list(about_lines(noted, 60)))
    assert "no file events" in text_of(list(about_lines(noted, 60)))
