"""The audit as a hook: refuses a commit that would bring in what the audit would then find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from app.git.hygiene.audit import audit
from app.git.hygiene.commands import commands
from app.git.hygiene.model import Finding
from app.git.hygiene.reading import read_ignored, read_index, read_staged, with_sizes
from app.git.words import command, shown

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.hook_rules import Checked

MOST = 20
"""Findings told at once."""


def check(git: Git, env: Mapping[str, str], rules: Checked, *, everything: bool, say: Callable[..., None]) -> int:
    """Tell what is wrong with the files about to be committed, or with all; 1 when something is, else 0.

    Notes are told of all files only, and refuse nothing.
    """
    entries = read_index(git, env)
    staged = None if everything else read_staged(git, env)
    if staged is not None and not staged:
        return 0
    entries = with_sizes(git, entries, env, staged)
    found = audit(entries, large_mb=rules.large_file_mb, ignored=read_ignored(git, env))
    wrong = [finding for finding in found if finding.severity != "note" and _about(finding, staged)]
    notes = [finding for finding in found if finding.severity == "note"] if everything else []
    for finding in notes[:MOST]:
        say(f"qd: note: {_told(finding)}")
    if not wrong:
        return 0
    say(f"qd: {'these files are not in order' if everything else 'this commit is refused'}: {_count(wrong)}.")
    for finding in wrong[:MOST]:
        say(f"  {_told(finding)}")
    if len(wrong) > MOST:
        say(f"  and {len(wrong) - MOST} more (qd git hygiene)")
    bypass = "" if everything else " (git commit --no-verify goes past this check)"
    lines = [command(each) for finding in wrong[:MOST] for step in finding.steps for each in commands(step)]
    if lines:
        say(f"What mends it{bypass}:")
        for line in dict.fromkeys(lines):
            say(f"  {line}")
    return 1


def _about(finding: Finding, staged: set[str] | None) -> bool:
    return staged is None or not staged.isdisjoint(finding.files)


def _told(finding: Finding) -> str:
    return f"{', '.join(shown(path) for path in finding.paths[:5])}: {shown(finding.detail)}"


def _count(findings: Iterable[Finding]) -> str:
    number = len(list(findings))
    return "1 finding" if number == 1 else f"{number} findings"
