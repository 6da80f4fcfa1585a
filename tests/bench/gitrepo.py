"""A repository of any size, made in seconds with `git fast-import`.

Of its branches a quarter each is merged, squashed, rebased and open. Every commit changes one file of a tree of many,
and the default branch goes on while the branches are young, as in a repository where people work.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = ("merged", "squashed", "rebased", "open")
_START = 1_600_000_000
_STEP_S = 600


@dataclass(frozen=True, slots=True)
class Size:
    """`branches` besides the default one, `commits` in all (about), so many files, commits on each branch."""

    branches: int = 2000
    commits: int = 50_000
    files: int = 7900
    each: int = 4


class _Writer:
    """Commits as fast-import reads them."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._mark = 0
        self.commits = 0

    def commit(
        self, ref: str, parents: tuple[int, ...], changes: Mapping[str, str], subject: str, when: int
    ) -> tuple[int, bytes]:
        """A commit and its text."""
        self._mark += 1
        self.commits += 1
        author = f"Author {when % 37} <author{when % 37}@example.test>"
        parts = [f"commit {ref}\nmark :{self._mark}\n"]
        parts.append(f"author {author} {_START + when * _STEP_S} +0000\n")
        parts.append(f"committer {author} {_START + self.commits * _STEP_S} +0000\ndata {len(subject)}\n{subject}\n")
        parts += [f"{'from' if place == 0 else 'merge'} :{parent}\n" for place, parent in enumerate(parents)]
        parts += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in changes.items()]
        return self._mark, "".join(parts).encode()


def _path(number: int) -> str:
    return f"src/part{number % 53:02}/module{number // 53:03}.txt"


def _stream(size: Size) -> Iterator[bytes]:
    main = "refs/heads/main"
    writer = _Writer(size)
    files = {_path(number): f"file {number}\n" for number in range(size.files)}
    tip, text = writer.commit(main, (), files, "everything begins", 0)
    yield text
    landing = (1 + 1 + size.each) / 4 * size.branches
    own = size.branches * size.each
    between = max(1, int((size.commits - own - landing) / max(size.branches, 1)))
    for branch in range(size.branches):
        kind, name = KINDS[branch % 4], f"refs/heads/{KINDS[branch % 4]}/topic-{branch:05}"
        fork = tip
        # A branch's files are its own: work that has landed stays as it landed.
        paths = [_path(branch * 3 % size.files), _path((branch * 3 + 1) % size.files)]
        mine, when, changes = fork, writer.commits, {}
        for number in range(size.each):
            change = {paths[number % 2]: f"{name} {number}\n"}
            changes.update(change)
            mine, text = writer.commit(name, (mine,), change, f"{name} {number}", when + number)
            yield text
        for number in range(between):
            other = _path(size.files - 1 - (branch * between + number) % max(1, size.files - size.branches * 3))
            subject = f"work {branch} {number}"
            tip, text = writer.commit(main, (tip,), {other: f"{subject}\n"}, subject, writer.commits)
            yield text
        if kind == "merged":
            tip, text = writer.commit(main, (tip, mine), changes, f"Merge {name}", writer.commits)
            yield text
        elif kind == "squashed":
            tip, text = writer.commit(main, (tip,), changes, f"{name} (#{branch})", writer.commits)
            yield text
        elif kind == "rebased":
            for number in range(size.each):
                change = {paths[number % 2]: f"{name} {number}\n"}
                tip, text = writer.commit(main, (tip,), change, f"{name} {number}", when + number)
                yield text


def make(folder: Path, size: Size | None = None, *, commit_graph: bool = False) -> Path:
    """Make the repository in `folder`, with a bare remote beside it that has the same branches; its path."""
    size = size or Size()
    work, bare = folder / "work", folder / "origin.git"
    work.mkdir(parents=True)
    _git(work, "init", "-q", "--initial-branch=main")
    with subprocess.Popen(
        ("git", "fast-import", "--quiet", "--force"), cwd=work, stdin=subprocess.PIPE, env=None
    ) as process:
        assert process.stdin is not None
        for part in _stream(size):
            process.stdin.write(part)
    if process.returncode:
        raise SystemExit("git fast-import failed")
    _git(work, "pack-refs", "--all")
    _git(work, "reset", "-q", "--hard", "main")
    _git(folder, "clone", "-q", "--mirror", "--shared", str(work), str(bare))
    _git(work, "remote", "add", "origin", str(bare))
    _git(work, "fetch", "-q", "origin")
    _git(work, "remote", "set-head", "origin", "main")
    with (work / ".git" / "config").open("a", encoding="utf-8") as file:
        for ref in _git(work, "for-each-ref", "--format=%(refname)", "refs/heads").splitlines():
            name = ref.removeprefix("refs/heads/")
            file.write(f'[branch "{name}"]\n\tremote = origin\n\tmerge = {ref}\n')
    _git(work, "pack-refs", "--all")
    if commit_graph:
        _git(work, "commit-graph", "write", "--reachable")
    return work


def _git(folder: Path, *args: str) -> str:
    return subprocess.run(("git", *args), cwd=folder, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    import sys

    print(make(Path(sys.argv[1]), commit_graph="--commit-graph" in sys.argv[2:]))
