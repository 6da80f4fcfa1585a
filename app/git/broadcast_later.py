"""Tells of a push once the server has it.

git has no hook for that. So the hook before the push starts this program, which waits until that git has ended, asks
the server what it holds, and tells what has arrived. It runs beside git and can neither delay nor fail the push; what
goes wrong is in the log.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.hook_rules import HookRules
    from app.git.news import News
    from app.git.prepush import Update

LONGEST_S = 3600.0
"""How long a push may take."""
POLL_S = 0.1


def begin(git_pid: int, remote: str, updates: Iterable[Update], found: HookRules) -> None:
    """Start it for this push. It inherits nothing that git or its caller waits for."""
    order = {
        "git_pid": git_pid,
        "remote": remote,
        "updates": [list(update) for update in updates if not update.deletes],
        "path": os.environ.get("GIT_DIR") or str(Path.cwd()),
        "to": list(found.broadcasting.to),
        "events": list(found.broadcasting.events),
        "branches": list(found.broadcasting.branches),
        "templates": found.broadcasting.templates,
        "default": found.default_branch,
        "base": str(found.config.parent) if found.config is not None else str(Path.cwd()),
        "config": "" if found.config is None else str(found.config),
    }
    # Only a terminal outlives git for certain; a pipe would keep its reader waiting for us.
    out = sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL
    process = subprocess.Popen(
        # The current folder is a repository, which may have a package `app` of its own.
        [sys.executable, "-P", "-m", "app.git.broadcast_later"],
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode("utf-8", "surrogateescape"))
    process.stdin.close()
    # It is to go on when this process ends, which is no reason for a warning.
    process.returncode = 0


def main() -> int:
    """Do what standard input says; the exit code."""
    import asyncio
    import logging

    from app import log

    log.setup()
    order = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    if not wait_for(int(order["git_pid"]), LONGEST_S):
        logging.getLogger(__name__).warning("a push took longer than %s s and was not told of", LONGEST_S)
        return 1
    return asyncio.run(_tell(order))


def wait_for(pid: int, timeout_s: float) -> bool:
    """Wait until a process that is no child of ours has ended; whether it has."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):
        return _poll_for(pid, timeout_s)
    try:
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)


def _poll_for(pid: int, timeout_s: float) -> bool:
    """For systems where a process cannot be waited for."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        time.sleep(POLL_S)
    return False


async def _tell(order: Mapping[str, Any]) -> int:
    import logging

    from app.errors import UserError
    from app.git.broadcast import render, send
    from app.git.cli import Git
    from app.git.prepush import Update

    log = logging.getLogger(__name__)
    git, base = Git(Path(order["path"])), Path(order["base"])
    templates = _folder(str(order["templates"]), base)
    code = 0
    try:
        _join_targets(order)
        arrived = await _arrived(git, str(order["remote"]), [Update(*update) for update in order["updates"]])
        for update in arrived:
            news = await _news(git, order, update)
            if news is None or news.event not in order["events"]:
                continue
            for delivery in await send(render(news, templates), order["to"], base):
                if delivery.state == "failed":
                    code = 1
                    log.warning("the summary did not reach %s: %s", delivery.target, delivery.error)
    except UserError as error:
        log.warning("a push was not told of: %s", error)
        return 1
    return code


def _join_targets(order: Mapping[str, Any]) -> None:
    """Make the targets of publishing known, where any is meant. By name: the hook that starts this loads none of it."""
    from importlib import import_module

    if order["config"] and any(name.partition(":")[0] not in ("file", "stdout") for name in order["to"]):
        loaded = import_module("app.settings").load(Path(order["config"]))
        import_module("app.content.publishing.broadcasting").join(loaded)


def _folder(given: str, base: Path) -> Path | None:
    return base / os.path.expanduser(given) if given else None  # noqa: PTH111 - `~name` of nobody must not raise


async def _arrived(git: Git, remote: str, updates: list[Update]) -> list[Update]:
    """Those that the server holds now as they were pushed."""
    refs = [update.remote_ref for update in updates]
    if not refs:
        return []
    said = await git.run("ls-remote", "--quiet", "--", remote, *refs, timeout_s=60)
    pairs = (line.partition("\t") for line in said.text.split("\n"))
    there = {ref: oid for oid, _, ref in pairs}
    return [update for update in updates if there.get(update.remote_ref) == update.local_oid]


async def _news(git: Git, order: Mapping[str, Any], update: Update) -> News | None:
    from app.git import news
    from app.git.names import matches

    remote = str(order["remote"])
    name = await _repository_name(git)
    if update.remote_ref.startswith("refs/tags/"):
        return await news.of_tag(git, name, update.remote_ref.removeprefix("refs/tags/"), remote=remote)
    if not update.branch or not matches(update.branch, order["branches"]):
        return None
    default = await news.default_of(git, remote, str(order["default"]))
    old = "" if update.creates else update.remote_oid
    return await news.of_push(git, name, update.branch, old, update.local_oid, remote=remote, default=default)


async def _repository_name(git: Git) -> str:
    """What its folder is called."""
    top = (await git.run("rev-parse", "--show-toplevel", ok=(0, 128))).line
    folder = Path(top) if top else Path((await git.run("rev-parse", "--absolute-git-dir")).line)
    return folder.name.removesuffix(".git") or folder.parent.name


if __name__ == "__main__":
    sys.exit(main())
