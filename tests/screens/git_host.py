"""An app that holds nothing but the Git screen, with a fixed clock."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from screens.git import GitPane
from tests.fakes import NOW
from tests.git_fake_service import FakeGit
from tests.git_fakes import workshop
from widgets.theme import THEMES, complete


class Host(App[None]):
    """Mounts the pane and attaches it to a fake service (or to none, for the time before the engine is up)."""

    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, service: FakeGit | None, theme: str = "quarterdeck") -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.service = service
        self.pane = GitPane()
        self.pane.clock = lambda: NOW
        self.copied = ""

    @property
    def git(self) -> FakeGit:
        """The fake service."""
        assert self.service is not None
        return self.service

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        if self.service is not None:
            self.pane.attach(self.service.runtime())
        self.pane.on_activated()
        self.pane.focus_default()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text
        super().copy_to_clipboard(text)


async def settled(pilot: Any) -> None:
    """Wait until everything asked for has been read and painted, except what the service itself holds back."""
    pane: GitPane = pilot.app.pane
    gate = pilot.app.git.gate if pilot.app.service is not None else None
    for _ in range(400):
        await pilot.pause(0.01)
        workers = [worker for worker in pilot.app.workers if not worker.is_finished]
        held = gate is not None and not gate.is_set()
        if pane.settled and (not workers or (held and all(worker.group == "git-perform" for worker in workers))):
            await pilot.pause()
            return
    raise AssertionError("the screen did not come to rest")


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def page_text(app: Host) -> str:
    page = app.pane.page_widget()
    return "\n".join(page.render_line(y).text.rstrip() for y in range(page.size.height))


def asked(app: Host, *kinds: str) -> list[tuple[Any, ...]]:
    return [call for call in app.git.calls if call[0] in kinds]


async def run(keys: tuple[str, ...], service: FakeGit | None = None, size: tuple[int, int] = (160, 48)) -> Host:
    app = Host(service or FakeGit.of(*workshop()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
    return app
