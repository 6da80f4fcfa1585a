"""What a pre-push hook is told, and what the rules say to it.

Only what git gives on standard input counts, never HEAD: any branches may be pushed from anywhere. Reads the
repository, asks no server and no person. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from app.git import names
from app.git.cli import Git
from app.git.words import shown

if TYPE_CHECKING:
    from app.git.names import NamingRules

PINS = "refs/quarterdeck/"


class Update(NamedTuple):
    """One line of standard input. `local_ref` is `(delete)`, `HEAD` or any expression where no ref was named."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def deletes(self) -> bool:
        """Whether the ref is to go."""
        return not self.local_oid.strip("0")

    @property
    def creates(self) -> bool:
        """Whether the ref is not there yet."""
        return not self.remote_oid.strip("0")

    @property
    def branch(self) -> str:
        """The branch on the remote; empty for tags and other refs."""
        return self.remote_ref.removeprefix(names.HEADS) if self.remote_ref.startswith(names.HEADS) else ""

    @property
    def local_branch(self) -> str:
        """The local branch that is pushed; empty if it is none."""
        return self.local_ref.removeprefix(names.HEADS) if self.local_ref.startswith(names.HEADS) else ""


class Refusal(NamedTuple):
    """A branch that is not to be pushed like this."""

    branch: str
    why: str
    commands: tuple[tuple[str, ...], ...]
    """What mends it. With `NEW-NAME` in place of a name that nobody but the user can find."""


class Known(NamedTuple):
    """What the repository knows of the remote without asking it."""

    on_remote: Mapping[str, str] = {}
    """Branches there, by short name, with their object id when last seen."""
    heads: frozenset[str] = frozenset()
    """Local branches."""
    default: str = ""
    """The branch that the remote's HEAD names."""
    tracked: Mapping[str, frozenset[str]] = {}
    """For each local branch the short names on this remote that the configuration pairs it with."""
    push_specs: tuple[str, ...] = ()
    """`remote.NAME.push`."""

    def pairs(self, local: str, branch: str) -> bool:
        """Whether the configuration says that this local branch belongs to that one there."""
        if branch in self.tracked.get(local, ()):
            return True
        targets = (_mapped(spec, names.HEADS + local) for spec in self.push_specs)
        return any(target == names.HEADS + branch for target in targets)


def parse(text: bytes) -> list[Update]:
    """The lines of standard input; lines of another shape are left out."""
    updates = []
    for line in text.decode("utf-8", "surrogateescape").split("\n"):
        # An expression such as `main@{1 day ago}` may hold spaces; the last three fields never do.
        fields = line.rsplit(" ", 3)
        if len(fields) == 4:
            updates.append(Update(*fields))
    return updates


def look(git: Git, remote: str, url: str, env: Mapping[str, str]) -> Known:
    """Read what is known of a remote, by its name, or by its address when it was pushed to by that."""
    pattern = r"^(branch\..*\.(merge|remote|pushremote)|remote\..*\.(url|pushurl|fetch|push))$"
    listed = git.run_sync("config", "-z", "--get-regexp", pattern, env=env, ok=(0, 1)).records
    config: dict[str, list[str]] = {}
    for record in listed:
        key, _, value = record.partition("\n")
        config.setdefault(key, []).append(value)
    called = {remote}
    if remote == url:
        called |= {
            key[len("remote.") :].rpartition(".")[0]
            for key, values in config.items()
            if key.startswith("remote.") and key.endswith((".url", ".pushurl")) and url in values
        }
    fetched = [spec for name in called for spec in config.get(f"remote.{name}.fetch", ())]
    form = "--format=%(refname)%00%(objectname)%00%(symref)"
    output = git.run_sync("for-each-ref", form, "refs/heads", "refs/remotes", env=env)
    heads: set[str] = set()
    there: dict[str, str] = {}
    default = ""
    symbolic = {f"refs/remotes/{name}/HEAD" for name in called}
    for line in output.line.split("\n") if output.stdout else ():
        ref, oid, symref = line.split("\0")
        if ref.startswith(names.HEADS):
            heads.add(ref.removeprefix(names.HEADS))
        elif symref:
            default = _source(fetched, symref).removeprefix(names.HEADS) if ref in symbolic else default
        elif (source := _source(fetched, ref)).startswith(names.HEADS):
            there[source.removeprefix(names.HEADS)] = oid
    return Known(
        there,
        frozenset(heads),
        default,
        _tracked(config, called),
        tuple(spec for name in called for spec in config.get(f"remote.{name}.push", ())),
    )


def judge(
    updates: Iterable[Update], remote: str, known: Known, rules: NamingRules, contains: Callable[[str, str], bool]
) -> list[Refusal]:
    """What is to be refused. `contains(new, old)` tells whether a commit holds another for certain."""
    updates = [update for update in updates if update.branch]
    going = {update.branch for update in updates if update.deletes}
    taken = set(known.on_remote) - going
    refusals = []
    for update in updates:
        found = _judge_one(update, remote, known, rules, contains, taken)
        if found:
            refusals.append(found)
        elif not update.deletes:
            taken.add(update.branch)
    return refusals


