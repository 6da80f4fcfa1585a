"""What the style engine takes and gives: rules, the style they make, findings and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warn", "info"]
Fix = Literal["safe", "suggest", "none"]
Kind = Literal["replace", "ban", "limit", "require", "tone"]
Scope = Literal["all", "heading", "body", "cell", "title"]
Replacement = Literal["ellipsis", "comma", "colon", "period"]

SEVERITIES: tuple[Severity, ...] = ("error", "warn", "info")
EVERY = "*"
"""Stands for all rules where some can be named."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the style guide. Which of the fields count depends on its kind and on `using`."""

    id: str
    kind: Kind
    message: str
    severity: Severity = "warn"
    fix: Fix = "none"
    scope: tuple[Scope, ...] = ("all",)
    on: bool = True
    using: str = ""
    """What the engine itself knows: a role-aware replacement or something that is counted."""
    pattern: str = ""
    """Regular expression, of `replace`, `tone` and `require`."""
    replacement: str | None = None
    """What takes the place of the pattern, with `\\1` for its groups."""
    swap: Mapping[str, str] = field(default_factory=dict)
    """Words or phrases, and what to write instead."""
    words: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    """Phrases in which the words are fine: `rather than` for `rather`."""
    inflect: bool = False
    """Forms of a word in -s, -ed and -ing count too."""
    exact: bool = False
    """Upper and lower case count."""
    most: int = 0
    """The limit."""
    keys: tuple[str, ...] = ()
    """Keys that the front matter must have."""


@dataclass(frozen=True, slots=True)
class Override:
    """What is different for texts of one template, or for one target."""

    template: str = ""
    target: str = ""
    where: str = ""
    """The file and line it stands in, for errors; empty for the configuration."""
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """`[content.style]` of the configuration; the rules as tables, which hold what they change."""

    rules: tuple[Mapping[str, Any], ...] = ()
    overrides: tuple[Override, ...] = ()
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)
    dash: Replacement = "ellipsis"
    ellipsis: str = "..."
    emoji: tuple[str, ...] = ()
    """Emoji that are allowed."""
    quotes: bool = True
    """Quoted blocks are checked too."""
    vale: bool = True


@dataclass(frozen=True, slots=True)
class Style:
    """The rules in force for one text, and the settings they share."""

    rules: tuple[Rule, ...]
    dash: Replacement = "ellipsis"
    ellipsis: str = "..."
    emoji: frozenset[str] = frozenset()
    quotes: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """Something against the style guide, and where: lines and columns from 1, in characters, the end exclusive."""

    rule: str
    severity: Severity
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    message: str
    fix: Fix = "none"
    replacement: str | None = None
    """What to write instead of `text`; None where that is for the author to know."""
    start: int = field(default=-1, compare=False)
    """Offset into the text that was checked; -1 where only line and column are known."""
    end: int = field(default=-1, compare=False)
    group: int = field(default=-1, compare=False)
    """Findings of one group, from 0 on, are put right together or not at all."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one text, in its order."""

    findings: tuple[Finding, ...]
    structure: tuple[str, ...] = field(default=(), repr=False)
    """The types of the text's Markdown tokens."""
    protected: tuple[str, ...] = field(default=(), repr=False)
    """What no rule looks into, as far as it stands within prose."""

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text after its safe fixes."""

    text: str
    fixed: tuple[Finding, ...]
    """Placed as they stood just before they were put right."""
    left: tuple[Finding, ...]
    """Placed as they stand in the new text."""
