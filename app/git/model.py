"""What the Git area knows, as values. Imports nothing of the app.

Names of refs are full (`refs/heads/main`) wherever a `ref` is meant, short (`main`) wherever a `name` is. Text that
comes out of a repository may hold any character: whoever shows it takes the controls out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Operation = Literal["rebase", "merge", "bisect", "cherry-pick", "revert", "am"]
"""Something that git has begun in a working tree and not ended."""
UpstreamState = Literal["ok", "gone", "never_pushed", "none", "misnamed"]
Landed = Literal["merged", "squashed", "rebased", "new"]
"""How a branch's work is in the default branch; `new` has no work of its own."""
Side = Literal["local", "remote"]
OperationKind = Literal["switch", "new", "rename", "align", "sync", "push", "track", "prune", "hygiene", "undo", "redo"]
OperationState = Literal["planned", "pinned", "remote-done", "local-done", "done", "failed", "undone"]
ProblemKind = Literal[
    "misnamed",
    "misnamed_upstream",
    "no_upstream",
    "upstream_gone",
    "wrong_remote",
    "remote_head_missing",
    "remote_head_dangling",
    "remote_head_stale",
    "case_collision",
    "no_commit_graph",
    "needs_credentials",
    "dubious_ownership",
    "lock",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """A repository to follow: `path` is its working tree (or the folder of a bare one), absolute."""

    name: str
    path: Path
    remote: str = ""
    """The remote that counts, where there are several; empty: origin, else the only one, else the first."""
    default_branch: str = ""
    """Empty: what the remote's HEAD says, else init.defaultBranch, main or master."""
    fetch_every_s: float = 0.0
    """0: fetch only when asked."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`[git.naming]` and its neighbours."""

    pattern: str = ""
    """A regular expression with named parts that a whole branch name must match; empty: every name is right."""
    template: str = ""
    """How `new` builds a name from the named parts, such as `{kind}/{ticket}-{words}`."""
    examples: tuple[str, ...] = ()
    protected: tuple[str, ...] = ("main", "master")
    """Globs of branches that are neither deleted nor overwritten."""
    stale_days: int = 60
    exempt: tuple[str, ...] = ()
    """Globs of branches to which the pattern does not apply; the default branch and protected ones never need it."""
    large_file_mb: float = 5.0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `time` in seconds since 1970."""

    oid: str
    time: int
    author: str
    subject: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """Where HEAD stands. `branch` is the short name; with `unborn` the branch has no commit yet (`oid` empty)."""

    branch: str | None
    oid: str
    detached: bool = False
    unborn: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What `git status` counts in the working tree."""

    changed: int = 0
    staged: int = 0
    untracked: int = 0
    conflicts: int = 0
    stashes: int = 0


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote; `url` never holds credentials. `head` is the short branch name that its HEAD names here, if any."""

    name: str
    url: str
    head: str | None = None
    push_url: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A local branch. Counts are None until they have been computed; `lower_bound` marks those of shallow clones."""

    name: str
    oid: str
    last_commit: Commit
    upstream: str | None = None
    """Such as `origin/main`."""
    upstream_ref: str | None = None
    upstream_oid: str | None = None
    push_ref: str | None = None
    """Where `git push` would go, if not to the upstream."""
    upstream_state: UpstreamState = "none"
    ahead: int | None = None
    behind: int | None = None
    ahead_default: int | None = None
    behind_default: int | None = None
    lower_bound: bool = False
    landed: Landed | None = None
    landed_why: str = ""
    """The proof in a few words; also says when work has landed and was changed or taken back later."""
    unpushed: bool = False
    """The upstream is gone and commits here are not in what it last held."""
    stale: bool = False
    misnamed: bool = False
    protected: bool = False
    held_by: str | None = None
    """`head`, `worktree`, `rebase`, `bisect` and the like: git would refuse to delete it."""
    held_where: str = ""
    is_head: bool = False
    is_default: bool = False

    @property
    def ref(self) -> str:
        """The full name."""
        return f"refs/heads/{self.name}"


@dataclass(frozen=True, slots=True)
class RemoteBranch:
    """A branch of a remote that no local branch follows. `name` is without the remote's."""

    remote: str
    name: str
    oid: str
    last_commit: Commit
    ahead_default: int | None = None
    behind_default: int | None = None
    landed: Landed | None = None
    landed_why: str = ""
    stale: bool = False
    protected: bool = False

    @property
    def ref(self) -> str:
        """The full name of the remote-tracking ref."""
        return f"refs/remotes/{self.remote}/{self.name}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be; `fix` is the command or key that mends it."""

    kind: ProblemKind
    ref: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """All that is known of one repository at one moment.

    `error` says why it cannot be read (gone, not a repository, dubious ownership); all else is then as it was last
    seen, if it ever was. `counted` is False while counts are still being computed.
    """

    name: str
    path: str
    head: Head = Head(None, "")
    default_branch: str | None = None
    operation: Operation | None = None
    changes: Changes | None = None
    remotes: tuple[Remote, ...] = ()
    branches: tuple[Branch, ...] = ()
    remote_only: tuple[RemoteBranch, ...] = ()
    problems: tuple[Problem, ...] = ()
    bare: bool = False
    shallow: bool = False
    counted: bool = False
    error: str = ""
    error_fix: str = ""
    busy: str = ""
    """What is under way here, such as `fetching origin 42 %`; empty otherwise."""
    trouble: str = ""
    """What the last fetch ran into, such as a remote that cannot be reached; empty otherwise."""
    read_at: float = 0.0
    """time.time() of the reading."""
    watch_note: str = ""
    """Why changes are looked for at intervals, where no events arrive."""

    def branch(self, name: str) -> Branch | None:
        """The local branch of this short name."""
        return next((branch for branch in self.branches if branch.name == name), None)


@dataclass(frozen=True, slots=True)
class RefChange:
    """One ref of a plan. `old` and `new` are object ids; empty means that the ref is not there.

    Symbolic refs, HEAD among them, hold `ref: refs/heads/main` as in their files. Where `old` and `new` are the same,
    only what belongs to the ref changes, such as what it follows.
    """

    ref: str
    side: Side
    old: str
    new: str
    reason: str
    remote: str = ""
    recoverable: bool = True
    ticked: bool = True
    """Whether it is done unless the user says otherwise."""
    locked: str = ""
    """Why it cannot be ticked at all; empty when it can."""
    commits: int = 0
    """Commits that are on no other branch: what would be at stake."""

    @property
    def key(self) -> str:
        """Identifies the change within its plan."""
        return f"{self.side}:{self.remote}:{self.ref}"


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One value of the repository's configuration; None means that the key is not there."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation would do. Nothing has happened yet."""

    kind: OperationKind
    repository: str
    title: str
    changes: tuple[RefChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    """The exact git commands, in order. What follows a `<<<` is given to standard input, a line for each."""
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    """What undo cannot bring back, and other things to beware of."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """What the plan was made from, so that it can be made again."""
    remarks: tuple[str, ...] = ()
    """What is good to know, and no reason to worry."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A ref that an operation leaves alone, and why."""

    ref: str
    why: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What an operation did: the outcome of a plan."""

    op_id: str
    kind: OperationKind
    repository: str
    dry_run: bool
    state: OperationState
    plan: tuple[RefChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    done: tuple[RefChange, ...] = ()
    refused: tuple[Refusal, ...] = ()
    message: str = ""
    at: float = 0.0
    undone_by: str | None = None
    undoes: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class GitSnapshot:
    """All followed repositories, in the order of the configuration."""

    repositories: tuple[RepositoryState, ...] = ()

    def find(self, name: str) -> RepositoryState | None:
        """The repository of this name."""
        return next((state for state in self.repositories if state.name == name), None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a folder held when something was made from it: `tree` is git's id of its content, uncommitted changes
    included; `dirty` tells that there were some."""

    commit: str
    tree: str
    dirty: bool
