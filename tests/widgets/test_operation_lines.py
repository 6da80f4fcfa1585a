"""Operations and hooks in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.git.hooks import HooksReport, HookStatus
from app.git.model import Refusal
from tests.fakes import NOW
from tests.git_fakes import HOSTILE, cut_short, journal, prune_plan, report
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.hook_lines import hook_lines, installed
from widgets.journal_list import JournalList
from widgets.lines_view import TextLine
from widgets.operation_lines import interrupted_lines, journal_detail, report_lines, sign_of, summary


def text_of(made: list[TextLine]) -> str:
    return "\n".join("".join(part for part, _ in line.parts) for line in made)


def test_a_report_says_what_was_done_and_what_was_refused() -> None:
    refused = (Refusal("refs/heads/main", "protected branch hook declined", "push to a branch"),)
    done = report(prune_plan(), refused=refused)
    text = text_of(list(report_lines([done], ["api: it cannot be reached\ncheck the network"], 80)))
    for words in (
        "✗ api: it cannot be reached",
        "✓ prune in trading: done",
        "4 of 6 refs, 1 refused",
        "main: protected branch hook declined",
        "push to a branch",
        "$ git branch -D",
    ):
        assert words in text


def test_signs_and_summaries() -> None:
    done = report(prune_plan(), refused=())
    assert summary(done) == "4 of 6 refs"
    assert summary(replace(done, plan=(), config=())) == "nothing to do"
    assert summary(replace(done, plan=())) == "1 value"
    assert sign_of(replace(done, undone_by="op"))[0] == "○"
    assert sign_of(replace(done, state="failed"))[0] == "✗"
    assert sign_of(replace(done, done=(), refused=prune_plan().refused))[0] == "⊘"


def test_what_was_cut_short_offers_both_ways_out() -> None:
    text = text_of(list(interrupted_lines(cut_short(), 80)))
    assert "the remote is changed, this repository is" in text
    assert "finishes it" in text
    assert "undoes it" in text
    assert text.count("✓ ") == 1


def test_what_had_begun_is_not_said_to_have_changed_nothing() -> None:
    begun = text_of(list(interrupted_lines(replace(cut_short(), state="pinned"), 80)))
    assert "under way; some of it may be" in begun
    assert "before anything was changed" not in begun
    planned = text_of(list(interrupted_lines(replace(cut_short(), state="planned"), 80)))
    assert "before anything was changed" in planned


async def test_the_journal() -> None:
    app = ListApp(JournalList())
    async with app.run_test(size=(80, 12)) as pilot:
        app.list.show_reports("trading", (), complete=False)
        await pilot.pause()
        assert "reading the journal" in lines(app)[0]
        app.list.show_reports("trading", journal())
        app.list.focus()
        await pilot.press("j")
        assert app.list.report == journal()[1]
        shown = lines(app)
        assert "prune" in shown[0]
        assert shown[2].endswith("undone")
        assert shown[4].endswith("failed")
        app.list.show_reports("trading", (replace(cut_short(), message=HOSTILE), *journal()))
        await pilot.pause()
        assert app.list.report == journal()[1]
        assert lines(app)[0].endswith("cut short")
        assert controls(lines(app)) == []
        app.list.show_reports("api", (), problem="the journal cannot be read")
        await pilot.pause()
        assert "✗ the journal cannot be read" in lines(app)[0]
        app.list.show_reports("web", ())
        await pilot.pause()
        assert "nothing has been done here yet" in lines(app)[0]


def test_one_operation_in_full() -> None:
    undone = journal()[2]
    text = text_of(list(journal_detail(undone, NOW, 80)))
    assert "done, and undone since" in text
    assert "undone  by op-6" in text
    assert "undoes  op-3" in text_of(list(journal_detail(journal()[3], NOW, 80)))


def test_hooks() -> None:
    folder = Path("/x/.git/hooks")
    push = HookStatus("pre-push", "installed", folder / "pre-push", folder / "pre-push.before", note="not run")
    made = HooksReport(folder, (push, HookStatus("pre-commit", "absent", folder / "pre-commit")), ("wrote x",), ("n",))
    text = text_of(list(hook_lines(made, "cannot be put back", 60)))
    for words in ("✗ cannot be put back", "✓ wrote x", "pre-push  installed", "runs the one before", "not run", "○ n"):
        assert words in text
    assert "none until" not in text
    assert "none until" in text_of(list(hook_lines(made, "", 60, ruled=False)))
    assert installed(made)
    assert not installed(replace(made, hooks=made.hooks[1:]))
    assert "broken" in text_of(list(hook_lines(None, "broken", 60)))
