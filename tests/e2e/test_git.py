"""The Git screen in a terminal, over a real repository with a bare remote."""

from __future__ import annotations

import pytest

from tests.e2e.house import House
from tests.e2e.terminal import Terminal
from tests.git.repos import Place, Repo
from tests.waiting import until

pytestmark = pytest.mark.e2e

NAMES = ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM")


@pytest.fixture
def place(house: House) -> Place:
    return Place(house.folder / "place")


def opened(house: House, repo: Repo, size: tuple[int, int] = (160, 48)) -> Terminal:
    house.configure(extra=f"[[repositories]]\nname = 'shop'\npath = {str(repo.path)!r}\n")
    env = {name: repo.place.env[name] for name in NAMES}
    return house.open("--start", "git", size=size, env=env)


async def test_a_merged_branch_is_pruned_here_and_there_and_comes_back(house: House, place: Place) -> None:
    repo = place.repo("shop")
    repo.topic("login", "a page", push=True)
    repo.merge("login")
    repo.push("main")
    before = repo.refs("refs/heads", "refs/remotes"), repo.origin.refs("refs/heads")
    assert "refs/heads/login" in before[1]

    terminal = opened(house, repo)
    terminal.wait_for(r"✓ login +merged")
    terminal.press("P")
    terminal.wait_for(r"\$ git push --porcelain --atomic")
    terminal.wait_for(r"--force-with-lease=refs/heads/login:")
    assert "refs/heads/login" in repo.refs(), "a plan changes nothing"
    terminal.press("enter")
    await until(lambda: "refs/heads/login" not in repo.refs() | repo.origin.refs(), what="the end of the branch")
    terminal.wait_for(r"✓ prune in shop: done")

    terminal.press("escape", "u")
    terminal.wait_for(r"Undo: Delete branches")
    terminal.wait_for(r"\$ git update-ref --stdin")
    terminal.press("enter")
    await until(
        lambda: (repo.refs("refs/heads", "refs/remotes"), repo.origin.refs("refs/heads")) == before, what="all refs"
    )
    terminal.wait_for(r"✓ undo in shop: done")
    terminal.press("escape", "q")
    assert terminal.wait() == 0


@pytest.mark.parametrize("size", [(160, 48), (80, 24)], ids=["160x48", "80x24"])
async def test_what_happens_elsewhere_is_on_screen(house: House, place: Place, size: tuple[int, int]) -> None:
    repo = place.repo("shop")
    terminal = opened(house, repo, size)
    terminal.wait_for(r"● main|main +protected" if size[0] > 100 else r"shop")
    repo.commit("not pushed")
    terminal.wait_for(r"3 Git ↑1")
    repo.write({"new.txt": "x"})
    repo.git("switch", "-q", "-c", "topic")
    terminal.wait_for(r"topic")
    terminal.press("q")
    assert terminal.wait() == 0
