"""What a push, a merge or a tag brought: its commits in groups, who made them, and where they can be seen.

Everything here came out of a repository and may hold any character; templates are to use their `md` filter on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.errors import UserError
from app.git.cli import Git
from app.git.weblinks import WebLinks, links
from app.git.words import shown

Event = Literal["push", "merge", "tag"]
MOST = 200
"""Commits that are told one by one."""

_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z]{2,20})(?:\((?P<scope>[^()\n]{1,60})\))?(?P<bang>!)?:[ \t]+(?P<text>\S.*)"
)
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
_MERGED = re.compile(
    r"Merge (?:(?:remote-tracking )?branch '(?P<branch>[^']+)'|pull request (?P<number>#\d+) from (?P<from>\S+))"
)
_TITLES: Mapping[str, str] = {
    "feat": "Features",
    "fix": "Fixes",
    "perf": "Speed",
    "refactor": "Refactoring",
    "docs": "Documentation",
    "test": "Tests",
    "build": "Build",
    "ci": "Continuous integration",
    "style": "Style",
    "chore": "Chores",
    "revert": "Reverts",
}
_SAME: Mapping[str, str] = {
    "feature": "feat",
    "features": "feat",
    "bugfix": "fix",
    "hotfix": "fix",
    "doc": "docs",
    "tests": "test",
    "performance": "perf",
    "deps": "build",
}
OTHER = "Other changes"


@dataclass(frozen=True, slots=True)
class Line:
    """One commit as it is told. `text` is the subject without its type and scope."""

    oid: str
    text: str
    scope: str
    author: str
    url: str
    breaking: bool = False

    @property
    def short(self) -> str:
        """The beginning of the object id."""
        return self.oid[:9]


@dataclass(frozen=True, slots=True)
class Group:
    """Commits of one kind, oldest first."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What is told. Links are empty where the host is not known."""

    event: Event
    repository: str
    name: str
    """The branch, or the tag."""
    old: str
    new: str
    groups: tuple[Group, ...] = ()
    breaking: tuple[Line, ...] = ()
    authors: tuple[tuple[str, int], ...] = ()
    """With the number of their commits, most first."""
    merged: tuple[str, ...] = ()
    """What was merged, such as `feature/x` or `#12`."""
    total: int = 0
    left_out: int = 0
    forced: bool = False
    """Commits that were there before are not any more."""
    created: bool = False
    pushed: bool = True
    """Whether the remote has it, as far as is known here."""
    ranged: bool = False
    """A range that was asked for, which need not be what one push brought."""
    message: str = ""
    """What an annotated tag says."""
    home: str = ""
    url: str = ""
    """The page that shows all of it."""


async def of_push(
    git: Git,
    repository: str,
    branch: str,
    old: str,
    new: str,
    *,
    remote: str = "origin",
    default: str = "",
    pushed: bool = True,
) -> News:
    """What a push of `branch` from `old` (empty: a new branch) to `new` brought. Raises UserError (GitError).

    A push to the default branch that brings merges is a `merge`. With `pushed` False it is what waits to be pushed.
    """
    # What is not there yet has no page.
    web = await web_of(git, remote) if pushed else None
    base = f"refs/remotes/{remote}/{default}" if default and default != branch else ""
    known = (await git.run("rev-parse", "--verify", "-q", "--end-of-options", base, ok=(0, 1, 128))).code if base else 1
    forced = False
    if old:
        forced = (await git.run("merge-base", "--is-ancestor", old, new, ok=(0, 1, 128))).code != 0
        span = [new, f"^{old}"]
    else:
        span = [new, f"^{base}"] if base and known == 0 else [new]
    commits = await _commits(git, span)
    merges = [commit for commit in commits if len(commit.parents) > 1]
    direct = await _first_parents(git, span) if merges and branch == default else set()
    merged = tuple(filter(None, (_merged(commit.subject) for commit in merges if commit.oid in direct)))
    event: Event = "merge" if any(commit.oid in direct for commit in merges) else "push"
    url = ""
    if web is not None:
        url = web.compare(old, new) if old and not forced else web.branch(branch)
    return _news(
        event,
        repository,
        branch,
        old,
        new,
        commits,
        web,
        merged=merged,
        forced=forced,
        created=not old,
        pushed=pushed,
        url=url,
    )


