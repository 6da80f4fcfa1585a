"""What the Git screen does beside operations: the hygiene audit, hooks, and summaries to send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.content import Content

from screens import git_text as words
from screens.git_faults import told
from screens.git_operations import GitOperations
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.hooks import HooksReport
    from screens.git_service import GitFace


class GitExtras(GitOperations):
    """Audits, hooks and broadcasts."""

    _sent_to = ""
    _audited = ""

    # The hygiene audit

    def action_hygiene(self) -> None:
        """Audit the files of this repository."""
        if (git := self.git) is not None:
            name = self.feed.current
            self.show_waiting("hygiene", f"looking at the files of {clean_line(name, 40)}")
            self.run_worker(self._audit(git, name), group="git-plan", exclusive=True, exit_on_error=False)

    async def _audit(self, git: GitFace, name: str) -> None:
        try:
            findings = await git.hygiene(name)
        except Exception as error:
            self.show_reports((), (told(error),), focus=True)
            return
        page = self.findings_page()
        page.show_findings(findings)
        page.write_border("title", Content(f"hygiene ─ {clean_line(name, 40)}"))
        mend = [("space", "tick"), ("a", "all"), ("enter", "mend")] if any(found.steps for found in findings) else []
        page.write_border("subtitle", words.keys(*mend, ("esc", "leaves")))
        self._audited = name
        self.open_page("findings")

    def mend_findings(self) -> None:
        """Show what mending the ticked findings would do."""
        self.plan("hygiene", [(self._audited, {"findings": self.findings_page().ticked})])

    # Hooks

    def action_hooks(self) -> None:
        """Show how the hooks of this repository stand."""
        if (git := self.git) is not None:
            self._with_hooks("looking at", git.hooks)

    def install_hooks(self) -> None:
        """Install ours."""
        if (git := self.git) is not None:
            self._with_hooks("installing", git.install_hooks)

    def action_remove(self) -> None:
        """Take our hooks away; what was there before is back."""
        if (git := self.git) is not None:
            self._with_hooks("removing", git.uninstall_hooks)

    def _with_hooks(self, doing: str, work: Callable[[str], Awaitable[HooksReport]]) -> None:
        self.show_waiting("hooks", f"{doing} the hooks")
        self.run_worker(self._hooks(self.feed.current, work), group="git-plan", exclusive=True, exit_on_error=False)

    async def _hooks(self, name: str, work: Callable[[str], Awaitable[HooksReport]]) -> None:
        try:
            report, problem = await work(name), ""
        except Exception as error:
            report, problem = None, told(error)
        self.show_hooks(name, report, problem)

    # Broadcasts

    def action_broadcast(self) -> None:
        """Show a summary of what happened here."""
        if (git := self.git) is not None:
            self.show_waiting("broadcast", "gathering what was pushed, merged and tagged")
            work = self._broadcast(git, self.feed.current, "")
            self.run_worker(work, group="git-plan", exclusive=True, exit_on_error=False)

    def send_broadcast(self) -> None:
        """Ask where the summary is to go, and send it."""
        from screens.git_forms import target

        git, name = self.git, self.feed.current

        def chosen(values: dict[str, str] | None) -> None:
            if values is not None and git is not None:
                self._sent_to = values["to"]
                work = self._broadcast(git, name, values["to"])
                self.run_worker(work, group="git-perform", exit_on_error=False)

        known = self.runtime.settings.git.broadcast.to if self.runtime is not None else ()
        first = next((to for to in known if to.startswith("file:")), "")
        self.app.push_screen(target(self._sent_to or first), chosen)

    async def _broadcast(self, git: GitFace, name: str, to: str) -> None:
        try:
            text = await git.broadcast(name, to=to)
        except Exception as error:
            self.show_reports((), (told(error),), focus=True)
            return
        self.show_broadcast(name, text, note=f"sent to {to}" if to else "")
