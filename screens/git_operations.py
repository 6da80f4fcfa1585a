"""From a key to a plan, from a plan to what was done: the operations of the Git screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from textual.content import Content

from screens.git_faults import told
from screens.git_pages import GitPages
from widgets import branch_words
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.model import Branch, OperationKind, Plan, Report, RepositoryState
    from screens.git_forms import Form
    from widgets.branch_list import BranchList
    from widgets.branch_words import AnyBranch
    from widgets.repository_list import RepositoryList

Asked = Sequence[tuple[str, Mapping[str, object]]]
"""For which repository, and with what arguments."""
Planning = Callable[[], Coroutine[Any, Any, "Plan"]]
Chosen = list[tuple["Plan", frozenset[str]]]
"""Plans with the keys of what is ticked."""


class GitOperations(GitPages):
    """Plans are shown before anything happens; what only moves HEAD, makes a branch or syncs is done at once."""

    repositories: RepositoryList
    branches: BranchList
    performing: dict[str, str]
    """What is being done, by repository."""

    # What an action is for

    def targets(self) -> list[str]:
        """The marked repositories, or the one on show."""
        marks = [name for name in self.repositories.marks if name in self.feed.states]
        return marks or ([self.feed.current] if self.feed.current else [])

    def branch_targets(self) -> list[AnyBranch]:
        """The marked branches, or the one under the cursor."""
        branch = self.branches.branch
        return self.branches.marked() or ([branch] if branch is not None else [])

    def local_branch(self) -> Branch | None:
        """The local branch under the cursor."""
        branch = self.branches.branch
        return branch if branch is not None and branch_words.is_local(branch) else None

    # Keys

    def action_switch(self) -> None:
        """Switch to the branch under the cursor."""
        branch = self.branches.branch
        if branch is not None:
            name = branch.name if branch_words.is_local(branch) else branch.ref.removeprefix("refs/remotes/")
            self.plan("switch", [(self.feed.current, {"name": name})], direct=True)

    def action_new(self) -> None:
        """Ask for a name, make the branch, switch to it."""
        state, git = self.feed.state, self.git
        if state is None or git is None:
            return
        from screens import git_forms as forms

        rules, name = git.rules, state.name
        taken = _names(state)
        start = state.default_branch or "HEAD"

        def made(values: dict[str, str] | None) -> None:
            if values is not None:
                arguments = {"name": forms.new_name(rules, values), "start": values[forms.START]}
                self.plan("new", [(name, arguments)], direct=True)

        self._ask(forms.new_branch(rules, taken, start=start, repository=name), made)

    def action_rename(self) -> None:
        """Ask for the new name, then show the plan."""
        state, git, branch = self.feed.state, self.git, self.local_branch()
        if state is None or git is None or branch is None:
            return
        from screens import git_forms as forms

        name, old = state.name, branch.name
        taken = _names(state)

        def made(values: dict[str, str] | None) -> None:
            if values is not None:
                self.plan("rename", [(name, {"old": old, "new": values[forms.NAME]})])

        self._ask(forms.rename(git.rules, taken, old), made)

    def action_track(self) -> None:
        """Ask what the branch follows; each of several marked ones follows the remote's branch of its name."""
        state = self.feed.state
        branches = [branch for branch in self.branch_targets() if branch_words.is_local(branch)]
        if state is None or not branches:
            return
        from screens import git_forms as forms

        name, remotes = state.name, [remote.name for remote in state.remotes]
        if self.branches.marks:
            first = "origin" if "origin" in remotes or not remotes else remotes[0]
            self.plan("track", [(name, {"name": b.name, "upstream": f"{first}/{b.name}"}) for b in branches])
            return
        branch = branches[0]

        def made(values: dict[str, str] | None) -> None:
            if values is not None:
                self.plan("track", [(name, {"name": branch.name, "upstream": values["upstream"]})])

        self._ask(forms.upstream(branch.name, branch.upstream or "", remotes), made)

    def _ask(self, form: Form, answer: Any) -> None:
        self.app.push_screen(form, answer)

    def action_sync(self) -> None:
        """Fetch, fast-forward what can be, report."""
        self.plan("sync", [(name, {}) for name in self.targets()], direct=True)

    def action_push(self) -> None:
        """Show what pushing would do: the marked branches, the one under the cursor, or the current ones."""
        if self.repositories.has_focus or self.repositories.marks:
            self.plan("push", [(name, {}) for name in self.targets()])
            return
        local = [branch for branch in self.branch_targets() if branch_words.is_local(branch)]
        self.plan("push", [(self.feed.current, {"name": branch.name}) for branch in local])

    def action_prune(self) -> None:
        """Show what can go, and why."""
        names = [branch.name for branch in self.branches.marked()]
        if names and not self.repositories.marks:
            self.plan("prune", [(self.feed.current, {"names": tuple(dict.fromkeys(names))})])
        else:
            self.plan("prune", [(name, {}) for name in self.targets()])

    def action_align(self) -> None:
        """Show every mismatch, with one fix each."""
        self.plan("align", [(name, {}) for name in self.targets()])

    def action_undo(self) -> None:
        """Show what undoing would do; of an interrupted operation, undo it now."""
        if self._settling is not None and self.page == "text":
            self.settle("undo")
        elif self.git is not None and self.feed.current:
            git, (repository, op) = self.git, self._operation()
            self._start_planning("undo", [partial(git.plan_undo, repository, op)])

    def action_redo(self) -> None:
        """Show what doing it again would do."""
        if self.git is not None and self.feed.current:
            git, (repository, op) = self.git, self._operation()
            self._start_planning("redo", [partial(git.plan_redo, repository, op)])

    def _operation(self) -> tuple[str, str]:
        """The operation that is chosen or on show; an empty id means the last one."""
        if self.page == "journal":
            page = self.journal_page()
            return page.repository, page.key
        return self.feed.current, self._subject if self.page == "text" else ""

    def action_fetch(self) -> None:
        """Fetch from the remotes."""
        git, names = self.git, self.targets()
        if git is None or not names:
            return
        alone = self.feed.states[names[0]] if len(names) == 1 else None
        if alone is not None and any(problem.kind == "needs_credentials" for problem in alone.problems):
            self._run(self._sign_in(alone), "git-fetch")
        else:
            self._run(git.fetch(names), "git-fetch")

    async def _sign_in(self, state: RepositoryState) -> None:
        """Let git ask in the terminal itself what it could not be answered here, then fetch as usual."""
        from screens.editor import run_in_terminal

        await run_in_terminal(self.app, ("git", "-C", state.path, "fetch", "--all", "--prune"))
        if self.git is not None:
            await self.git.fetch([state.name])

    def action_refresh(self) -> None:
        """Read again."""
        if self.git is not None:
            self._run(self._read_again(self.targets()), "git-refresh")

    async def _read_again(self, names: Sequence[str]) -> None:
        for name in names:
            if self.git is not None:
                await self.git.refresh(name)

    def _run(self, work: Coroutine[Any, Any, object], group: str) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self.show_reports((), (told(error),), focus=False)

        self.run_worker(guarded(), group=group, exit_on_error=False)

    # Planning

    def plan(self, kind: OperationKind, asked: Asked, *, direct: bool = False) -> None:
        """Work out what an operation would do, and show it; with `direct` do it, if there is nothing to decide."""
        if (git := self.git) is None or not asked:
            return
        planning = [partial(git.plan, kind, name, **arguments) for name, arguments in asked]
        self._start_planning(kind, planning, direct=direct)

    def _start_planning(self, what: str, planning: Sequence[Planning], *, direct: bool = False) -> None:
        where = clean_line(self.feed.current, 40) if len(planning) == 1 else f"{len(planning)} places"
        if not direct:
            self.show_waiting(what, f"working out what {what} would do in {where}")
        work = self._make_plans(planning, direct=direct)
        self.run_worker(work, group="git-plan", exclusive=True, exit_on_error=False)

    async def _make_plans(self, planning: Sequence[Planning], *, direct: bool) -> None:
        import asyncio

        made = await asyncio.gather(*(work() for work in planning), return_exceptions=True)
        plans: list[Plan] = []
        problems: list[str] = []
        for result in made:
            if isinstance(result, Exception):
                problems.append(told(result))
            elif isinstance(result, BaseException):
                raise result
            else:
                plans.append(result)
        # Of several repositories those with nothing to do are part of the report, and no reason to ask.
        something = any(plan.changes or (plan.kind != "sync" and (plan.commands or plan.config)) for plan in plans)
        if direct and something and not problems and all(_plain(plan) for plan in plans):
            ticked = [frozenset(change.key for change in plan.changes if change.ticked) for plan in plans]
            self._perform(list(zip(plans, ticked, strict=True)), focus=False)
        else:
            self.show_plans(plans, problems)

    def recount_commands(self) -> None:
        """The commands of the plans on show, for what is ticked now."""
        page, git = self.plan_page(), self.git
        if git is not None:
            for number, plan in enumerate(page.plans):
                page.set_commands(number, git.commands_of(plan, page.ticked(number)))

    # Performing

    def confirm_plans(self) -> None:
        """Perform the plans on show as they are ticked."""
        page = self.plan_page()
        chosen = [(plan, page.ticked(number)) for number, plan in enumerate(page.plans)]
        page.set_busy("doing it")
        page.write_border("subtitle", Content.assemble(("◐ ", "$info"), ("doing it", "$text-muted")))
        self._perform(chosen, focus=True)

    def _perform(self, chosen: Chosen, *, focus: bool) -> None:
        self.run_worker(self._do(chosen, focus=focus), group="git-perform", exit_on_error=False)

    async def _do(self, chosen: Chosen, *, focus: bool) -> None:
        """Repositories side by side, within each one plan after the other."""
        import asyncio

        by_repository: dict[str, Chosen] = {}
        for plan, ticked in chosen:
            by_repository.setdefault(plan.repository, []).append((plan, ticked))
        done = await asyncio.gather(*(self._do_here(name, plans) for name, plans in by_repository.items()))
        reports = [report for found, _ in done for report in found]
        problems = [problem for _, found in done for problem in found]
        self.branches.clear_marks()
        self.repositories.clear_marks()
        awaited = focus and self.page == "plan"
        self.show_reports(reports, problems, focus=awaited or self.has_class("-one"))

    async def _do_here(self, name: str, chosen: Chosen) -> tuple[list[Report], list[str]]:
        reports: list[Report] = []
        problems: list[str] = []
        for plan, ticked in chosen:
            if (git := self.git) is None:
                break
            self.performing[name] = f"{plan.kind} in {clean_line(name, 40)}"
            self.paint_words()
            try:
                reports.append(await git.perform(plan, ticked))
            except Exception as error:
                problems.append(told(error))
                break
            finally:
                self.performing.pop(name, None)
                self.paint_words()
        return reports, problems

    # What was cut short

    def action_interrupted(self) -> None:
        """Show the first operation that was cut short."""
        found = self.git.interrupted() if self.git is not None else ()
        if found:
            self.show_interrupted(found[0])

    def settle(self, how: Literal["finish", "undo"]) -> None:
        """Finish or undo the interrupted operation on show."""
        report = self._settling
        if report is not None:
            self._settling = None
            self.run_worker(self._settle(report, how), group="git-perform", exit_on_error=False)

    async def _settle(self, report: Report, how: Literal["finish", "undo"]) -> None:
        if (git := self.git) is None:
            return
        self.performing[report.repository] = f"{how} of {report.kind} in {clean_line(report.repository, 40)}"
        self.paint_words()
        try:
            ended = await git.settle(report.op_id, how)
        except Exception as error:
            self.show_reports((), (told(error),), focus=True)
            return
        finally:
            self.performing.pop(report.repository, None)
            self.paint_words()
        self.show_reports((ended,), (), focus=True)


def _names(state: RepositoryState) -> list[str]:
    """All names that are taken, here and on the remotes."""
    return [*(branch.name for branch in state.branches), *(branch.name for branch in state.remote_only)]


def _plain(plan: Plan) -> bool:
    """True when nothing about a plan needs a decision: syncing reports what it left alone, and never loses anything."""
    quiet = all(change.ticked and not change.locked for change in plan.changes)
    return plan.kind == "sync" or (quiet and not plan.refused)
