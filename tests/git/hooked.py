"""The hook under real pushes: the installed console script, in a repository with a bare remote."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.config import toml
from app.git import hooks
from tests.git.repos import Place, Repo

PROGRAM = Path(sys.executable).parent / "qd-git-hook"
PATTERN = r"(?P<kind>feature|fix)/(?P<words>[a-z0-9-]+)"


def configure(place: Place, text: str = "", **naming: object) -> Path:
    """The user's configuration, with a rule for names unless `naming` says otherwise."""
    naming = {"pattern": PATTERN, "examples": ["feature/login-page"], "exempt": ["bot/**"], **naming}
    path = place.home / "quarterdeck" / "config" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {toml.value(value)}" for key, value in naming.items()]
    path.write_text("\n".join([text, "[git.naming]", *lines, ""]), "utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Said:
    """What a git command gave: its code, and what stood on standard error."""

    code: int
    err: str

    @property
    def commands(self) -> list[str]:
        """The commands at the end of the message, which mend it."""
        lines = self.err.split("\nWhat mends it")[-1].split("\n")[1:]
        return [line.removeprefix("  ") for line in lines if line.startswith("  ")]


def push(repo: Repo, *args: str) -> Said:
    """`git push` with these arguments."""
    done = repo.run("push", *args, check=False)
    return Said(done.returncode, done.stderr.decode("utf-8", "replace"))


def shell(repo: Repo, command: str) -> int:
    """Run a command line that a message gave, as its reader would: in a shell; the code."""
    env = {**repo.place.env, "PATH": f"{PROGRAM.parent}:{repo.place.env['PATH']}"}
    return subprocess.run(["bash", "-c", command], cwd=repo.path, env=env, capture_output=True).returncode


def install(repo: Repo, *names: str, config: Path | None = None) -> hooks.HooksReport:
    """Install our hooks as the command does."""
    return hooks.install(repo.path, names or hooks.USUAL, config=config)
