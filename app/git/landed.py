"""Whether a branch's work is in the base though its commits are not: squashed, rebased, picked.

The proof is what a merge would do: where it would change nothing, all is there. Most branches need no merge for the
answer: where every file that a branch changes is in the base as the branch leaves it, a merge changes nothing; where a
file is in the base as it was before the branch, a merge would change it. Only what lies between is put to
`git merge-tree`, which writes into an object directory of its own that is thrown away.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.git.failures import GitError

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.repository import Layout

_TIMEOUT_S = 120.0
_AT_ONCE = 2
_BATCH = 250
"""Merges given to one process where git takes many."""
_STDIN_SINCE = (2, 40)
_CONFLICT = re.compile(r"^[0-7]{6} [0-9a-f]+ [1-3]\t")

Entry = tuple[str, str]
"""Mode and object id of a file."""
_NOTHING: Entry = ("000000", "")

NOTHING_LEFT = "merging it would change nothing"
SAME_FILES = "every file that it changes is there as it left it"
NO_CHANGES = "its commits change no file"


class Candidate(NamedTuple):
    """A tip, and the one commit where it left the base; without one only a merge can tell."""

    tip: str
    fork: str | None


class Tree:
    """The files of the base."""

    def __init__(self, listed: str) -> None:
        """From what `git ls-tree -r -z` prints."""
        self.files: dict[str, Entry] = {}
        for record in listed.split("\0"):
            what, _, path = record.partition("\t")
            if path:
                mode, _, oid = what.split(" ")
                self.files[path] = (mode, oid)
        self.objects = {oid for _, oid in self.files.values()}

    def judge(self, changes: Sequence[tuple[str, Entry, Entry]]) -> bool | None:
        """Whether a merge would change nothing: yes, no, or to be tried. `changes` are paths with before and after."""
        tried = False
        for path, before, after in changes:
            here = self.files.get(path, _NOTHING)
            if here == after:
                continue
            # A file that the branch adds may have been moved here since, together with its folder.
            if here == before and not (before == _NOTHING and after[1] in self.objects):
                return False
            tried = True
        return None if tried else True


async def judge(
    git: Git, layout: Layout, base: str, candidates: Sequence[Candidate], harmless: Mapping[str, str]
) -> AsyncIterator[dict[str, str]]:
    """By tip, why its work is in the base; an empty text where it is not. The sure ones come first, then the others.

    What cannot be judged, for instance because its objects are missing here, is left out. Raises GitError.
    """
    forked = [candidate for candidate in candidates if candidate.fork]
    tried = [candidate.tip for candidate in candidates if not candidate.fork]
    if forked:
        tree, changes = await asyncio.to_thread(_compare, git, base, forked)
        sure = {}
        for tip, _ in forked:
            verdict = tree.judge(changes.get(tip, ()))
            if verdict is None:
                tried.append(tip)
            else:
                sure[tip] = "" if not verdict else SAME_FILES if changes.get(tip) else NO_CHANGES
        yield sure
    if tried:
        async for found in _merge_all(git, layout, base, tried, harmless):
            yield found


def _compare(
    git: Git, base: str, forked: Sequence[Candidate]
) -> tuple[Tree, dict[str, list[tuple[str, Entry, Entry]]]]:
    """The base's files, and what each branch changes. For a thread: both may be long."""
    tree = Tree(git.run_sync("ls-tree", "-r", "-z", "--full-tree", base, timeout_s=_TIMEOUT_S).text)
    given = "".join(f"{tip} {fork}\n" for tip, fork in forked).encode()
    options = ("-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
    said = git.run_sync("diff-tree", "--stdin", *options, input=given, timeout_s=_TIMEOUT_S)
    return tree, parse_changes(said.text)


def parse_changes(text: str) -> dict[str, list[tuple[str, Entry, Entry]]]:
    """By commit, the paths that changed with what they were and are, from `git diff-tree --stdin -z --raw`."""
    found: dict[str, list[tuple[str, Entry, Entry]]] = {}
    current: list[tuple[str, Entry, Entry]] = []
    fields = iter(text.split("\0"))
    for field in fields:
        if field.startswith(":"):
            old_mode, mode, old_oid, oid, _ = field[1:].split(" ")
            before = (old_mode, old_oid) if old_mode != "000000" else _NOTHING
            current.append((next(fields), before, (mode, oid) if mode != "000000" else _NOTHING))
        elif field.strip():
            current = found.setdefault(field.strip(), [])
    return found


async def _merge_all(
    git: Git, layout: Layout, base: str, tips: Sequence[str], harmless: Mapping[str, str]
) -> AsyncIterator[dict[str, str]]:
    tree = (await git.run("rev-parse", "--verify", "--end-of-options", f"{base}^{{tree}}")).line
    many = await git.version() >= _STDIN_SINCE
    with tempfile.TemporaryDirectory(prefix="quarterdeck-merge-") as folder:
        merging = _Merging(git, layout, Path(folder), base, tree, harmless)
        if many:
            for at in range(0, len(tips), _BATCH):
                part = tips[at : at + _BATCH]
                yield await merging.many(part) or {
                    tip: why for tip in part if (why := await merging.one(tip)) is not None
                }
            return
        gate = asyncio.Semaphore(_AT_ONCE)

        async def gated(tip: str) -> tuple[str, str | None]:
            async with gate:
                return tip, await merging.one(tip)

        running = [asyncio.create_task(gated(tip)) for tip in tips]
        try:
            for ended in asyncio.as_completed(running):
                tip, why = await ended
                if why is not None:
                    yield {tip: why}
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


class _Merging:
    """Merges whose results are thrown away."""

    def __init__(
        self, git: Git, layout: Layout, folder: Path, base: str, tree: str, harmless: Mapping[str, str]
    ) -> None:
        self._git, self._base, self._tree, self._harmless = git, base, tree, harmless
        self._env = {
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(str(layout.objects)),
        }

    async def one(self, tip: str) -> str | None:
        """Why nothing would change, empty if something would, None if that cannot be said."""
        try:
            done = await self._git.run(
                *("merge-tree", "--write-tree", "-z", "--no-messages", self._base, tip),
                env=self._env,
                config=self._harmless,
                timeout_s=_TIMEOUT_S,
                ok=(0, 1),
            )
        except GitError as error:
            # No common ancestor means that a merge would surely bring something.
            return "" if "unrelated histories" in error.stderr else None
        return NOTHING_LEFT if done.code == 0 and done.records[:1] == [self._tree] else ""

    async def many(self, tips: Sequence[str]) -> dict[str, str] | None:
        """All of them by one process; None where it does not answer as expected."""
        given = "".join(f"{self._base} {tip}\n" for tip in tips).encode()
        try:
            done = await self._git.run(
                *("merge-tree", "--write-tree", "--stdin", "--no-messages"),
                input=given,
                env=self._env,
                config=self._harmless,
                timeout_s=_TIMEOUT_S,
            )
        except GitError:
            return None
        trees = parse_merges(done.text, len(tips))
        if trees is None:
            return None
        return {tip: NOTHING_LEFT if tree == self._tree else "" for tip, tree in zip(tips, trees, strict=True)}


def parse_merges(text: str, count: int) -> list[str] | None:
    """The tree of each clean merge, empty for the others, from `git merge-tree --stdin --no-messages`.

    None where the output is not what this knows how to read.
    """
    trees: list[str] = []
    fields = iter(text.split("\0"))
    for status in fields:
        if status not in ("0", "1"):
            return trees if not status and next(fields, None) is None and len(trees) == count else None
        tree = next(fields, "")
        trees.append(tree if status == "1" else "")
        following = next(fields, None)
        while following is not None and _CONFLICT.match(following):
            following = next(fields, None)
        if following != "":
            return None
    return None


def _quoted(path: str) -> str:
    """As git reads lists of paths: a colon would end it."""
    if not any(character in path for character in ':"\\\n'):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class Signer(NamedTuple):
    """What a commit keeps when it is rebased or picked: its author's address and time, and its subject."""

    email: str
    time: str
    subject: str


class Copies:
    """Tells rebased work from squashed: whether every commit of a branch is in the base as a copy."""

    def __init__(self, git: Git, base: str, since: str | None) -> None:
        """`since` is a commit behind all places where branches left the base; without one the whole base is read."""
        self._git, self._range = git, ["--no-merges", base, *([f"^{since}"] if since else ())]
        self._there: set[Signer] | None = None

    async def how(self, own: Mapping[str, Sequence[str]]) -> dict[str, Literal["squashed", "rebased"]]:
        """For tips whose work is in the base, by their own commits without merges. Raises GitError."""
        if self._there is None:
            self._there = set((await _signers(self._git, self._range)).values())
        there = self._there
        wanted = "".join(f"{oid}\n" for commits in own.values() for oid in commits)
        here = await _signers(self._git, ["--no-walk=unsorted", "--stdin"], wanted.encode()) if wanted else {}
        return {
            tip: "rebased" if commits and all(here.get(oid) in there for oid in commits) else "squashed"
            for tip, commits in own.items()
        }


async def _signers(git: Git, args: Sequence[str], given: bytes = b"") -> dict[str, Signer]:
    done = await git.run(
        "log", "-z", "--format=tformat:%H%x00%ae%x00%at%x00%s", *args, input=given, timeout_s=_TIMEOUT_S
    )
    return await asyncio.to_thread(_parse_signers, done.text)


def _parse_signers(text: str) -> dict[str, Signer]:
    fields = text.split("\0")
    return {fields[at]: Signer(*fields[at + 1 : at + 4]) for at in range(0, len(fields) - 3, 4)}
