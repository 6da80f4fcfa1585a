"""Installs and removes the hooks of one repository, leaving those that were there in force.

A hook that is there already moves aside, under a name of its own in the same folder, and ours runs it after its own
check. Removing puts that very file back: the same bytes, mode and dates. The folder is the one that git looks in,
`core.hooksPath` included. These functions block on files and git; call them in a thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.errors import UserError
from app.git import hookfile
from app.git.cli import Git

HOOKS = ("pre-push", "pre-commit")
USUAL = ("pre-push",)
PROGRAM = "qd-git-hook"
_AS_IT_IS = Path("/")
"""In place of a configuration: whichever the hook names is right."""
ADVICE = "a hook is advice that --no-verify goes past: what must hold is a rule of the server (protected branches)"

UNRULED = "names of branches are not checked: there is no rule for them until [git.naming].pattern is set"
State = Literal["absent", "foreign", "installed", "outdated", "displaced"]


@dataclass(frozen=True, slots=True)
class HookStatus:
    """One hook. `foreign`: somebody else's alone. `outdated`: ours, but not as it would be written now.

    `displaced`: somebody has put another in the place of ours since, while the one before ours is still aside.
    """

    name: str
    state: State
    path: Path
    before: Path | None = None
    """The hook that was there before ours, which ours runs."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class HooksReport:
    """The hooks of a repository, and what has been done to them."""

    folder: Path
    hooks: tuple[HookStatus, ...]
    done: tuple[str, ...] = ()
    """What was done, or would be in a dry run; empty when all was as it should be."""
    notes: tuple[str, ...] = ()
    dry_run: bool = False


def status(path: Path, *, program: Sequence[str] = ()) -> HooksReport:
    """How the hooks of the repository at `path` stand. Raises UserError where there is none."""
    folder, notes = _folder(path)
    return HooksReport(folder, _look_at_all(folder, _program(program), _AS_IT_IS), notes=notes)


def install(
    path: Path,
    hooks: Sequence[str] = USUAL,
    *,
    config: Path | None = None,
    program: Sequence[str] = (),
    dry_run: bool = False,
) -> HooksReport:
    """Install these hooks, or bring them up to date. `config` is for a configuration that is not in the usual place.

    Raises UserError when one cannot be installed without losing another; then nothing has been done.
    """
    folder, notes = _folder(path)
    command, done = _program(program), []
    found = [_look(folder, name, command, config) for name in _known(hooks)]
    for hook in found:
        if hook.state == "displaced":
            raise UserError(
                f"another hook has taken the place of ours, and the one before ours is still in {hook.before}",
                where=str(hook.path),
                fix="join the two into one file, remove the other, and install again",
            )
    for hook in found:
        if hook.state == "installed":
            continue
        if not dry_run:
            _put(hook, command, config)
        aside = f", which runs the one that was there ({_aside(hook.path).name})" if _chains(hook) else ""
        done.append(f"{'write' if dry_run else 'wrote'} {hook.path}{aside}")
    after = _look_at_all(folder, command, _AS_IT_IS)
    return HooksReport(folder, after, tuple(done), (*notes, ADVICE), dry_run)


def uninstall(path: Path, hooks: Sequence[str] = HOOKS, *, dry_run: bool = False) -> HooksReport:
    """Remove our hooks and put back those that were there before, byte for byte. Foreign ones are left alone."""
    folder, notes = _folder(path)
    done: list[str] = []
    for hook in [_look(folder, name, _program(()), _AS_IT_IS) for name in _known(hooks)]:
        if hook.state == "displaced":
            notes = (*notes, f"{hook.path} is not ours any more and was left alone, as was {hook.before}")
        if hook.state not in ("installed", "outdated"):
            continue
        if not dry_run:
            _take_away(hook)
        back = f"put back {hook.path} as it was" if hook.before else f"removed {hook.path}"
        done.append(f"would have {back}" if dry_run else back)
    after = _look_at_all(folder, _program(()), _AS_IT_IS)
    return HooksReport(folder, after, tuple(done), notes, dry_run)


def _known(hooks: Sequence[str]) -> Sequence[str]:
    for name in hooks:
        if name not in HOOKS:
            raise UserError(f"there is no hook {name!r} to install", fix=f"name one of: {', '.join(HOOKS)}")
    return hooks


