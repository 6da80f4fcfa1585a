"""Which of the ranked test files answer a save."""

from __future__ import annotations

from app.testing.impact import Ranked, choose_first

EDITED = Ranked("test_e.py", 0, "", near=True)
NAMED = Ranked("test_n.py", 3, "", near=True)


def near(number: int, distance: int = 1) -> Ranked:
    return Ranked(f"test_{number}.py", distance, "")


def test_first_part_fits_its_budget() -> None:
    ranked = [near(number) for number in range(5)]
    assert choose_first(ranked, dict.fromkeys((item.path for item in ranked), 0.5)) == (
        "test_0.py",
        "test_1.py",
        "test_2.py",
    )


def test_edited_and_named_files_are_first_however_long_they_take() -> None:
    chosen = choose_first([EDITED, NAMED, near(1)], {"test_e.py": 60.0, "test_n.py": 60.0, "test_1.py": 0.01})
    assert chosen == ("test_e.py", "test_n.py")


def test_nearest_file_is_first_however_long_it_takes() -> None:
    assert choose_first([near(1), near(2)], {"test_1.py": 60.0, "test_2.py": 0.1}) == ("test_1.py",)


def test_nothing_from_farther_away_takes_the_place_of_a_slow_file() -> None:
    ranked = [near(1), near(2, 2), near(3, 2), near(4, 3)]
    assert choose_first(ranked, {"test_1.py": 1.0, "test_2.py": 9.0, "test_3.py": 0.1, "test_4.py": 0.1}) == (
        "test_1.py",
        "test_3.py",
    )


def test_first_part_is_bounded() -> None:
    edited = [Ranked(f"test_e{number}.py", 0, "", near=True) for number in range(20)]
    ranked = [*edited, *(near(number) for number in range(50))]
    assert len(choose_first(ranked, dict.fromkeys((item.path for item in ranked), 0.0))) == 20 + 12
    assert choose_first([], {}) == ()
