"""A Git service without processes, with the data of a trading project and its neighbours. For tests and pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from app.git.hygiene.model import Finding, Step
from app.git.model import (
    Branch,
    Changes,
    Commit,
    ConfigChange,
    Head,
    Plan,
    Problem,
    RefChange,
    Refusal,
    Remote,
    RemoteBranch,
    Report,
    RepositoryState,
    Rules,
)
from tests.fakes import NOW

DAY = 86_400
ROOT = "/home/mara/src"
RULES = Rules(
    pattern=r"(?P<kind>feature|fix|chore)/(?P<ticket>[A-Z]+-\d+)-(?P<words>[a-z0-9-]+)",
    template="{kind}/{ticket}-{words}",
    examples=("feature/OPS-12-faster-fills", "fix/OPS-7-stale-quote"),
    protected=("main", "release/*"),
)
HOSTILE = "feature/\x1b[31m[b]bold[/b]\u202e\n$(touch x)"


def oid(number: int) -> str:
    """An object id that looks like one."""
    return f"{(number * 2_654_435_761 + 0x9E3779B97F4A7C15) % 16**16:016x}".ljust(40, "7")


def commit(number: int, days: float = 1.0, subject: str = "", author: str = "Mara Olsen") -> Commit:
    """A commit so many days old."""
    return Commit(oid(number), int(NOW - days * DAY), author, subject or f"Fill orders faster, part {number}")


def branch(name: str, number: int = 0, days: float = 1.0, **more: Any) -> Branch:
    """A branch that is level with its upstream of the same name."""
    number = number or sum(map(ord, name))
    upstream = more.pop("upstream", f"origin/{name}")
    tip = more.pop("tip", commit(number, days))
    values: dict[str, Any] = {
        "upstream_state": "ok" if upstream else "none",
        "ahead": 0,
        "behind": 0,
        "ahead_default": 2,
        "behind_default": 14,
    }
    return Branch(
        name=name,
        oid=tip.oid,
        last_commit=tip,
        upstream=upstream,
        upstream_ref=f"refs/remotes/{upstream}" if upstream else None,
        upstream_oid=tip.oid if upstream else None,
        **{**values, **more},
    )


def trading_branches() -> tuple[Branch, ...]:
    """One of each kind."""
    gone: dict[str, Any] = {"upstream_state": "gone", "ahead": None, "behind": None}
    return (
        branch("main", days=0.1, is_default=True, protected=True, behind=2, ahead_default=0, behind_default=0),
        branch("feature/OPS-41-limit-orders", days=0.02, is_head=True, held_by="head", ahead=3, ahead_default=5),
        branch("feature/OPS-38-replay-from-file", days=2, ahead=1, behind=4, ahead_default=7, behind_default=31),
        branch("fix/OPS-44-stale-quote", days=0.6, ahead_default=1, behind_default=3),
        branch(
            "feature/OPS-29-gap-filter",
            days=6,
            landed="squashed",
            landed_why="merging it into main changes nothing",
            **gone,
        ),
        branch("feature/OPS-30-calendars", days=8, landed="merged", landed_why="its tip is in main", **gone),
        branch("fix/OPS-31-rounding", days=9, landed="rebased", landed_why="all 3 commits are in main", **gone),
        branch(
            "feature/OPS-17-risk-limits",
            days=33,
            unpushed=True,
            ahead_default=2,
            behind_default=210,
            **gone,
        ),
        branch("spike", days=97, upstream="", stale=True, misnamed=True, ahead_default=12, behind_default=1204),
        branch(
            "feature/OPS-40-depth",
            days=3,
            upstream="origin/depth",
            upstream_state="misnamed",
            ahead=2,
            ahead_default=4,
            behind_default=20,
        ),
        branch("fix/OPS-45-slow-start", days=1.4, held_by="worktree", held_where="~/src/trading-hotfix"),
        branch("chore/OPS-2-lint", days=0.3, upstream_state="never_pushed", ahead=None, behind=None, landed="new"),
        branch("release/2026.02", days=20, protected=True, ahead_default=0, behind_default=88),
    )


def trading(**more: Any) -> RepositoryState:
    """A repository with one branch of each kind and two problems."""
    values: dict[str, Any] = {
        "head": Head("feature/OPS-41-limit-orders", oid(1)),
        "default_branch": "main",
        "changes": Changes(changed=2, staged=1, untracked=3, stashes=1),
        "remotes": (Remote("origin", "git@github.com:mara/trading.git", "main"),),
        "branches": trading_branches(),
        "remote_only": (
            RemoteBranch("origin", "feature/OPS-22-paper-broker", oid(900), commit(900, 12), 6, 40),
            RemoteBranch("origin", "depth-old", oid(901), commit(901, 240), 1, 900, stale=True),
        ),
        "problems": (
            Problem(
                "misnamed_upstream",
                "refs/heads/feature/OPS-40-depth",
                "feature/OPS-40-depth follows origin/depth",
                "L aligns it",
            ),
            Problem("remote_head_stale", "refs/remotes/origin/HEAD", "origin/HEAD still names master", "L repairs it"),
        ),
        "counted": True,
        "read_at": NOW - 12,
    }
    return RepositoryState(name=more.pop("name", "trading"), path=more.pop("path", f"{ROOT}/trading"), **values | more)


def small(name: str, **more: Any) -> RepositoryState:
    """A tidy repository."""
    values: dict[str, Any] = {
        "head": Head("main", oid(7)),
        "default_branch": "main",
        "changes": Changes(),
        "remotes": (Remote("origin", f"git@github.com:mara/{name}.git", "main"),),
        "branches": (
            branch("main", days=0.5, is_head=True, held_by="head", is_default=True, protected=True),
            branch("fix/OPS-9-docs", days=4),
        ),
        "counted": True,
        "read_at": NOW - 20,
    }
    return RepositoryState(name=name, path=f"{ROOT}/{name}", **values | more)


def broken(name: str, error: str, fix: str = "") -> RepositoryState:
    """One that cannot be read."""
    return RepositoryState(name=name, path=f"{ROOT}/{name}", error=error, error_fix=fix, read_at=NOW - 5)


DUBIOUS = broken(
    "shared",
    "another user owns this folder, so git will not read it (dubious ownership)",
    f"git config --global --add safe.directory {ROOT}/shared",
)


def workshop() -> tuple[RepositoryState, ...]:
    """Repositories in every state."""
    return (
        trading(),
        small("quarterdeck", changes=Changes(changed=4)),
        small("notebooks", busy="fetching origin 42 %"),
        small("api", operation="rebase", changes=Changes(conflicts=2)),
        small("website", head=Head(None, oid(77), detached=True)),
        small("fresh", head=Head("main", "", unborn=True), branches=(), remotes=(), changes=Changes(untracked=2)),
        small("mirror.git", bare=True, changes=None),
        DUBIOUS,
        broken("usb-stick", "the folder is not there any more"),
        broken("downloads", "this is not a git repository", f"git init {ROOT}/downloads"),
        small(
            "client",
            problems=(
                Problem("needs_credentials", "origin", "origin asks for a password", "press f to sign in there"),
            ),
        ),
        small("\x1b]0;evil\x07[red]markup", head=Head("main\x1b[2J", oid(5))),
    )


def many_repositories(number: int = 50) -> tuple[RepositoryState, ...]:
    """As many as the screen is made for."""
    names = [f"service-{n:02d}" for n in range(number - 1)]
    return (
        trading(),
        *(small(name, changes=Changes(changed=n % 4)) for n, name in enumerate(names)),
    )


def many_branches(number: int = 2001) -> RepositoryState:
    """A repository with very many branches, some of them with hostile names."""
    landed = ("merged", "squashed", "rebased", None)
    made = [
        branch(
            f"feature/OPS-{n}-part-{n % 37}",
            n + 10,
            n / 7,
            landed=landed[n % 4],
            upstream_state="gone" if n % 3 == 0 else "ok",
            stale=n / 7 > 60,
        )
        for n in range(number - 4)
    ]
    odd = [
        branch(HOSTILE, 5001, 0.2),
        branch("-D", 5002, 0.3),
        branch("naïve/日本語/emoji-🚀", 5003, 0.4),
        branch("main", 5004, 0.1, is_default=True, is_head=True, held_by="head", protected=True),
    ]
    return trading(name="monorepo", path=f"{ROOT}/monorepo", head=Head("main", oid(5004)), branches=(*odd, *made))


def delete(name: str, side: Literal["local", "remote"] = "local", **more: Any) -> RefChange:
    """A change that deletes a branch."""
    ref = f"refs/heads/{name}"
    values: dict[str, Any] = {"reason": "squashed into main: merging it changes nothing", "new": ""}
    return RefChange(
        ref=ref, side=side, old=oid(sum(map(ord, name))), remote="origin" if side == "remote" else "", **values | more
    )


def prune_plan() -> Plan:
    """What prune would do in the trading project."""
    kept = delete("feature/OPS-17-risk-limits", reason="its upstream is gone", ticked=False, commits=2)
    held = delete("fix/OPS-45-slow-start", reason="merged", locked="a worktree has it: ~/src/trading-hotfix")
    lost = delete("feature/OPS-30-calendars", "remote", reason="merged into main", recoverable=True)
    return Plan(
        "prune",
        "trading",
        "Delete branches whose work is in main",
        changes=(
            delete("feature/OPS-29-gap-filter", commits=4),
            delete("feature/OPS-30-calendars", reason="merged into main"),
            lost,
            delete("fix/OPS-31-rounding", reason="rebased onto main: all 3 commits are there"),
            kept,
            held,
        ),
        config=(ConfigChange("branch.feature/OPS-29-gap-filter.remote", "origin", None),),
        commands=(
            (
                *("git", "push", "--porcelain", "--atomic"),
                "--force-with-lease=refs/heads/feature/OPS-30-calendars:" + oid(30),
                *("origin", ":refs/heads/feature/OPS-30-calendars"),
            ),
            ("git", "branch", "-D", "--", "feature/OPS-29-gap-filter", "feature/OPS-30-calendars"),
        ),
        notes=("Undo brings back branches and their settings, not pull requests that the host closes.",),
        refused=(Refusal("refs/heads/release/2026.02", "protected by release/*"),),
    )


def align_plan() -> Plan:
    """One fix for each mismatch."""
    return Plan(
        "align",
        "trading",
        "Bring names and upstreams in line",
        changes=(
            RefChange("refs/heads/depth", "remote", oid(3), "", "its branch here has another name", "origin"),
            RefChange(
                "refs/heads/feature/OPS-40-depth", "remote", "", oid(3), "takes the name of the branch here", "origin"
            ),
        ),
        config=(
            ConfigChange("branch.feature/OPS-40-depth.merge", "refs/heads/depth", "refs/heads/feature/OPS-40-depth"),
        ),
        commands=(("git", "remote", "set-head", "origin", "main"),),
        refused=(Refusal("refs/heads/spike", "the name does not follow the rule", "m renames it"),),
    )


def report(plan: Plan, op: str = "op-7", **more: Any) -> Report:
    """A plan that was performed."""
    done = tuple(change for change in plan.changes if change.ticked and not change.locked)
    values: dict[str, Any] = {"state": "done", "done": done, "refused": plan.refused, "at": NOW - 60}
    return Report(
        op_id=op,
        kind=plan.kind,
        repository=plan.repository,
        dry_run=False,
        plan=plan.changes,
        config=plan.config,
        commands=plan.commands,
        title=plan.title,
        **values | more,
    )


def journal() -> tuple[Report, ...]:
    """Operations of a week."""
    switched = Report("op-6", "switch", "trading", False, "done", message="switched to fix/OPS-44-stale-quote")
    return (
        report(prune_plan(), "op-8", at=NOW - 400),
        replace(switched, at=NOW - 5_000),
        report(align_plan(), "op-5", at=NOW - 2 * DAY, undone_by="op-6"),
        Report("op-4", "undo", "trading", False, "done", at=NOW - 3 * DAY, undoes="op-3", title="Undo push of main"),
        Report(
            "op-3",
            "push",
            "trading",
            False,
            "failed",
            at=NOW - 4 * DAY,
            message="the server refused main: protected branch hook declined",
            refused=(Refusal("refs/heads/main", "protected branch hook declined", "push to a branch"),),
        ),
    )


def cut_short() -> Report:
    """A prune that a crash stopped after the remote was changed."""
    plan = prune_plan()
    return report(plan, "op-9", state="remote-done", done=plan.changes[2:3])


def audit() -> tuple[Finding, ...]:
    """Findings of each severity."""
    return (
        Finding(
            "readme_name",
            "note",
            ("readme.md",),
            ("readme.md",),
            "hosts show README.md",
            (Step("move", "readme.md", "README.md"),),
            ticked=True,
        ),
        Finding(
            "large_file",
            "warning",
            ("data/ticks.parquet",),
            ("data/ticks.parquet",),
            "12 MB, more than the 5 MB of large_file_mb",
            (Step("untrack", "data/ticks.parquet"), Step("ignore", ".gitignore", "/data/ticks.parquet")),
        ),
        Finding("case_twins", "error", ("Docs/a.md", "docs/a.md"), ("Docs/a.md", "docs/a.md"), "one of them is lost"),
        Finding("missing_license", "note", (HOSTILE,), (), f"no licence {HOSTILE}", (Step("write", "LICENSE", "MIT"),)),
    )
