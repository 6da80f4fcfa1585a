"""All branches, local and of remotes, by one call of git."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from app.git.failures import GitError

if TYPE_CHECKING:
    from app.git.cli import Git, Output

Parsed = TypeVar("Parsed")

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
REPLACE = "refs/replace/"

_FIELDS = (
    "objectname",
    "refname",
    "upstream",
    "push",
    "symref",
    "committerdate:unix",
    "authorname",
    "parent",
    "subject",
    "HEAD",
    "worktreepath",
)
_FORMAT = "--format=" + "".join(f"%({field})%00" for field in _FIELDS)
_BROKEN = re.compile(r"^warning: ignoring (?:broken|dangling|ref with broken) (?:ref|symref|name) (.+)$", re.MULTILINE)
_PLAIN = "--format=%(objectname)%00%(refname)%00%(symref)%00"
_COMMIT = "--format=tformat:%H%x00%ct%x00%an%x00%P%x00%s"
_THREAD_CHARACTERS = 100_000
_CHUNK = 400
"""Names given to one call, so that no system finds its arguments too long."""


class Ref(NamedTuple):
    """One ref, its names in full. Text is as it stands in the repository; `time` in seconds since 1970."""

    oid: str
    name: str
    upstream: str
    """The remote-tracking ref that it is set to follow, whether that exists or not."""
    push: str
    """The remote-tracking ref of where `git push` would go."""
    symref: str
    """What it points to, if it is symbolic."""
    time: int
    author: str
    parents: tuple[str, ...]
    subject: str
    is_head: bool
    worktree: str
    """The working tree that has it checked out."""


_UNKNOWN = Ref("", "", "", "", "", 0, "", (), "", False, "")


@dataclass(frozen=True)
class Refs:
    """All refs of the branches, by full name, and those that cannot be read, with why."""

    all: dict[str, Ref]
    broken: tuple[tuple[str, str], ...] = ()

    def under(self, prefix: str) -> list[Ref]:
        """Those whose name begins so, symbolic ones left out."""
        return [ref for ref in self.all.values() if ref.name.startswith(prefix) and not ref.symref]

    @cached_property
    def replaced(self) -> bool:
        """Whether git shows other commits in place of some."""
        return any(name.startswith(REPLACE) for name in self.all)

    @cached_property
    def symbolic(self) -> dict[str, str]:
        """Symbolic refs and what they point to."""
        return {ref.name: ref.symref for ref in self.all.values() if ref.symref}


async def read_refs(git: Git) -> Refs:
    """List local branches, remote-tracking branches and replacements. Raises GitError.

    Most remote-tracking branches stand where local ones do, so their commits are not read a second time.
    """
    try:
        heads, others = await gather(
            git.run("for-each-ref", _FORMAT, HEADS), git.run("for-each-ref", _PLAIN, REMOTES, REPLACE)
        )
        refs = await _in_thread(parse, heads.text)
        known = {ref.oid: ref for ref in refs.values()}
        missing = await _in_thread(lambda text: _unknown(text, known), others.text)
        if missing:
            given = "".join(f"{oid}\n" for oid in missing).encode()
            said = await git.run("log", "--no-walk=unsorted", "-z", _COMMIT, "--stdin", input=given)
            known.update(await _in_thread(_parse_commits, said.text))
    except GitError as error:
        if error.kind not in ("failed", "no_objects"):
            raise
        return await _read_around(git, error)
    refs.update(await _in_thread(lambda text: _complete(text, known), others.text))
    said_of = heads.stderr + "\n" + others.stderr
    return Refs(refs, tuple((name, "the ref does not hold a valid object id") for name in _BROKEN.findall(said_of)))


async def gather(first: Awaitable[Output], second: Awaitable[Output]) -> tuple[Output, Output]:
    """Both results; when one fails, the other is waited for before the error goes on."""
    results = await asyncio.gather(first, second, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results[0], results[1]  # type: ignore[return-value]  # no exceptions are left


async def _in_thread(parse_text: Callable[[str], Parsed], text: str) -> Parsed:
    """Long output is taken apart beside the event loop."""
    return await asyncio.to_thread(parse_text, text) if len(text) > _THREAD_CHARACTERS else parse_text(text)


def _parse_plain(text: str) -> Iterator[tuple[str, str, str]]:
    fields = iter(text.split("\0"))
    for oid, name, symref in zip(fields, fields, fields, strict=False):
        yield oid.removeprefix("\n"), name, symref


def _unknown(text: str, known: Container[str]) -> set[str]:
    """The commits of remote-tracking branches that are not among the known ones."""
    return {
        oid for oid, name, symref in _parse_plain(text) if oid not in known and not symref and name.startswith(REMOTES)
    }


def _complete(text: str, known: Mapping[str, Ref]) -> dict[str, Ref]:
    """Refs by name, from what is known of their commits."""
    refs = {}
    for oid, name, symref in _parse_plain(text):
        _, _, _, _, _, when, author, parents, subject, _, _ = known.get(oid, _UNKNOWN)
        refs[name] = Ref(oid, name, "", "", symref, when, author, parents, subject, False, "")
    return refs


def _parse_commits(text: str) -> dict[str, Ref]:
    """By commit, refs that have everything but a name."""
    fields = iter(text.split("\0"))
    return {
        oid: _UNKNOWN._replace(oid=oid, time=int(when), author=author, parents=tuple(parents.split()), subject=subject)
        for oid, when, author, parents, subject in zip(*(fields,) * 5, strict=False)
    }


def parse(text: str) -> dict[str, Ref]:
    """From what for-each-ref prints: fields ended by NUL, of which the last is followed by a line end."""
    refs: dict[str, Ref] = {}
    fields = text.split("\0")
    width = len(_FIELDS)
    for at in range(0, len(fields) - width, width):
        oid, name, upstream, push, symref, when, author, parents, subject, head, worktree = fields[at : at + width]
        refs[name] = Ref(
            oid.removeprefix("\n"),
            name,
            upstream,
            push,
            symref,
            int(when) if when else 0,
            author,
            tuple(parents.split()),
            subject,
            head == "*",
            worktree,
        )
    return refs


async def _read_around(git: Git, error: GitError) -> Refs:
    """The readable refs, where an object is missing or damaged and git lists nothing at all."""
    plain = await git.run("for-each-ref", "--format=%(objectname)%00%(refname)%00", HEADS, REMOTES, REPLACE)
    fields = plain.text.split("\0")
    named = {fields[at + 1]: fields[at].removeprefix("\n") for at in range(0, len(fields) - 1, 2)}
    checked = await git.run("cat-file", "--batch-check=%(objecttype)", input="\n".join(named.values()).encode() + b"\n")
    kinds = dict(zip(named, checked.text.splitlines(), strict=False))
    broken = [
        (name, f"the object {oid} is missing or damaged")
        for name, oid in named.items()
        if kinds.get(name) not in ("commit", "tag", "tree", "blob")
    ]
    if not broken:
        raise error
    unreadable = {name for name, _ in broken}
    readable = [name for name in named if name not in unreadable]
    refs: dict[str, Ref] = {}
    for at in range(0, len(readable), _CHUNK):
        part = readable[at : at + _CHUNK]
        found = parse((await git.run("for-each-ref", _FORMAT, *part)).text)
        refs.update((name, ref) for name, ref in found.items() if name not in unreadable)
    return Refs(refs, tuple(broken))
