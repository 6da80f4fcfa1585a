"""Plans answer a save with what it affects first and leave nothing out."""

from __future__ import annotations

from pathlib import Path

from app.testing.plan import Request, answer_save, everything, merged, some

IDS = {
    "test_a.py": frozenset({"test_a.py::one", "test_a.py::two"}),
    "test_b.py": frozenset({"test_b.py::one", "test_b.py::two"}),
    "test_c.py": frozenset({"test_c.py::one"}),
}
EVEN = dict.fromkeys(IDS, 1.0)


def test_a_save_runs_the_nearest_files_then_the_rest() -> None:
    plan = answer_save(["test_a.py"], [], IDS, EVEN, only_affected=False)
    nearest, rest = plan.parts
    assert nearest.files == ("test_a.py",)
    assert plan.affected == {"test_a.py"}
    assert rest.rest
    assert rest.files == ()
    assert plan.whole
    assert plan.order == ("test_a.py",)


def test_other_affected_files_lead_the_rest_and_belong_to_the_answer() -> None:
    for split in (True, False):
        plan = answer_save(["test_a.py"], [], IDS, EVEN, only_affected=False, later=["test_c.py"], split=split)
        assert plan.parts[-1].first[-1] == "test_c.py"
        assert plan.affected == {"test_a.py", "test_c.py"}
        assert plan.order == ("test_a.py",)


def test_failures_of_other_files_come_along_and_their_passing_neighbours_wait() -> None:
    plan = answer_save(["test_a.py"], ["test_b.py::two"], IDS, EVEN, only_affected=False)
    affected = plan.parts[0]
    assert affected.files == ("test_a.py", "test_b.py")
    assert affected.skip == {"test_b.py::one"}
    assert affected.first == ("test_a.py", "test_b.py::two")
    assert plan.affected == {"test_a.py", "test_b.py::two"}


def test_most_of_the_work_in_the_affected_files_makes_one_part() -> None:
    plan = answer_save(["test_a.py"], [], IDS, {"test_a.py": 9.0, "test_b.py": 1.0}, only_affected=False)
    (only,) = plan.parts
    assert only.files == ()
    assert only.first == ("test_a.py",)
    assert plan.affected == {"test_a.py"}
    assert plan.whole


def test_runs_that_start_from_nothing_are_not_split() -> None:
    plan = answer_save(["test_a.py"], [], IDS, EVEN, only_affected=False, split=False)
    (only,) = plan.parts
    assert only.first == ("test_a.py",)
    assert plan.affected == {"test_a.py"}


def test_only_affected_stops_after_the_first_part() -> None:
    plan = answer_save(["test_a.py"], [], IDS, EVEN, only_affected=True)
    assert len(plan.parts) == 1
    assert not plan.whole


def test_a_save_near_nothing_runs_everything() -> None:
    assert answer_save([], [], IDS, EVEN, only_affected=False) == everything()
    assert not everything().affected


def test_a_new_test_file_is_looked_for_by_a_whole_collection() -> None:
    for only_affected in (True, False):
        plan = answer_save(["test_a.py"], [], IDS, EVEN, only_affected=only_affected, later=["test_new.py"])
        assert plan.whole
        assert "test_new.py" not in plan.parts[0].files
        plan = answer_save([], [], IDS, EVEN, only_affected=only_affected, later=["test_new.py"])
        assert plan == everything(["test_new.py"], affected=["test_new.py"])


def test_chosen_tests_and_files_are_never_mixed_up() -> None:
    known = frozenset(IDS)
    assert some(["test_a.py"], known).parts[0].select is None
    ids = some(["test_b.py::one"], known).parts[0]
    assert (ids.files, ids.select) == (("test_b.py",), {"test_b.py::one"})
    both = some(["test_a.py", "test_b.py::one", "test_a.py::one"], known).parts
    assert [part.files for part in both] == [("test_a.py",), ("test_b.py",)]
    assert both[1].select == {"test_b.py::one"}


def test_two_waiting_saves_become_one_since_the_first() -> None:
    first = Request("save", "save", (Path("a"), Path("b")), at=1.0)
    second = Request("save", "save", (Path("b"), Path("c")), at=2.0)
    assert merged(first, second) == Request("save", "save", (Path("a"), Path("b"), Path("c")), at=1.0)
