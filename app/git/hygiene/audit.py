"""Looks through the tracked files of a repository, as git has them: what is on the disk plays no part.

A file system that folds names cannot even show what this looks for. Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from app.git.hygiene import portable, texts, twins
from app.git.hygiene.model import SUBMODULE, Entry, Finding, Step
from app.git.hygiene.paths import Taken
from app.git.names import fold

MB = 1_000_000
_README = ("readme", "readme.md", "readme.rst", "readme.txt", "readme.markdown", "readme.adoc", "readme.org")
_LICENSES = ("license", "licence", "copying", "unlicense", "unlicence", "licenses")


def audit(
    entries: Sequence[Entry], *, large_mb: float, ignored: Collection[str] = (), holder: str = "", year: int = 0
) -> tuple[Finding, ...]:
    """All findings, the worst first.

    `ignored` are tracked paths that a `.gitignore` names. `holder` and `year` are for the text of a licence; without
    them none is proposed.
    """
    entries = list({entry.path: entry for entry in entries}.values())
    taken = Taken(entry.path for entry in entries)
    found = [
        *twins.find(entries, taken),
        *_bad_names(entries, taken),
        *_large(entries, large_mb, taken),
        *_ignored(entries, ignored),
        *_readmes(entries, taken),
        *_missing(entries, holder, year),
    ]
    order = ("error", "warning", "note")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _bad_names(entries: Sequence[Entry], taken: Taken) -> Iterator[Finding]:
    """One finding for each topmost file or folder of a name that not every system can hold."""
    groups: dict[str, list[Entry]] = {}
    why: dict[str, str] = {}
    for entry in entries:
        components = entry.path.split("/")
        for index, component in enumerate(components):
            problem = portable.problem(component)
            if problem:
                top = "/".join(components[: index + 1])
                why.setdefault(top, problem)
                groups.setdefault(top, []).append(entry)
                break
    for top, group in groups.items():
        steps = []
        for entry in group:
            wanted = "/".join(portable.repaired(component) for component in entry.path.split("/"))
            target = taken.near(wanted, besides=entry.path)
            taken.add(target)
            steps.append(Step("move", entry.path, target))
        yield Finding("bad_name", "error", (top,), tuple(e.path for e in group), why[top], tuple(steps), ticked=True)


def _large(entries: Sequence[Entry], large_mb: float, taken: Taken) -> Iterator[Finding]:
    tracked = {entry.path for entry in entries}
    for entry in sorted(entries, key=lambda entry: -(entry.size or 0)):
        if entry.size is None or entry.size < large_mb * MB or entry.mode == SUBMODULE:
            continue
        steps = [Step("untrack", entry.path)]
        line = texts.ignore_line(entry.path)
        if line and (".gitignore" in tracked or taken.free(".gitignore")):
            steps.append(Step("ignore", ".gitignore", line))
        size = f"{entry.size / MB:.1f} MB" if entry.size >= MB else f"{entry.size / 1000:.1f} kB"
        detail = f"{size}; without it in the next commits the history still keeps it"
        yield Finding("large_file", "warning", (entry.path,), (entry.path,), detail, tuple(steps))


def _ignored(entries: Sequence[Entry], ignored: Collection[str]) -> Iterator[Finding]:
    names = set(ignored)
    for entry in entries:
        if entry.path in names:
            detail = "tracked, and named by a .gitignore; untracking it removes it for those who pull"
            steps = (Step("untrack", entry.path),)
            yield Finding("ignored_tracked", "warning", (entry.path,), (entry.path,), detail, steps)


def _readmes(entries: Sequence[Entry], taken: Taken) -> Iterator[Finding]:
    for entry in entries:
        folder, slash, name = entry.path.rpartition("/")
        if name.lower() not in _README or entry.mode == SUBMODULE:
            continue
        stem, dot, extension = name.partition(".")
        right = f"{stem.upper()}{dot}{extension.lower()}"
        target = f"{folder}{slash}{right}"
        if name != right and taken.free(target, besides=entry.path):
            taken.add(target)
            step = Step("move", entry.path, target)
            yield Finding(
                "readme_name", "note", (entry.path,), (entry.path,), f"usually called {right}", (step,), ticked=True
            )


def _missing(entries: Sequence[Entry], holder: str, year: int) -> Iterator[Finding]:
    if not entries:
        return
    top = {fold(entry.path.partition("/")[0]) for entry in entries}
    if ".gitignore" not in top:
        content = texts.gitignore([entry.path for entry in entries])
        step = Step("write", ".gitignore", content)
        yield Finding(
            "missing_gitignore", "note", (".gitignore",), (), "there is none at the top", (step,), ticked=True
        )
    if not any(name.partition(".")[0].partition("-")[0] in _LICENSES for name in top):
        steps = (Step("write", "LICENSE", texts.mit(holder, year)),) if holder and year else ()
        detail = "there is none at the top, so nobody else may use this; the fix proposes the MIT License, you decide"
        yield Finding("missing_license", "note", ("LICENSE",), (), detail, steps)