def _judge_one(
    update: Update,
    remote: str,
    known: Known,
    rules: NamingRules,
    contains: Callable[[str, str], bool],
    taken: set[str],
) -> Refusal | None:
    branch, local = update.branch, update.local_branch
    protected = names.is_protected(branch, rules, known.default)
    if update.deletes:
        if not protected:
            return None
        why = "it is protected and must not be deleted; if that is really meant:"
        return Refusal(branch, why, (("git", "push", "--no-verify", remote, f":{update.remote_ref}"),))
    if protected and not update.creates and not contains(update.local_oid, update.remote_oid):
        why = f"it is protected, and commits that are on {shown(remote)} would be lost (no fast-forward)"
        if branch == local:
            return Refusal(branch, why, (("git", "pull", "--rebase", remote, update.remote_ref),))
        return Refusal(branch, why, (("git", "fetch", remote), ("git", "rebase", f"{remote}/{branch}")))
    if local and local != branch and not known.pairs(local, branch):
        why = f"the local branch {shown(local)} is called otherwise, and no configuration pairs the two"
        return Refusal(branch, why, _paired(update, remote, known, rules, taken))
    why = names.name_problem(branch, rules, known.default)
    if why:
        return Refusal(branch, why, _renamed(update, remote, names.suggestion(branch, rules, taken | known.heads)))
    if update.creates:
        clash = next((clash for clash in names.clashes(branch, sorted(taken)) if clash.kind != "same"), None)
        if clash:
            why = f"{clash.why} (if it is gone by now: git fetch --prune)"
            return Refusal(branch, shown(why, 400), _renamed(update, remote, _respelled(clash, taken, known.heads)))
    return None


def _paired(
    update: Update, remote: str, known: Known, rules: NamingRules, taken: set[str]
) -> tuple[tuple[str, ...], ...]:
    """A push under the local name, where that follows the rule; else a better name for the branch first."""
    branch, local = update.branch, update.local_branch
    if not names.name_problem(local, rules, known.default):
        return (("git", "push", "-u", remote, _own(local)),)
    here = known.heads - {local}
    wanted = update.creates and not names.name_problem(branch, rules, known.default)
    free = wanted and not names.clashes(branch, here | taken)
    new = branch if free else names.suggestion(local, rules, taken | known.heads) or "NEW-NAME"
    return ("git", "branch", "-m", "--", local, new), ("git", "push", "-u", remote, _own(new))


def _renamed(update: Update, remote: str, new: str) -> tuple[tuple[str, ...], ...]:
    branch, new = update.branch, new or "NEW-NAME"
    if branch != update.local_branch:
        return (("git", "push", remote, f"{update.local_ref}:{names.HEADS}{new}"),)
    if not update.creates:
        return (("qd", "git", "rename", *(("--",) if branch.startswith("-") else ()), branch, new),)
    return ("git", "branch", "-m", "--", branch, new), ("git", "push", "-u", remote, _own(new))


def _respelled(clash: names.Clash, taken: set[str], heads: frozenset[str]) -> str:
    """The name as the branch that is there writes it, if it is free so; else the first free one like it."""
    theirs = clash.other.split("/")
    mine = [
        their if names.fold(their) == names.fold(part) else part
        for part, their in zip(clash.name.split("/"), [*theirs, *[""] * clash.name.count("/")], strict=False)
    ]
    respelled = "/".join(mine)
    others = taken | (heads - {clash.name})
    if respelled != clash.name and (not names.clashes(respelled, others) or respelled in taken - heads):
        return respelled
    return names.free_name(clash.name, others)


def _own(branch: str) -> str:
    """A branch as an argument of `git push`: short where it cannot be taken for anything else."""
    plain = branch.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
    return branch if plain and not branch.startswith("-") else names.HEADS + branch


def _tracked(config: Mapping[str, list[str]], called: set[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for key, values in config.items():
        if not (key.startswith("branch.") and key.endswith(".merge")):
            continue
        local = key[len("branch.") : -len(".merge")]
        remotes = {*config.get(f"branch.{local}.remote", ()), *config.get(f"branch.{local}.pushremote", ())}
        if remotes & called:
            found[local] = frozenset(value.removeprefix(names.HEADS) for value in values)
    return found


def _source(specs: Iterable[str], ref: str) -> str:
    """The ref on the remote that is tracked as this one; empty if none is."""
    for spec in specs:
        source, _, target = spec.removeprefix("+").partition(":")
        if target and not source.startswith("^") and (found := _mapped(f"{target}:{source}", ref)):
            return found
    return ""


def _mapped(spec: str, ref: str) -> str:
    """Where a refspec takes a ref; empty if it does not fit."""
    source, _, target = spec.removeprefix("+").partition(":")
    head, star, tail = source.partition("*")
    if not star:
        return target if source == ref else ""
    fits = len(ref) >= len(head) + len(tail) and ref.startswith(head) and ref.endswith(tail)
    return target.replace("*", ref[len(head) : len(ref) - len(tail)], 1) if fits else ""
