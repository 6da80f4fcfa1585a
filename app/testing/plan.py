"""Which tests a request runs, in which order, and in how many parts.

A save is answered in two parts: first the nearest of what it affects, then everything else, the other affected files
leading. Nothing is filtered out unless the configuration asks for `run = "affected"`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app.testing.model import Trigger

SINGLE_PART_SHARE = 0.6
"""When the affected files hold more than this share of the work, one ordered part is cheaper than two."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to be run."""

    kind: Literal["all", "save", "failed", "tests", "verify"]
    trigger: Trigger
    changed: tuple[Path, ...] = ()
    tests: tuple[str, ...] = ()
    """Node ids or test files, for kind `tests`."""
    at: float = 0.0
    """time.monotonic() of the key or the first file event."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a run. Empty `files`: what plain pytest would collect."""

    files: tuple[str, ...] = ()
    select: frozenset[str] | None = None
    skip: frozenset[str] = frozenset()
    first: tuple[str, ...] = ()
    rest: bool = False
    """True when this part also leaves out what earlier parts of the run have answered."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a run, in order. `whole`: together they are all that plain pytest would run."""

    parts: tuple[Part, ...]
    whole: bool
    order: tuple[str, ...] = field(default=())
    """The files that are meant to answer first."""
    affected: frozenset[str] = frozenset()
    """Test files and node ids, in whichever part: when these have ended, the save has its answer."""


def everything(first: Sequence[str] = (), affected: Sequence[str] = ()) -> Plan:
    """One part over everything, `first` leading."""
    return Plan((Part(first=tuple(first)),), whole=True, affected=frozenset(affected))


def some(tests: Sequence[str], known_files: frozenset[str]) -> Plan:
    """Run these node ids and whole files, nothing else."""
    files = [name for name in tests if name in known_files]
    ids = [name for name in tests if name not in known_files]
    wanted = tuple(dict.fromkeys([*files, *(nodeid.partition("::")[0] for nodeid in ids)]))
    if not ids:
        return Plan((Part(files=wanted),), whole=False)
    if not files:
        return Plan((Part(files=wanted, select=frozenset(ids)),), whole=False)
    only_files = Part(files=tuple(files))
    rest = tuple(file for file in wanted if file not in files)
    if not rest:
        return Plan((only_files,), whole=False)
    chosen = frozenset(nodeid for nodeid in ids if nodeid.partition("::")[0] in rest)
    return Plan((only_files, Part(files=rest, select=chosen)), whole=False)


def answer_save(
    first_files: Sequence[str],
    failed: Sequence[str],
    ids_by_file: Mapping[str, frozenset[str]],
    durations: Mapping[str, float],
    *,
    only_affected: bool,
    later: Sequence[str] = (),
    split: bool = True,
) -> Plan:
    """The nearest affected files, then the last failures of other files, then the rest.

    `first_files` are in order of nearness, and `later` the other affected ones, which lead the rest; `failed` holds
    node ids that failed last time; `durations` are seconds of each file's last run. Without `split` one process runs
    all, in that order: where each process starts from nothing, a second one costs more than the first gains.
    """
    failed_elsewhere = [nodeid for nodeid in failed if nodeid.partition("::")[0] not in first_files]
    failed_files = tuple(dict.fromkeys(nodeid.partition("::")[0] for nodeid in failed_elsewhere))
    files = (*first_files, *failed_files)
    if not files:
        return everything(later, affected=later)
    # Of a file that is here only for its failures, what passed waits for the rest.
    wait = frozenset[str]().union(*(ids_by_file.get(file, frozenset()) for file in failed_files)) - set(failed)
    order = (*first_files[:1], *failed, *first_files[1:])
    answer = frozenset((*first_files, *failed_elsewhere, *later))
    nearest = Part(files=files, skip=wait, first=order)
    if only_affected and not later:
        return Plan((nearest,), whole=False, order=files, affected=answer)
    total = sum(durations.values())
    share = sum(durations.get(file, 0.0) for file in first_files) / total if total else 0.0
    if not split or len(files) >= len(ids_by_file) or share > SINGLE_PART_SHARE:
        return Plan((Part(first=(*order, *later)),), whole=True, order=files, affected=answer)
    return Plan((nearest, Part(rest=True, first=tuple(later))), whole=True, order=files, affected=answer)


def merged(earlier: Request, later: Request) -> Request:
    """Two saves that wait are one: all their files, since the first."""
    changed = tuple(dict.fromkeys([*earlier.changed, *later.changed]))
    return Request("save", "save", changed, at=earlier.at)
