"""What several kinds of operations need to make their plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import UserError
from app.git import plans, steps
from app.git.cli import Git
from app.git.facts import HEADS, Facts, missing_objects
from app.git.model import ConfigChange, OperationKind, Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.names import clashes, is_protected, name_problem, ref_problem

FETCH_TIMEOUT_S = 600.0
MIRRORED = "a mirror of this repository would publish, or delete, the refs in refs/quarterdeck that undo needs"
_NAMED = 3
"""Branches that a warning names; of more it tells the number."""


@dataclass(slots=True)
class Part:
    """Changes that belong together: done as one, or not at all."""

    changes: list[RefChange] = field(default_factory=list)
    config: list[ConfigChange] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    renames: list[tuple[str, str]] = field(default_factory=list)


def assemble(
    kind: OperationKind,
    state: RepositoryState,
    title: str,
    parts: Sequence[Part],
    *,
    facts: Facts | None = None,
    request: Mapping[str, object] | None = None,
    refused: Iterable[Refusal] = (),
    notes: Iterable[str] = (),
    remarks: Iterable[str] = (),
    **arguments: object,
) -> Plan:
    """One plan of several parts. A part that would change what an earlier one changes is refused."""
    changes: dict[str, RefChange] = {}
    config: list[ConfigChange] = []
    groups: list[list[str]] = []
    config_of: dict[str, str] = {}
    renames: list[list[str]] = []
    refusals, told = list(refused), list(notes)
    for part in parts:
        refusals += part.refused
        taken = [change for change in part.changes if change.key in changes]
        settled = [change for change in part.config if change.key in config_of]
        if taken or settled:
            ref = taken[0].ref if taken else settled[0].key
            refusals.append(Refusal(ref, "another change of this plan is about it as well", "do that first"))
            continue
        changes.update((change.key, change) for change in part.changes)
        config += part.config
        told += part.notes
        renames += [list(pair) for pair in part.renames]
        if len(part.changes) > 1:
            groups.append([change.key for change in part.changes])
        if part.changes:
            config_of.update((change.key, part.changes[0].key) for change in part.config)
    if facts is not None and any(facts.configuration.remote(name).mirror for name in facts.configuration.remotes):
        told.append(MIRRORED)
    case = facts is not None and facts.configuration.flag("core.ignorecase")
    case_renames = [pair for pair in renames if case and steps.between(pair[0]) == steps.between(pair[1])]
    given: dict[str, object] = {
        "request": dict(request or {}),
        "groups": groups,
        "config_of": config_of,
        "renames": renames,
        "case_renames": case_renames,
        **arguments,
    }
    made = Plan(
        kind=kind,
        repository=state.name,
        title=title,
        changes=tuple(changes.values()),
        config=tuple(config),
        refused=tuple(refusals),
        notes=tuple(dict.fromkeys(told)),
        remarks=tuple(remarks),
        arguments=given,
    )
    return plans.complete(made)


def pull_requests(*names: str) -> str:
    """The warning that the host may close pull requests from these branches."""
    several = len(set(names)) > 1
    shown = list(dict.fromkeys(names))
    if len(shown) > _NAMED:
        shown[_NAMED - 1 :] = [f"{len(shown) - _NAMED + 1} more"]
    told = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    what = "pull requests" if several else "a pull request"
    return f"{what} from {told} may be closed by the host, which undo does not open again"


def main_remote(facts: Facts, asked: str = "") -> str:
    """The remote that counts: the one asked for, else origin, else the first; empty where there is none."""
    remotes = facts.configuration.remotes
    if asked:
        if asked not in remotes:
            raise UserError(f"there is no remote {asked}", fix="see git remote -v")
        return asked
    return "origin" if "origin" in remotes else next(iter(remotes), "")


def upstream(facts: Facts, name: str) -> tuple[str, str]:
    """The remote that a branch follows and the full name of the branch there; both empty where it follows none."""
    settings = facts.configuration.branch(name)
    if settings.remote in facts.configuration.remotes and settings.merge:
        return settings.remote, settings.merge
    return "", ""


def push_remote(facts: Facts, name: str) -> str:
    """The remote that `git push` on this branch speaks to; empty where there is none."""
    settings = facts.configuration.branch(name)
    wanted = settings.push_remote or facts.configuration.get("remote.pushdefault") or settings.remote
    return wanted if wanted in facts.configuration.remotes else main_remote(facts)


def following(facts: Facts, name: str, remote: str, ref: str) -> list[ConfigChange]:
    """The settings by which a branch follows this one of a remote; both empty: none."""
    wanted = {"remote": remote, "merge": ref}
    return [
        change
        for variable, value in wanted.items()
        for change in replaced(facts, f"branch.{name}.{variable}", (value,) if value else ())
    ]


def replaced(facts: Facts, key: str, values: tuple[str, ...]) -> list[ConfigChange]:
    """The change of a setting from what it is to these values; empty when it is so already."""
    now = facts.setting(key)
    if now == values:
        return []
    return [ConfigChange(key, value, None) for value in now] + [ConfigChange(key, None, value) for value in values]


def without_section(facts: Facts, name: str) -> list[ConfigChange]:
    """The settings of a branch, all of them going."""
    return [ConfigChange(key, value, None) for key, values in facts.section(name).items() for value in values]


def branch_oid(facts: Facts, name: str) -> str:
    """Where a local branch stands. Raises UserError when there is none."""
    oid = facts.refs.get(HEADS + name, "")
    if not oid:
        raise unknown_branch(name, facts.branches, where=str(facts.layout.common_dir))
    return oid


def unknown_branch(name: str, known: Iterable[str], *, where: str = "", all_of_them: str = "git branch") -> UserError:
    """The error for a branch that is not there, with the name among the `known` ones that comes nearest to it."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    called = name or "without a name"
    fix = f"did you mean {near[0]}?" if near else f"see {all_of_them}"
    return UserError(f"there is no branch {called}", where=where, fix=fix)


