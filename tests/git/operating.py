"""Operations in tests: an executor with its own journal, the state that plans are made from, and whole pictures of
repositories to compare."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.git import undo
from app.git.cli import Git
from app.git.entries import Entry
from app.git.executor import Checkpoint, Executor
from app.git.journal import Journal
from app.git.model import Branch, Commit, Head, Landed, Plan, Remote, Report, RepositoryState, Rules
from app.git.operations import make_plan
from tests.git.repos import Repo

REJECT = "while read old new ref; do if [ \"$ref\" = refs/heads/{name} ]; then echo 'no: policy'; exit 1; fi; done"
"""A server's hook that refuses one branch."""


@dataclass(slots=True)
class Desk:
    """One repository under an executor of its own."""

    repo: Repo
    rules: Rules = field(default_factory=Rules)
    recorded: list[Entry] = field(default_factory=list)
    landed: dict[str, tuple[Landed | None, str]] = field(default_factory=dict)
    """What is taken as the proof for branches, by name."""
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        folder = self.repo.place.root / "desk"
        self.executor = Executor(Journal(folder / "operations.db"), folder / "locks", record=self._record)

    async def _record(self, entry: Entry) -> None:
        self.recorded.append(entry)

    @property
    def git(self) -> Git:
        return Git(self.repo.path)

    @property
    def journal(self) -> Journal:
        return self.executor.journal

    def watched(self, checkpoint: Checkpoint) -> Executor:
        """The executor with somebody who watches it between its steps."""
        return replace(self.executor, checkpoint=checkpoint)

    def state(self, **changes: Any) -> RepositoryState:
        """What plans are made from: branches with what they follow, and the proofs given."""
        return replace(state_of(self.repo, self.landed), **changes)

    async def plan(self, kind: str, **arguments: Any) -> Plan:
        return await make_plan(kind, self.git, self.state(), self.rules, **arguments)

    async def do(self, kind: str, *, ticked: set[str] | None = None, **arguments: Any) -> Report:
        """Plan and perform."""
        return await self.executor.perform(self.git, await self.plan(kind, **arguments), ticked)

    async def done(self, kind: str, **arguments: Any) -> Report:
        """Plan and perform what must succeed."""
        report = await self.do(kind, **arguments)
        assert report.state == "done", report
        return report

    async def undo(self, op_id: str = "", ticked: set[str] | None = None) -> Report:
        plan = await undo.plan_undo(self.executor, self.git, self.rules, op_id)
        return await self.executor.perform(self.git, plan, ticked)

    async def redo(self, op_id: str = "") -> Report:
        plan = await undo.plan_redo(self.executor, self.git, self.rules, op_id)
        return await self.executor.perform(self.git, plan)


def state_of(repo: Repo, landed: Mapping[str, tuple[Landed | None, str]] | None = None) -> RepositoryState:
    """A repository as the reading part would tell of it, as far as plans need to know."""
    fields = "%(refname)%00%(objectname)%00%(upstream)%00%(HEAD)"
    refs = repo.refs("refs/remotes/")
    remotes = repo.git("remote").split()
    head = repo.run("symbolic-ref", "-q", "--short", "HEAD", check=False).stdout.decode("utf-8", "surrogateescape")
    default = default_of(repo)
    branches = []
    for line in repo.git("for-each-ref", f"--format={fields}", "refs/heads/").splitlines():
        ref, oid, upstream, here = line.split("\0")
        name = ref.removeprefix("refs/heads/")
        proof, why = (landed or {}).get(name, (None, ""))
        gone = bool(upstream) and upstream not in refs
        branches.append(
            Branch(
                name,
                oid,
                Commit(oid, 0, "", ""),
                upstream=upstream.removeprefix("refs/remotes/") or None,
                upstream_ref=upstream or None,
                upstream_oid=refs.get(upstream),
                upstream_state="gone" if gone else "ok" if upstream else "none",
                landed=proof,
                landed_why=why,
                is_head=here == "*",
                is_default=name == default,
            )
        )
    return RepositoryState(
        name=repo.path.name,
        path=str(repo.path),
        head=Head(head.strip() or None, repo.oid()),
        default_branch=default,
        remotes=tuple(Remote(name, repo.git("config", f"remote.{name}.url"), head_of(repo, name)) for name in remotes),
        branches=tuple(branches),
        counted=True,
    )


def head_of(repo: Repo, remote: str) -> str | None:
    """The default branch of a remote, as it is known here."""
    done = repo.run("symbolic-ref", "-q", f"refs/remotes/{remote}/HEAD", check=False)
    return done.stdout.decode().strip().removeprefix(f"refs/remotes/{remote}/") or None


def default_of(repo: Repo) -> str | None:
    """The default branch of the first remote, else main."""
    remotes = repo.git("remote").split()
    found = head_of(repo, remotes[0]) if remotes else None
    return found or ("main" if "refs/heads/main" in repo.refs() else None)


def picture(repo: Repo, *, reflogs: bool = True) -> dict[str, object]:
    """All that an undo has to bring back: refs, HEADs, settings, reflogs, files, and the refs of its remotes."""
    found: dict[str, object] = {
        "refs": {ref: oid for ref, oid in repo.refs().items() if not ref.startswith("refs/quarterdeck/")},
        "symbolic": repo.git("for-each-ref", "--format=%(refname) %(symref)", "refs/remotes/").split("\n"),
        "worktrees": repo.git("worktree", "list", "--porcelain"),
        "config": sorted(repo.git("config", "--local", "--list").splitlines()),
        "status": repo.run("status", "--porcelain", check=False).stdout,
    }
    for remote in repo.git("remote").split():
        path = Path(repo.git("config", f"remote.{remote}.url"))
        if path.is_dir():
            found[f"on {remote}"] = Repo(repo.place, path).refs()
    if reflogs:
        found["reflogs"] = {ref: repo.reflog(ref) for ref in repo.refs("refs/heads/")}
    return found


def pins(repo: Repo) -> dict[str, str]:
    """The pins that keep what operations took away."""
    return repo.refs("refs/quarterdeck/")


def states(journal: Journal) -> list[tuple[str, str]]:
    """Kind and state of every operation in the journal, oldest first."""
    with sqlite3.connect(journal.path) as connection:
        return connection.execute("SELECT kind, state FROM operation ORDER BY op_id").fetchall()


async def round_trip(desk: Desk, plan: Plan) -> None:
    """Do, undo, redo, undo: every picture is as it was."""
    before = picture(desk.repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done", report
    assert not report.refused, report
    after = picture(desk.repo)
    assert after != before
    for again in (desk.undo, desk.redo, desk.undo):
        report = await again()
        assert report.state == "done", report
        assert not report.refused, report
        assert picture(desk.repo) == (after if again == desk.redo else before)


async def undo_plan(desk: Desk) -> Plan:
    """What undoing the last operation would do."""
    return await undo.plan_undo(desk.executor, desk.git, desk.rules)


async def round_trip_without_reflogs(desk: Desk, plan: Plan) -> None:
    """A rename writes to the reflog each way."""
    before = picture(desk.repo, reflogs=False)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done", report
    after = picture(desk.repo, reflogs=False)
    for again in (desk.undo, desk.redo, desk.undo):
        report = await again()
        assert report.state == "done", report
        assert picture(desk.repo, reflogs=False) == (after if again == desk.redo else before)
