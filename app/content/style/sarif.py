"""Findings as SARIF 2.1.0, which code hosts and editors read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from app import __version__
from app.content.style.model import Finding, Rule

_LEVELS = {"error": "error", "warn": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(files: Sequence[tuple[str, Sequence[Finding]]], rules: Iterable[Rule]) -> dict[str, Any]:
    """One run over some files, each by its path and what was found in it."""
    known = {rule.id: {"text": rule.message} for rule in rules}
    found = sorted({finding.rule for _, findings in files for finding in findings})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "quarterdeck",
                        "version": __version__,
                        "rules": [
                            {"id": rule, **({"shortDescription": known[rule]} if rule in known else {})}
                            for rule in found
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(path, finding, found) for path, findings in files for finding in findings],
            }
        ],
    }


def _result(path: str, finding: Finding, rules: list[str]) -> dict[str, Any]:
    place = {"uri": quote(path.encode("utf-8", "surrogateescape"))}
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    result = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": place, "region": region}}],
    }
    if finding.replacement is not None:
        change = {"deletedRegion": region, "insertedContent": {"text": finding.replacement}}
        result["fixes"] = [{"artifactChanges": [{"artifactLocation": place, "replacements": [change]}]}]
    return result
