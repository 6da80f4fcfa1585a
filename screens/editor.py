"""Opens a file in the user's editor, and runs other programs that need the terminal for themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from textual.app import App

COLON = frozenset({"hx", "helix", "subl", "sublime_text", "zed", "zeditor"})
GOTO = frozenset({"code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"})
JETBRAINS = frozenset({"pycharm", "idea", "charm", "fleet"})
WINDOWED = GOTO | JETBRAINS | {"subl", "sublime_text", "zed", "zeditor", "gvim", "mvim", "kate", "gedit", "mate"}
FALLBACKS = ("nano", "vim", "nvim", "vi")


def editor_command(setting: str = "", environ: Mapping[str, str] | None = None) -> list[str]:
    """The editor to use: the configured one, `$VISUAL`, `$EDITOR`, or the first common one that is installed."""
    environ = os.environ if environ is None else environ
    for text in (setting, environ.get("VISUAL", ""), environ.get("EDITOR", "")):
        if text.strip():
            return shlex.split(text)
    return next(([name] for name in FALLBACKS if shutil.which(name)), ["vi"])


def arguments(command: Sequence[str], path: Path, line: int = 0) -> list[str]:
    """The command line that opens `path` at `line` (0: wherever the editor likes) in this editor."""
    name = Path(command[0]).stem.lower()
    if line <= 0:
        return [*command, str(path)]
    if name in GOTO:
        return [*command, "-g", f"{path}:{line}"]
    if name in JETBRAINS:
        return [*command, "--line", str(line), str(path)]
    if name in COLON:
        return [*command, f"{path}:{line}"]
    return [*command, f"+{line}", str(path)]


def windowed(command: Sequence[str]) -> bool:
    """True for editors that open a window of their own and leave the terminal alone."""
    return Path(command[0]).stem.lower() in WINDOWED


def open_in_editor(app: App[Any], path: Path, line: int = 0, setting: str = "") -> None:
    """Open `path` at `line`. A terminal editor gets the whole terminal; the engine keeps working meanwhile."""
    app.run_worker(_open(app, path, line, setting), group="editor", exclusive=True, exit_on_error=False)


async def _open(app: App[Any], path: Path, line: int, setting: str) -> None:
    try:
        command = editor_command(setting)
    except ValueError as error:
        app.notify(f"The editor setting cannot be read: {error}", severity="error", markup=False)
        return
    argv = arguments(command, path, line)
    try:
        if windowed(command):
            await asyncio.create_subprocess_exec(
                *argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
            )
        else:
            await run_in_terminal(app, argv)
    except SuspendNotSupported:
        app.notify("An editor cannot take over this terminal; set [ui] editor to one with a window", severity="warning")
    except OSError as error:
        app.notify(
            f"{command[0]}: {error.strerror}; set $EDITOR or [ui] editor",
            title="Editor",
            severity="error",
            markup=False,
        )


async def run_in_terminal(
    app: App[Any], argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> int:
    """Lend the terminal to a program until it ends, painting nothing; returns its exit code.

    The event loop goes on. ctrl+c is the program's while it runs.
    """
    with app.suspend(), app.batch_update():
        process = await asyncio.create_subprocess_exec(*argv, cwd=cwd, env=env)
        with _interrupt_ignored():
            return await process.wait()


@contextlib.contextmanager
def _interrupt_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