async def of_tag(git: Git, repository: str, tag: str, *, remote: str = "origin") -> News:
    """What a tag holds that the tag before it does not. Raises UserError (GitError)."""
    ref = f"refs/tags/{tag}"
    new = await _commit_of(git, ref)
    about = await git.run("for-each-ref", "--format=%(objecttype)%00%(contents:subject)%00%(contents:body)", ref)
    kind, subject, body = (*about.line.split("\0"), "", "")[:3]
    found = await git.run("describe", "--tags", "--abbrev=0", "--end-of-options", f"{new}^", ok=(0, 128))
    before = found.line if found.code == 0 else ""
    old = await _commit_of(git, f"refs/tags/{before}") if before else ""
    commits = await _commits(git, [new, f"^{old}"] if old else [new])
    web = await web_of(git, remote)
    message = f"{subject}\n\n{body}".strip() if kind == "tag" else ""
    url = web.tag(tag) if web is not None else ""
    return _news("tag", repository, tag, old, new, commits, web, message=message, created=True, url=url)


async def of_time(git: Git, repository: str, since: datetime) -> News:
    """What was committed to the branch that is checked out since a moment. Raises UserError (GitError)."""
    import asyncio

    async def web() -> WebLinks | None:
        return await web_of(git, await remote_of(git))

    head, new, pages = await asyncio.gather(
        git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1)),
        git.run("rev-parse", "--verify", "-q", "HEAD", ok=(0, 1)),
        web(),
    )
    commits = await _commits(git, ["HEAD"], f"--since={since.isoformat()}") if new.code == 0 else []
    branch = head.line.removeprefix("refs/heads/")
    old = commits[-1].oid if commits else ""
    return _news("push", repository, branch, old, new.line, commits, pages, url="", ranged=True)


async def latest(git: Git, repository: str, what: str = "", *, remote: str = "origin", default: str = "") -> News:
    """What is told by hand: a tag, a branch, a range `A..B`, or nothing for the branch that is checked out.

    Of a branch it is what was last pushed, else what waits to be pushed. Raises UserError.
    """
    if ".." in what:
        return await _of_range(git, repository, what, remote)
    tagged = what.removeprefix("refs/tags/")
    if what and not what.startswith("refs/heads/") and await _exists(git, f"refs/tags/{tagged}"):
        return await of_tag(git, repository, tagged, remote=remote)
    branch = what.removeprefix("refs/heads/")
    if not branch:
        head = (await git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1))).line
        branch = head.removeprefix("refs/heads/")
    if not branch or not await _exists(git, f"refs/heads/{branch}"):
        called = shown(what) if what else "the commit at hand"
        raise UserError(
            f"{called} is no branch, tag or range", where=str(git.path), fix="name one, such as v1.0 or A..B"
        )
    old, new, pushed = await _last_push(git, remote, branch)
    return await of_push(git, repository, branch, old, new, remote=remote, default=default, pushed=pushed)


async def remote_of(git: Git, wanted: str = "") -> str:
    """The remote that counts: the wanted one, else origin, else the first; `origin` where there is none."""
    if wanted:
        return wanted
    listed = (await git.run("config", "-z", "--name-only", "--get-regexp", r"^remote\..*\.url$", ok=(0, 1))).records
    names = [key.removeprefix("remote.").removesuffix(".url") for key in listed]
    return names[0] if names and "origin" not in names else "origin"


async def default_of(git: Git, remote: str, wanted: str = "") -> str:
    """The default branch: the wanted one, else what the remote's HEAD names here; empty where nobody knows."""
    if wanted:
        return wanted
    head = await git.run("symbolic-ref", "-q", f"refs/remotes/{remote}/HEAD", ok=(0, 1, 128))
    return head.line.removeprefix(f"refs/remotes/{remote}/") if head.code == 0 else ""


async def web_of(git: Git, remote: str) -> WebLinks | None:
    """The pages of a remote, by its name or its address."""
    url = remote
    if "/" not in remote and ":" not in remote:
        url = (await git.run("config", "--get", f"remote.{remote}.url", ok=(0, 1))).line
    return links(url)


@dataclass(frozen=True, slots=True)
class _Commit:
    oid: str
    parents: tuple[str, ...]
    author: str
    helpers: tuple[str, ...]
    subject: str
    body: str


async def _commits(git: Git, span: Iterable[str], *options: str) -> list[_Commit]:
    """Newest first, one more than are told so that it shows whether there are more."""
    helpers = "%(trailers:key=Co-authored-by,valueonly,separator=%x1f)"
    form = f"--format=%H%x00%P%x00%aN%x00{helpers}%x00%s%x00%b"
    args = ("-z", form, "--encoding=UTF-8", "--topo-order", *options, "--end-of-options", *span, "--")
    fields = (await git.run("log", *args, timeout_s=60)).text.split("\0")
    found = []
    for start in range(0, len(fields) - 5, 6):
        oid, parents, author, others, subject, body = fields[start : start + 6]
        named = tuple(name.split("<")[0].strip() for name in others.split("\x1f") if name.strip())
        found.append(_Commit(oid.strip(), tuple(parents.split()), author, named, subject, body))
    return found