def _folder(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Where git looks for hooks, and what there is to know about that place."""
    git = Git(path)
    told = git.run_sync("rev-parse", "--git-path", "hooks", "--absolute-git-dir", "--is-inside-work-tree").line
    relative, git_dir, inside = told.split("\n")
    folder = Path(os.path.normpath(path / relative))
    scope, _, value = git.run_sync("config", "--show-scope", "--get", "core.hooksPath", ok=(0, 1)).line.partition("\t")
    if not value:
        return folder, ()
    if folder.exists() and not folder.is_dir():
        where = "--global " if scope == "global" else "--system " if scope == "system" else ""
        raise UserError(
            f"core.hooksPath is {value}, which is no folder: this repository has no hooks",
            where=str(path),
            fix=f"git config {where}--unset core.hooksPath",
        )
    notes = [f"core.hooksPath is {value} ({scope})"]
    if scope in ("global", "system"):
        notes.append(f"hooks in {folder} serve every repository of this {'user' if scope == 'global' else 'machine'}")
    elif inside == "true":
        top = git.run_sync("rev-parse", "--show-toplevel").line
        if folder.resolve().is_relative_to(top) and not folder.resolve().is_relative_to(git_dir):
            notes.append(f"{folder} lies in the working tree: keep our hook out of commits, it names this machine")
    return folder, tuple(notes)


def _program(given: Sequence[str]) -> list[str]:
    if given:
        return list(given)
    beside = Path(sys.executable).parent / PROGRAM
    if beside.exists():
        return [str(beside)]
    found = shutil.which(PROGRAM)
    return [found] if found else [sys.executable, "-P", "-m", "app.git.hook"]


def _look_at_all(folder: Path, program: Sequence[str], config: Path | None) -> tuple[HookStatus, ...]:
    return tuple(_look(folder, name, program, config) for name in HOOKS)


def _look(folder: Path, name: str, program: Sequence[str], config: Path | None) -> HookStatus:
    path, aside = folder / name, _aside(folder / name)
    before = aside if os.path.lexists(aside) else None
    if not os.path.lexists(path):
        return HookStatus(name, "displaced" if before else "absent", path, before)
    content = _content(path)
    if not hookfile.is_ours(content):
        if before and not os.path.samestat(path.lstat(), before.lstat()):
            return HookStatus(name, "displaced", path, before)
        note = "" if os.access(path, os.X_OK) else "not executable, so git does not run it"
        return HookStatus(name, "foreign", path, None, note)
    options = hookfile.options(content) if config is _AS_IT_IS else _options(config)
    wanted = _text(name, program, options, before, hookfile.made_folder(content))
    right = content == wanted.encode() and os.access(path, os.X_OK)
    return HookStatus(name, "installed" if right else "outdated", path, before)


def _chains(hook: HookStatus) -> bool:
    return hook.state == "foreign" or hook.before is not None


def _put(hook: HookStatus, program: Sequence[str], config: Path | None) -> None:
    path = hook.path
    before = hook.before
    made = not path.parent.exists() or any(hookfile.made_folder(_content(path.with_name(name))) for name in HOOKS)
    part = path.with_name(f".{path.name}.quarterdeck-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if hook.state == "foreign":
            before = _aside(path)
        text = _text(hook.name, program, _options(config), path if hook.state == "foreign" else before, made)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777)
        with os.fdopen(number, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if hook.state == "foreign" and before is not None:
            _set_aside(path, before)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        fix = "check who may write there"
        raise UserError(f"cannot be written: {error.strerror}", where=str(path), fix=fix) from None


def _set_aside(path: Path, aside: Path) -> None:
    """A second name for the same file, so that at no moment the repository is without its hook."""
    try:
        os.link(path, aside, follow_symlinks=False)
    except OSError:
        path.rename(aside)


def _take_away(hook: HookStatus) -> None:
    content = _content(hook.path)
    try:
        if hook.before is not None:
            hook.before.replace(hook.path)
            return
        hook.path.unlink()
    except OSError as error:
        raise UserError(f"cannot be put back: {error.strerror}", where=str(hook.path)) from None
    if hookfile.made_folder(content):
        with contextlib.suppress(OSError):
            hook.path.parent.rmdir()


def _options(config: Path | None) -> tuple[str, ...]:
    return () if config is None else (f"--config={config.absolute()}",)


def _text(name: str, program: Sequence[str], options: Sequence[str], before: Path | None, made: bool) -> str:
    start = _content(before) if before is not None else b""
    return hookfile.text(name, program, options, before=start[:200], made=made)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + hookfile.BEFORE)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(100_000)
    except OSError:
        return b""
