"""What was committed since: of each repository, and of all together."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.content.context.registry import Ask
from app.git.cli import Git
from app.git.model import RepositorySpec
from app.git.news import Line, News, of_time

BRANCHES = 20
"""The last used branches that are told."""
TOGETHER = ("groups", "branches")
"""What is told once for all repositories: each part of it names its own."""
_STAT = re.compile(r"(\d+) (file|insertion|deletion)")
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_BRANCH = "%(refname:short)%00%(upstream:track,nobracket)%00%(committerdate:iso-strict)%00%(contents:subject)"


async def gather(ask: Ask) -> dict[str, Any] | None:
    """Commits by kind, their authors, what they changed, and the branches; None without a repository.

    A repository that cannot be read is told with its error, and stops the others only where it is the only one.
    """
    if not ask.repositories:
        return None
    found = await asyncio.gather(*(_one(spec, ask.after) for spec in ask.repositories), return_exceptions=True)
    read = [one for one in found if not isinstance(one, BaseException)]
    if not read:
        raise next(one for one in found if isinstance(one, BaseException))
    groups: dict[str, list[Any]] = {}
    authors: Counter[str] = Counter()
    for one in read:
        for group in one["groups"]:
            groups.setdefault(group["title"], []).extend(group["commits"])
        authors.update({author["name"]: author["count"] for author in one["authors"]})
    repositories = [
        {"name": spec.name, "error": " ".join(str(one).split())}
        if isinstance(one, BaseException)
        else {name: value for name, value in one.items() if name not in TOGETHER}
        for spec, one in zip(ask.repositories, found, strict=True)
    ]
    return {
        "since": ask.after.isoformat(),
        "published_before": ask.since is not None,
        "repositories": repositories,
        "repository": read[0]["name"],
        "branch": read[0]["branch"],
        "branches": [branch for one in read for branch in one["branches"]],
        "groups": [{"title": title, "commits": commits} for title, commits in groups.items()],
        "commits": [commit for commits in groups.values() for commit in commits],
        "breaking": [commit for commits in groups.values() for commit in commits if commit["breaking"]],
        "authors": [{"name": name, "count": count} for name, count in authors.most_common()],
        **{name: sum(one[name] for one in read) for name in ("total", "left_out", "files", "insertions", "deletions")},
    }


async def _one(spec: RepositorySpec, since: datetime) -> dict[str, Any]:
    git = Git(spec.path)
    news, branches = await asyncio.gather(of_time(git, spec.name, since), _branches(git, spec.name))
    return {
        "name": spec.name,
        "branch": news.name,
        "head": news.new,
        "total": news.total,
        "left_out": news.left_out,
        "groups": [
            {"title": group.title, "commits": [_commit(line, spec.name) for line in group.lines]}
            for group in news.groups
        ],
        "authors": [{"name": name, "count": count} for name, count in news.authors],
        "branches": branches,
        **await _changed(git, news),
    }


def _commit(line: Line, repository: str) -> dict[str, Any]:
    return {**asdict(line), "short": line.short, "repository": repository}


async def _changed(git: Git, news: News) -> dict[str, int]:
    """Files and lines that differ between what was there before the first commit and now."""
    counts = {"files": 0, "insertions": 0, "deletions": 0}
    if news.old:
        said = await git.run("diff", "--shortstat", f"{news.old}^", news.new, "--", ok=(0, 128))
        if said.code:
            # Nothing was before the first commit of all.
            said = await git.run("diff", "--shortstat", _EMPTY_TREE, news.new, "--")
        for number, what in _STAT.findall(said.text):
            counts[f"{what}s"] = int(number)
    return counts


async def _branches(git: Git, repository: str) -> list[dict[str, Any]]:
    form = f"--format={_BRANCH}"
    listed = await git.run("for-each-ref", "--sort=-committerdate", f"--count={BRANCHES}", form, "refs/heads/")
    rows = [line.split("\0") for line in listed.text.splitlines() if line.count("\0") == 3]
    return [
        {"name": name, "repository": repository, "track": track, "at": at, "subject": subject}
        for name, track, at, subject in rows
    ]
