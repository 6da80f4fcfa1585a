"""Reviews with the keyboard: every decision is there, in its order, also when the app is killed in the middle."""

from __future__ import annotations

import random

import pytest

from tests.e2e.house import House
from tests.e2e.reviewed import Decision, acknowledged, decide, name, stored, write_rows
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

DECISIONS = 60
KILLS = 5


def reviewing(house: House) -> Terminal:
    terminal = house.open("--start", "feedback")
    terminal.wait_for("a accept")
    return terminal


@pytest.fixture
def rows(house: House) -> int:
    """Rows that wait in the house, and how many."""
    count = 500
    house.configure()
    write_rows(house.folder / "rows.jsonl", count)
    house.ask("feedback", "import", str(house.folder / "rows.jsonl"))
    return count


def test_sixty_decisions_are_all_there_in_their_order(house: House, rows: int) -> None:
    terminal = reviewing(house)
    made: list[Decision] = []
    for number in range(DECISIONS):
        made.append(decide(terminal, number))
        terminal.wait_until(acknowledged(made[-1][0]), "the next row")
    # What is skipped is left for later.
    decided = sum(verdict != "skip" for _, verdict in made)
    terminal.wait_for(rf"{decided} of {rows} decided")
    terminal.press("q")
    assert terminal.wait() == 0
    assert [row for row, _ in made] == [name(number) for number in range(DECISIONS)]
    assert stored(house.home) == made


def test_keys_that_come_faster_than_the_screen_are_all_counted(house: House, rows: int) -> None:
    terminal = reviewing(house)
    terminal.wait_for("row-00000")
    terminal.type("axs" * 10)
    terminal.wait_until(lambda text: name(30) in text and "saving" not in text, "row 30")
    terminal.press("q")
    assert terminal.wait() == 0
    assert stored(house.home) == [(name(n), ("accept", "reject", "skip")[n % 3]) for n in range(30)]


def test_decisions_that_the_screen_acknowledged_outlive_a_kill(house: House, rows: int) -> None:
    chance = random.Random(3)
    made: list[Decision] = []
    open_ended: list[Decision] = []
    for _ in range(KILLS):
        terminal = reviewing(house)
        for number in range(chance.randrange(2, 14)):
            made.append(decide(terminal, number))
            terminal.wait_until(acknowledged(made[-1][0]), "the next row")
        open_ended.append(decide(terminal, 0))
        terminal.kill()
        terminal.close()
    found = stored(house.home)
    assert len({row for row, _ in found}) == len(found), "a row was decided twice"
    assert [each for each in found if each not in open_ended] == made
    assert rows > len(found) >= len(made)
