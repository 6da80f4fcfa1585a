"""What went wrong when git was called, in words that say what to do about it.

Part of the hooks' import path: small parts of the standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from app.errors import UserError

FailureKind = Literal[
    "failed",
    "timeout",
    "no_git",
    "gone",
    "not_a_repository",
    "dubious",
    "credentials",
    "network",
    "lock",
    "race",
    "rejected",
    "no_objects",
    "too_old",
    "stopped",
]

# Compiled where they are used: a hook starts with every push, and hardly ever needs one of them.
_KINDS: tuple[tuple[FailureKind, str], ...] = (
    ("dubious", r"detected dubious ownership|unsafe repository"),
    (
        "credentials",
        (
            r"could not read (?:Username|Password)|terminal prompts disabled|Authentication failed"
            r"|Permission denied \((?:publickey|password|keyboard)|Host key verification failed"
            r"|returned error: 40[137]|HTTP (?:Basic: )?Access denied|Support for password authentication was removed"
        ),
    ),
    ("lock", r"Unable to create '.*\.lock': File exists"),
    ("race", r"cannot lock ref .*(?:is at [0-9a-f]+ but expected|reference already exists)"),
    ("rejected", r"(?m)\[(?:remote )?rejected\]|^!\t"),
    ("not_a_repository", r"not a git repository"),
    ("no_objects", r"transport '[^']*' not allowed|lazy fetching disabled|could not fetch [0-9a-f]+ from"),
    ("too_old", r"unknown repository (?:extension|format)|Expected git repo version"),
    (
        "network",
        (
            r"Could not resolve host|Connection (?:refused|timed out|reset)|Failed to connect|Network is unreachable"
            r"|unable to access|Could not read from remote repository|Operation timed out"
        ),
    ),
)
_LOCK = r"Unable to create '(?P<path>.*\.lock)': File exists"
_EXCEPTION = r"(?m)^\s*(git config --global --add safe\.directory .*)$"
_PREFIX = r"^(?:fatal|error|warning|hint|remote): ?"
_FIXES: dict[FailureKind, str] = {
    "credentials": "run it once in a terminal so that git can ask, or set up a credential helper or ssh-agent",
    "network": "check the connection and the remote's address",
    "race": "another git was quicker; look again",
    "not_a_repository": "correct the path, or run git init there",
    "too_old": "install a newer git: this repository uses what yours does not know",
    "no_objects": "this is a partial clone without these objects; fetch them with git fetch",
}


class GitError(UserError):
    """A call of git that failed: `kind` says how, `stderr` is all that it said."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        kind: FailureKind = "failed",
        command: tuple[str, ...] = (),
        code: int | None = None,
        stderr: str = "",
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.kind: FailureKind = kind
        self.command = command
        self.code = code
        self.stderr = stderr


class GitTimeoutError(GitError):
    """git took too long and was ended."""

    def __init__(self, args: tuple[str, ...], path: Path, timeout_s: float, stderr: str) -> None:
        said = _summary(stderr)
        super().__init__(
            f"git {args[0]} did not end within {timeout_s:g} s" + (f": {said}" if said else ""),
            where=str(path),
            fix="a hook, a filter or a slow disk may hold it up; run it in a terminal to see",
            kind="timeout",
            command=args,
            stderr=_redacted(stderr),
        )


def cannot_start(args: tuple[str, ...], path: Path, error: OSError) -> GitError:
    """git did not even start."""
    if not path.is_dir():
        return GitError("there is no such folder", where=str(path), fix="correct the path", kind="gone", command=args)
    if isinstance(error, FileNotFoundError):
        return GitError("git is not installed", fix="install git 2.39 or newer", kind="no_git", command=args)
    return GitError(f"cannot start git: {error.strerror}", where=str(path), command=args)


def failure(args: tuple[str, ...], path: Path, code: int, stderr: str) -> GitError:
    """git ended with a code that means failure."""
    kind: FailureKind = next((kind for kind, pattern in _KINDS if re.search(pattern, stderr)), "failed")
    what, where, fix = _summary(stderr) or f"git {args[0]} ended with code {code}", str(path), _FIXES.get(kind, "")
    if kind == "dubious":
        what = "the folder belongs to another user, so git refuses to read it"
        told = re.search(_EXCEPTION, stderr)
        fix = "if you trust it: " + (
            told[1].strip() if told else f"git config --global --add safe.directory {shlex.quote(str(path))}"
        )
    elif kind == "lock" and (lock := re.search(_LOCK, stderr)):
        where, what = lock["path"], lock_told(Path(lock["path"]))
        fix = "wait for the other git to end; remove the file only if no git runs there"
    return GitError(what, where=where, fix=fix, kind=kind, command=args, code=code, stderr=_redacted(stderr))


def lock_told(path: Path) -> str:
    """How old a lock file is and whose."""
    try:
        found = path.stat()
    except OSError:
        return "another git was at work"
    return f"locked since {_age(time.time() - found.st_mtime)} by {_user(found.st_uid)}"


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _user(uid: int) -> str:
    if uid == os.getuid():
        return "a git of yours"
    import pwd

    try:
        return f"a git of {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"a git of user {uid}"


def _summary(stderr: str) -> str:
    """The line that tells most: the first that is fatal, else the first error, else the last."""
    lines = [line.strip() for line in stderr.replace("\r", "\n").splitlines() if line.strip()]
    chosen = _first(lines, "fatal: ") or _first(lines, "error: ") or (lines[-1] if lines else "")
    return _redacted(re.sub(_PREFIX, "", chosen))


def _first(lines: Iterable[str], prefix: str) -> str:
    return next((line for line in lines if line.startswith(prefix)), "")


def _redacted(text: str) -> str:
    if not text:
        return ""
    from app.redact import redact

    return redact(text)
