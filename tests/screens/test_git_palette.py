"""The palette offers the screen's keys and finds any repository and branch."""

from __future__ import annotations

from textual.command import Hit

from screens.areas import AREAS, find, load
from screens.git_palette import BEST, GitCommands
from tests.git_fake_service import FakeGit
from tests.git_fakes import HOSTILE, many_branches, many_repositories, trading
from tests.screens.git_host import Host, settled

WIDE = (160, 48)


async def hits(app: Host, query: str) -> list[Hit]:
    shell = {"areas": AREAS, "panes": {"git": app.pane}, "pane": app.pane, "open_area": lambda area: None}
    for name, value in shell.items():
        setattr(app.screen, name, value)
    provider = GitCommands(app.screen, None)
    found = [hit async for hit in provider.search(query) if isinstance(hit, Hit)]
    return sorted(found, key=lambda hit: -hit.score)


def test_the_registry_names_this_provider() -> None:
    area = find("git")
    assert area is not None
    assert area.number == 3
    assert load(area.commands) is GitCommands


async def test_every_action_and_repository_is_offered() -> None:
    app = Host(FakeGit.of(*many_repositories()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for words in ("switch", "new branch", "rename", "sync", "push", "prune", "track", "align", "undo", "redo"):
            assert any(words in str(hit.text).casefold() for hit in await hits(app, words)), words
        for words in ("journal", "hygiene", "hooks", "broadcast", "fetch", "refresh", "filter", "mark all"):
            assert any(words in str(hit.text).casefold() for hit in await hits(app, words)), words
        (first, *_) = await hits(app, "show service-07")
        first.command()
        await settled(pilot)
        assert app.pane.feed.current == "service-07"


async def test_a_branch_of_any_repository_is_found_and_shown() -> None:
    app = Host(FakeGit.of(*many_repositories(), many_branches()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        found = await hits(app, "monorepo 1234")
        assert str(found[0].text) == "monorepo feature/OPS-1234-part-13"
        found[0].command()
        await settled(pilot)
        assert app.pane.feed.current == "monorepo"
        assert app.pane.branches.cursor_row == "refs/heads/feature/OPS-1234-part-13"
        found = await hits(app, "depth-old")
        assert str(found[0].text).endswith("depth-old")
        assert len(await hits(app, "o")) <= BEST + 120
        assert await hits(app, "qqqqqq") == []


async def test_hostile_names_are_shown_without_controls() -> None:
    state = many_branches(10)
    app = Host(FakeGit.of(trading(), state))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        found = [hit for hit in await hits(app, "bold") if "bold" in str(hit.text)]
        assert found
        assert all("\x1b" not in str(hit.text) for hit in found)
        found[0].command()
        await settled(pilot)
        assert app.pane.branches.cursor_row == f"refs/heads/{HOSTILE}"
