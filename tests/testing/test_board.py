"""The board follows collections and reports without losing or inventing a test."""

from __future__ import annotations

from app.testing.board import Board
from app.testing.model import Counts, Outcome, ProjectSnapshot, TestState
from app.testing.run import CollectedTest, TestReported


def collected(*nodeids: str) -> list[CollectedTest]:
    return [CollectedTest(nodeid, nodeid.partition("::")[0], 1) for nodeid in nodeids]


def filled(*nodeids: str, outcome: Outcome = "passed") -> Board:
    board = Board()
    board.collected(collected(*nodeids), whole=True)
    for nodeid in nodeids:
        board.reported(TestReported(nodeid, outcome, 0.5), "run-1")
    board.settle()
    board.take_changed()
    return board


def test_a_whole_collection_sets_the_order_and_drops_what_is_gone() -> None:
    board = filled("a.py::one", "a.py::two", "b.py::one")
    board.collected(collected("b.py::one", "a.py::two", "c.py::new"), whole=True)
    assert list(board.tests) == ["b.py::one", "a.py::two", "c.py::new"]
    assert list(board.file_states()) == ["b.py", "a.py", "c.py"]
    assert board.tests["b.py::one"].outcome == "passed"
    assert board.tests["c.py::new"].outcome is None
    assert board.take_changed() is None


def test_a_part_drops_only_from_the_files_that_it_covers() -> None:
    board = filled("a.py::one", "a.py::two", "b.py::one")
    board.collected(collected("a.py::two", "a.py::three"), whole=False, covered=frozenset({"a.py"}))
    assert set(board.tests) == {"a.py::two", "a.py::three", "b.py::one"}


def test_a_chosen_part_drops_nothing() -> None:
    board = filled("a.py::one", "a.py::two")
    board.collected(collected("a.py::two"), whole=False)
    assert set(board.tests) == {"a.py::one", "a.py::two"}
    assert board.tests["a.py::two"].queued
    assert not board.tests["a.py::one"].queued


def test_only_what_changed_is_told() -> None:
    board = filled("a.py::one", "a.py::two")
    board.started("a.py::two")
    assert board.tests["a.py::two"].running
    assert board.take_changed() == {"a.py::two"}
    board.reported(TestReported("a.py::two", "failed", 0.1, "KeyError: 'bid'", "c0ffee"), "run-2")
    assert board.take_changed() == {"a.py::two"}
    assert board.tests["a.py::two"].message == "KeyError: 'bid'"
    assert board.failed_ids() == ("a.py::two",)


def test_files_are_counted_by_last_outcomes() -> None:
    board = filled("a.py::one", "a.py::two", "a.py::three")
    board.reported(TestReported("a.py::one", "failed", 0.1), "run-2")
    board.reported(TestReported("a.py::two", "skipped", 0.0), "run-2")
    state = board.file_states()["a.py"]
    assert (state.total, state.bad, state.skipped, state.unknown) == (3, 1, 1, 0)
    assert board.counts() == Counts(passed=1, failed=1, skipped=1)


def test_a_collection_error_keeps_the_outcomes_and_goes_with_the_next_collection() -> None:
    board = filled("a.py::one")
    board.collection_failed("a.py", "SyntaxError: invalid syntax")
    assert board.file_states()["a.py"].error == "SyntaxError: invalid syntax"
    assert board.tests["a.py::one"].stale
    assert board.counts() == Counts(passed=1, error=1)
    board.collected(collected("a.py::one"), whole=True)
    assert board.file_states()["a.py"].error == ""
    assert board.counts() == Counts(passed=1)


def test_a_file_that_only_failed_to_be_collected_vanishes_when_it_is_mended_away() -> None:
    board = filled("a.py::one")
    board.collection_failed("broken.py", "ImportError")
    assert "broken.py" in board.files()
    board.forget_errors()
    assert list(board.file_states()) == ["a.py"]


def test_an_unknown_test_that_reports_is_taken_in() -> None:
    board = filled("a.py::one")
    board.reported(TestReported("a.py::late", "passed", 0.1), "run-2")
    assert board.tests["a.py::late"].file == "a.py"


def test_restored_outcomes_are_stale_until_confirmed() -> None:
    tests = {"a.py::one": TestState("a.py::one", "a.py", 3, "failed", running=True)}
    board = Board()
    board.restore(ProjectSnapshot("p", "/p", "idle", tests=tests))
    state = board.tests["a.py::one"]
    assert state.stale
    assert not state.running
    board.reported(TestReported("a.py::one", "passed", 0.1), "run-1")
    assert not board.tests["a.py::one"].stale


def test_settling_ends_running_and_queued() -> None:
    board = Board()
    board.collected(collected("a.py::one", "a.py::two"), whole=True)
    board.started("a.py::one")
    board.settle()
    assert not any(state.running or state.queued for state in board.tests.values())