async def _first_parents(git: Git, span: Iterable[str]) -> set[str]:
    return set((await git.run("rev-list", "--first-parent", "--end-of-options", *span)).text.split())


async def _of_range(git: Git, repository: str, what: str, remote: str) -> News:
    old, _, new = what.partition("...") if "..." in what else what.partition("..")
    old, new = await _commit_of(git, old or "HEAD"), await _commit_of(git, new or "HEAD")
    there = await git.run("for-each-ref", "--count=1", f"--contains={new}", f"refs/remotes/{remote}/")
    pushed = bool(there.line)
    web = await web_of(git, remote) if pushed else None
    url = web.compare(old, new) if web is not None else ""
    commits = await _commits(git, [new, f"^{old}"])
    return _news("push", repository, what, old, new, commits, web, url=url, pushed=pushed, ranged=True)


async def _last_push(git: Git, remote: str, branch: str) -> tuple[str, str, bool]:
    """What the last push of a branch replaced and brought; else what is there, what waits, and False."""
    tip = await _commit_of(git, f"refs/heads/{branch}")
    tracked = f"refs/remotes/{remote}/{branch}"
    if not await _exists(git, tracked):
        return "", tip, False
    there = await _commit_of(git, tracked)
    if there != tip and (await git.run("merge-base", "--is-ancestor", there, tip, ok=(0, 1, 128))).code == 0:
        return there, tip, False
    said = await git.run("log", "-g", "-z", "--format=%H%x00%gs", "--end-of-options", tracked, "--", ok=(0, 128))
    fields = said.text.split("\0") if said.code == 0 else []
    moves = [(fields[at], fields[at + 1]) for at in range(0, len(fields) - 1, 2)]
    for (oid, why), after in zip(moves, [*moves[1:], ("", "")], strict=False):
        if why.startswith("update by push"):
            return after[0], oid, True
    return "", there, True


async def _exists(git: Git, ref: str) -> bool:
    return (await git.run("show-ref", "--verify", "-q", "--", ref, ok=(0, 1, 128))).code == 0


async def _commit_of(git: Git, name: str) -> str:
    found = await git.run("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128))
    if found.code:
        raise UserError(
            f"{shown(name)} names no commit", where=str(git.path), fix="name a branch, a tag or a range A..B"
        )
    return found.line


def _news(
    event: Event,
    repository: str,
    name: str,
    old: str,
    new: str,
    commits: list[_Commit],
    web: WebLinks | None,
    *,
    url: str,
    merged: tuple[str, ...] = (),
    forced: bool = False,
    created: bool = False,
    pushed: bool = True,
    ranged: bool = False,
    message: str = "",
) -> News:
    plain = [commit for commit in commits if len(commit.parents) < 2]
    groups: dict[str, list[Line]] = {}
    for commit in reversed(plain[:MOST]):
        title, line = _line(commit, web)
        groups.setdefault(title, []).append(line)
    order = [*_TITLES.values(), OTHER]
    ordered = tuple(Group(title, tuple(groups[title])) for title in order if title in groups)
    authors = Counter(name for commit in plain for name in dict.fromkeys((commit.author, *commit.helpers)))
    return News(
        event=event,
        repository=repository,
        name=name,
        old=old,
        new=new,
        groups=ordered,
        breaking=tuple(line for group in ordered for line in group.lines if line.breaking),
        authors=tuple(sorted(authors.items(), key=lambda item: (-item[1], item[0]))),
        merged=merged,
        total=len(plain),
        left_out=max(0, len(plain) - MOST),
        forced=forced,
        created=created,
        pushed=pushed,
        ranged=ranged,
        message=message,
        home=web.home if web is not None else "",
        url=url,
    )


def _line(commit: _Commit, web: WebLinks | None) -> tuple[str, Line]:
    match = _CONVENTIONAL.fullmatch(commit.subject)
    kind = match["type"].lower() if match else ""
    title = _TITLES.get(_SAME.get(kind, kind), "")
    told = match if title else None
    breaking = bool((told and told["bang"]) or _BREAKING.search(commit.body))
    line = Line(
        oid=commit.oid,
        text=told["text"] if told else commit.subject,
        scope=(told["scope"] or "") if told else "",
        author=commit.author,
        url=web.commit(commit.oid) if web is not None else "",
        breaking=breaking,
    )
    return title or (_TITLES["revert"] if commit.subject.startswith('Revert "') else OTHER), line


def _merged(subject: str) -> str:
    match = _MERGED.match(subject)
    return "" if match is None else match["branch"] or f"{match['number']} ({match['from']})"
