"""The audit of a repository: reads what it needs and finds what is wrong."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from app.git.hygiene.audit import audit
from app.git.hygiene.reading import read_ignored, read_index, with_sizes

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.hygiene.model import Finding
    from app.git.model import Rules


def audit_of(git: Git, rules: Rules) -> tuple[Finding, ...]:
    """All findings about the tracked files of a repository. Blocks; raises UserError."""
    holder = git.run_sync("config", "--get", "user.name", ok=(0, 1)).line
    entries = with_sizes(git, read_index(git))
    year = date.today().year
    return audit(entries, large_mb=rules.large_file_mb, ignored=read_ignored(git), holder=holder, year=year)