def check_name(name: str, facts: Facts, rules: Rules, default: str | None, *, leaving: str = "") -> None:
    """Raise UserError when a branch cannot, or by the rules should not, be called so. `leaving` makes room for it."""
    why = ref_problem(name)
    if why:
        raise UserError(f"{name or 'an empty name'} cannot be the name of a branch: {why}")
    why = name_problem(name, rules, default)
    if why:
        raise UserError(f"{name}: {why}")
    others = [other for other in facts.branches if other != leaving]
    for clash in clashes(name, others):
        raise UserError(f"there cannot be a branch {name}: {clash.why}", fix="choose another name")


def protects(name: str, facts: Facts, state: RepositoryState, rules: Rules) -> bool:
    """Whether a branch is protected: by the rules, as the default branch, or as the HEAD of any remote."""
    heads = [remote.head for remote in state.remotes]
    served = [server.head.removeprefix(HEADS) for server in facts.servers.values()]
    return is_protected(name, rules, state.default_branch, *heads, *served)


async def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether a commit is contained in another. Raises GitError."""
    return old == new or (await git.run("merge-base", "--is-ancestor", old, new, ok=(0, 1))).code == 0


async def count(git: Git, included: str, *excluded: str) -> int:
    """Commits that are in one and not in the others. Raises GitError."""
    said = await git.run("rev-list", "--count", included, "--not", *excluded, "--")
    return int(said.text)


async def fetch_objects(git: Git, remote: str, heads: Mapping[str, str]) -> None:
    """Download what is needed to tell of these branches of a remote, full names and ids; moves no ref.

    Raises GitError.
    """
    missing = await missing_objects(git, heads.values())
    wanted = [ref for ref, oid in heads.items() if oid in missing]
    if wanted:
        flags = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--refmap=")
        await git.run("fetch", *flags, "--", remote, *wanted, timeout_s=FETCH_TIMEOUT_S)
