"""Tracked files and folders whose names differ only in case or in the composition of accents.

Where file names are folded (macOS, Windows, some Linux set-ups) one of them hides the other. Each component counts:
`TEST/foo` and `test/bar` share no name and clash all the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.git.hygiene.model import SUBMODULE, Entry, Finding, Kind, Step
from app.git.hygiene.paths import Taken, replaced
from app.git.names import fold


def find(entries: Sequence[Entry], taken: Taken) -> Iterator[Finding]:
    """One finding for each folder, and for each file, that is there under several spellings."""
    spellings: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        path = ""
        for component in entry.path.split("/"):
            path = f"{path}/{component}" if path else component
            spellings.setdefault(fold(path), {}).setdefault(path, []).append(entry)
    groups = {key: group for key, group in spellings.items() if len(group) > 1}
    # What a folder is to be called, for all that is below it.
    winners: dict[str, str] = {}
    for key in sorted(groups, key=lambda key: key.count("/")):
        group = groups[key]
        files = [path for path, below in group.items() if below[0].path == path]
        folders = [path for path in group if path not in files]
        winners[key] = _winner(group, folders or files)
        if len(folders) > 1 and key.rpartition("/")[0] not in groups:
            yield _folders(group, folders, winners[key], taken)
        if files and (len(files) > 1 or folders):
            yield _files(group, files, folders, _renewed(winners[key], winners), taken)


def told_apart(paths: Sequence[str]) -> list[str]:
    """The paths to be read by people: those that look the same also say of which code points they are made."""
    same: dict[str, list[str]] = {}
    for path in paths:
        same.setdefault(unicodedata.normalize("NFC", path), []).append(path)
    told = []
    for path in paths:
        others = [other for other in same[unicodedata.normalize("NFC", path)] if other != path]
        here = _characters(path)
        differing = [
            each
            for number, each in enumerate(here)
            if any(_characters(other)[number : number + 1] != [each] for other in others)
        ]
        points = [" ".join(f"U+{ord(point):04X}" for point in each) for each in dict.fromkeys(differing)]
        told.append(f"{path} ({', '.join(points)})" if points else path)
    return told


def _characters(path: str) -> list[str]:
    """Characters with the marks that are combined with them."""
    found: list[str] = []
    for point in path:
        if found and unicodedata.combining(point):
            found[-1] += point
        else:
            found.append(point)
    return found


def kind_of(names: Iterable[str]) -> Kind:
    """Whether case is part of the difference, or the composition of accents alone."""
    return "unicode_twins" if len({unicodedata.normalize("NFC", name) for name in names}) == 1 else "case_twins"


def _alike(names: Iterable[str]) -> str:
    how = "in case" if kind_of(names) == "case_twins" else "in how their accents are composed"
    return f"differ only {how}"


def _winner(group: Mapping[str, list[Entry]], among: Sequence[str]) -> str:
    """The spelling to keep: composed accents first, then what most files have, then the usual order of names."""
    return min(among, key=lambda path: (not unicodedata.is_normalized("NFC", path), -len(group[path]), path))


def _renewed(path: str, winners: Mapping[str, str]) -> str:
    """The path with its folders as they are to be called."""
    folder, slash, name = path.rpartition("/")
    if not slash:
        return path
    above = winners.get(fold(folder), folder)
    return f"{_renewed(above, winners)}/{name}"


def _folders(group: Mapping[str, list[Entry]], folders: Sequence[str], keep: str, taken: Taken) -> Finding:
    ordered = (keep, *sorted(path for path in folders if path != keep))
    steps, left = [], 0
    for loser in ordered[1:]:
        for entry in group[loser]:
            target = replaced(entry.path, loser, keep)
            # A file that is in both folders is a finding of its own.
            if taken.free(target, besides=entry.path):
                steps.append(Step("move", entry.path, target))
                taken.add(target)
            else:
                left += 1
    files = tuple(entry.path for path in ordered for entry in group[path])
    more = f"; {left} of the files are in both" if left else ""
    detail = f"folders whose names {_alike(folders)}; {keep} holds the most{more}"
    return Finding(kind_of(folders), "error", ordered, files, detail, tuple(steps), ticked=not left)


def _files(
    group: Mapping[str, list[Entry]], files: Sequence[str], folders: Sequence[str], keep: str, taken: Taken
) -> Finding:
    """Two files of one name: one goes if it is the same, else it takes a name of its own."""
    if folders:
        losers, kept, ordered = sorted(files), None, (*sorted(folders), *sorted(files))
    else:
        first = min(files, key=lambda path: (path != keep, not unicodedata.is_normalized("NFC", path), path))
        kept = group[first][0]
        losers = sorted(path for path in files if path != first)
        ordered = (first, *losers)
    steps, same = [], True
    for path in losers:
        entry = group[path][0]
        if kept is not None and (entry.mode, entry.oid) == (kept.mode, kept.oid) and entry.mode != SUBMODULE:
            steps.append(Step("remove", path))
            continue
        same = False
        folder = keep.rpartition("/")[0]
        name = unicodedata.normalize("NFC", path.rpartition("/")[2])
        wanted = f"{folder}/{name}" if folder else name
        target = taken.near(wanted, besides=path)
        taken.add(target)
        steps.append(Step("move", path, target))
    what = "the same content under" if same else "files and folders under" if folders else "different files under"
    touched = tuple(entry.path for path in ordered for entry in group[path])
    detail = f"{what} names that {_alike(ordered)}"
    return Finding(kind_of(ordered), "error", ordered, touched, detail, tuple(steps), ticked=same)
