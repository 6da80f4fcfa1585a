"""Real repositories with real bare remotes, made by git itself in a home of their own.

`Place` is a folder with a home, a global configuration and any number of repositories; `Repo` is one of them. What a
`Repo` does is what a user would type: times, authors and names are fixed, so that the same steps give the same object
ids. The fixture `place` (conftest.py) puts the place's home into this process's environment, so that the product reads
the same global configuration as these repositories.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START = 1_700_000_000
"""Time of the first commit, seconds since 1970; every later one of the place is a minute younger."""
ZERO = "0" * 40

_GLOBAL = """\
[user]
    name = Ada Tester
    email = ada@example.test
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[tag]
    gpgSign = false
[protocol "file"]
    allow = always
[advice]
    detachedHead = false
[gc]
    auto = 0
"""


def clean_environment(home: Path) -> dict[str, str]:
    """The variables of this process without git's and the machine's own, with `home` as the home."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_", "XDG_"))}
    env.update(
        HOME=str(home),
        GIT_CONFIG_GLOBAL=str(home / ".gitconfig"),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_SYSTEM=os.devnull,
        QUARTERDECK_HOME=str(home / "quarterdeck"),
    )
    return env


class GitFailedError(AssertionError):
    """git ended with an unexpected code."""


@dataclass(slots=True)
class Place:
    """A folder with its own home, in which repositories are made."""

    root: Path
    clock: int = 0
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / ".gitconfig").write_text(_GLOBAL, "utf-8")
        self.env = clean_environment(self.home)

    @property
    def home(self) -> Path:
        """Where `~` is for everything in this place."""
        return self.root / "home"

    def tick(self) -> dict[str, str]:
        """The dates of the next commit, a minute after the last."""
        self.clock += 60
        date = f"{START + self.clock} +0000"
        return {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}

    def set_global(self, text: str) -> None:
        """Add lines to the global configuration."""
        with (self.home / ".gitconfig").open("a", encoding="utf-8") as file:
            file.write(text)

    def init(self, name: str = "work", *args: str, branch: str = "main") -> Repo:
        """A repository without a commit; `args` are further arguments of `git init`."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        repo = Repo(self, path)
        repo.git("init", "-q", f"--initial-branch={branch}", *args)
        return repo

    def bare(self, name: str = "origin.git", *args: str, branch: str = "main") -> Repo:
        """An empty bare repository, to be a remote."""
        return self.init(name, "--bare", *args, branch=branch)

    def repo(self, name: str = "work", *, remote: str = "origin", branch: str = "main") -> Repo:
        """A repository with one commit on its default branch, pushed to its own bare remote, whose HEAD is known here.

        The remote is the folder `NAME.git` beside it; `remote` is how it is called here.
        """
        bare = self.bare(f"{name}.git", branch=branch)
        repo = self.init(name, branch=branch)
        repo.commit("first", {"README.md": "first\n"})
        repo.git("remote", "add", remote, str(bare.path))
        repo.push(branch, remote=remote)
        repo.git("remote", "set-head", remote, branch)
        return repo

    def clone(self, source: Repo | str, name: str, *args: str) -> Repo:
        """A clone of a repository, or of an address, with further arguments of `git clone`."""
        address = source if isinstance(source, str) else str(source.path)
        Repo(self, self.root).git("clone", "-q", *args, "--", address, name)
        return Repo(self, self.root / name)


@dataclass(slots=True)
class Repo:
    """One repository, or one working tree of it."""

    place: Place
    path: Path

    # What git says

    def run(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 -- the name it has in subprocess
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git here; with `check` a code other than 0 is an error that tells what git said."""
        done = subprocess.run(
            ("git", *args),
            cwd=self.path,
            env={**self.place.env, **(env or {})},
            input=input,
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            raise GitFailedError(f"git {' '.join(args)} in {self.path}: exit {done.returncode}\n{said}")
        return done

    def git(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 -- the name it has in subprocess
        env: Mapping[str, str] | None = None,
    ) -> str:
        """What git prints, without the last line ends; bytes that are not UTF-8 survive as surrogates."""
        return self.run(*args, input=input, env=env).stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def oid(self, name: str = "HEAD") -> str:
        """The object id of anything that names one; empty if it names nothing."""
        done = self.run("rev-parse", "--verify", "-q", "--end-of-options", name, check=False)
        return done.stdout.decode().strip()

    def refs(self, *prefixes: str) -> dict[str, str]:
        """All refs by their full name, without the symbolic ones."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)", *prefixes).splitlines()
        return {
            name: oid for name, oid, symref in (line.rsplit(" ", 2) for line in lines if line.strip()) if not symref
        }

    def config(self, key: str) -> str | None:
        """A value of the repository's own configuration, None where it has none."""
        done = self.run("config", "--local", "--get", key, check=False)
        return None if done.returncode else done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def reflog(self, ref: str) -> list[str]:
        """The object ids that a ref has had, youngest first."""
        return self.git("reflog", "show", "--format=%H", ref, "--").splitlines()

    @property
    def git_dir(self) -> Path:
        """The folder with this working tree's HEAD and index."""
        return Path(self.git("rev-parse", "--absolute-git-dir"))

    @property
    def common_dir(self) -> Path:
        """The folder with the refs and objects."""
        return Path(os.path.normpath(self.path / self.git("rev-parse", "--git-common-dir")))

    @property
    def origin(self) -> Repo:
        """The bare repository that `origin` names."""
        return Repo(self.place, Path(self.git("config", "remote.origin.url")))

    # Commits

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files by their relative paths."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))

    def commit(
        self, message: str = "change", files: Mapping[str, str | bytes] | None = None, *, author: str = ""
    ) -> str:
        """Commit these files with everything else that has changed; without files one named after the message."""
        self.write({f"{abs(hash_of(message)):x}.txt": f"{message}\n"} if files is None else files)
        self.git("add", "-A")
        args = [f"--author={author}"] if author else []
        self.git("commit", "-q", "--allow-empty", "-m", message, *args, env=self.place.tick())
        return self.oid()

    def commits(self, *messages: str) -> list[str]:
        """One commit for each message, each with a file of its own."""
        return [self.commit(message) for message in messages]

    def plumb(self, message: str, parents: Sequence[str] = (), tree: str = "") -> str:
        """A commit object with any parents, on no branch; `tree` defaults to the empty one."""
        tree = tree or self.git("hash-object", "-t", "tree", "-w", "--stdin")
        args = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *args, "-m", message, env=self.place.tick())

    # Branches

    def branch(self, name: str, at: str = "HEAD") -> None:
        """Make a branch without switching to it."""
        self.git("branch", "-q", "--no-track", "--", name, at)

    def switch(self, name: str, *, create: bool = False, at: str = "HEAD") -> None:
        """Switch to a branch, making it first with `create`."""
        self.git("switch", "-q", *(("--no-track", "-c", name, at) if create else (name,)))

    def topic(self, name: str, *messages: str, at: str = "main", push: bool = False) -> str:
        """A branch of `at` with a commit for each message, back to `at` afterwards; its tip."""
        self.switch(name, create=True, at=at)
        self.commits(*messages)
        tip = self.oid()
        if push:
            self.push(name)
        self.switch(at)
        return tip

    def delete(self, *names: str) -> None:
        """Delete local branches without a question."""
        self.git("branch", "-q", "-D", "--", *names)

    def raw_ref(self, ref: str | bytes, oid: str) -> None:
        """Make a ref of any name that git's own commands would refuse to build, such as one that begins with `-`."""
        name = ref.encode("utf-8", "surrogateescape") if isinstance(ref, str) else ref
        self.git("update-ref", "-z", "--stdin", input=b"update %s\0%s\0\0" % (name, oid.encode()))

    # How work lands

    def merge(self, name: str, *, ff: bool = False) -> str:
        """Merge into the current branch, with a merge commit unless `ff`."""
        self.git("merge", "-q", "--ff" if ff else "--no-ff", "--no-edit", name, env=self.place.tick())
        return self.oid()

    def squash_merge(self, name: str, message: str = "") -> str:
        """Put a branch's work into the current one as a single commit, as hosts do."""
        self.git("merge", "-q", "--squash", name)
        self.git("commit", "-q", "--allow-empty", "-m", message or f"{name} squashed", env=self.place.tick())
        return self.oid()

    def rebase_merge(self, name: str) -> str:
        """Put copies of a branch's commits onto the current one, as hosts do."""
        for oid in self.git("rev-list", "--reverse", f"HEAD..{name}").splitlines():
            self.git("cherry-pick", "--allow-empty", oid, env=self.place.tick())
        return self.oid()

    def revert(self, oid: str) -> str:
        """Take a commit back."""
        self.git("revert", "--no-edit", oid, env=self.place.tick())
        return self.oid()

    # Remotes

    def push(self, *names: str, remote: str = "origin", upstream: bool = True, force: bool = False) -> None:
        """Push branches to the same names there."""
        specs = [f"{'+' if force else ''}refs/heads/{name}:refs/heads/{name}" for name in names]
        self.git("push", "-q", *(("-u",) if upstream else ()), remote, *specs)

    def push_delete(self, *names: str, remote: str = "origin") -> None:
        """Delete branches there, and what is known of them here."""
        self.git("push", "-q", remote, *(f":refs/heads/{name}" for name in names))

    def fetch(self, remote: str = "origin", *, prune: bool = True) -> None:
        """Fetch, forgetting what is gone there."""
        self.git("fetch", "-q", *(("--prune",) if prune else ()), remote)

    def hook(self, name: str, script: str) -> Path:
        """Install a shell script as a hook."""
        path = self.common_dir / "hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        path.chmod(0o755)
        return path

    # Working trees

    def worktree(self, branch: str, *, name: str = "", at: str = "") -> Repo:
        """Another working tree with this branch, which is made where `at` says; beside this one."""
        path = self.path.with_name(name or f"{self.path.name}-{branch.replace('/', '-')}")
        args = ("--no-track", "-b", branch, str(path), at) if at else (str(path), branch)
        self.git("worktree", "add", "-q", *args)
        return Repo(self.place, path)

    def stash(self, message: str = "later") -> None:
        """Put all changes aside."""
        self.git("stash", "push", "-q", "-u", "-m", message, env=self.place.tick())

    def conflict(self, name: str = "other", path: str = "both.txt") -> None:
        """Make `name` and the current branch change one file differently, so that joining them cannot succeed."""
        here = self.git("symbolic-ref", "--short", "HEAD")
        self.commit(f"{path} begins", {path: "one\n"})
        self.switch(name, create=True)
        self.commit(f"{path} there", {path: "there\n"})
        self.switch(here)
        self.commit(f"{path} here", {path: "here\n"})

    def attempt(self, *args: str) -> int:
        """Run a git command that may fail, such as a merge with conflicts; its code."""
        return self.run(*args, env=self.place.tick(), check=False).returncode


def hash_of(text: str) -> int:
    """A number that depends on the text alone."""
    value = 5381
    for byte in text.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value
