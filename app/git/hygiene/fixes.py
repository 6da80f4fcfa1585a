"""Fixes of hygiene findings as an operation: planned, previewed, done step by step, and taken back.

Each finding is a change of the plan, called by the finding's key instead of a ref. What was in the index before is
noted and pinned first, so that undo puts back the very entries. Undo leaves alone what has been changed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.errors import UserError
from app.git import plans
from app.git.cli import Git
from app.git.handlers import Work
from app.git.hygiene import files
from app.git.hygiene.commands import BETWEEN, commands, literal, moves
from app.git.hygiene.model import Finding, Step
from app.git.model import Plan, RefChange, Refusal

KIND: Final = "hygiene"
TITLE: Final = "mend {count} of hygiene"


def plan(repository: str, findings: Iterable[Finding]) -> Plan:
    """What fixing these findings would do; those that only a person can mend are refused with their detail."""
    changes: list[RefChange] = []
    refused: list[Refusal] = []
    steps: dict[str, list[list[str]]] = {}
    shown: dict[str, list[list[str]]] = {}
    for finding in findings:
        if not finding.steps:
            refused.append(Refusal(finding.key, f"{finding.detail}; only you can say what is right"))
            continue
        change = RefChange(finding.key, "local", "", "", finding.detail, ticked=finding.ticked)
        changes.append(change)
        steps[change.key] = [list(step) for step in finding.steps]
        shown[change.key] = [list(each) for step in finding.steps for each in commands(step)]
    notes = ["the changes are staged, and nothing is committed"]
    if any(step[0] == "untrack" for group in steps.values() for step in group):
        notes.append("files that are not tracked any more stay on this disk, and go from others' when they pull")
    return Plan(
        kind=KIND,
        repository=repository,
        title=TITLE.format(count=plans.count_of(sum(change.ticked for change in changes), "finding")),
        changes=tuple(changes),
        commands=tuple(tuple(each) for change in changes if change.ticked for each in shown[change.key]),
        refused=tuple(refused),
        notes=tuple(notes),
        arguments={"handler": KIND, "title": TITLE, "noun": "finding", "steps": steps, "commands_of": shown},
    )


@dataclass(frozen=True, slots=True)
class HygieneHandler:
    """Does and undoes plans of this module; registered with the executor under `hygiene`."""

    async def act(self, work: Work) -> None:
        """All steps of the ticked findings. Repeatable: a step that has been done is passed over."""
        top = await _top(work.git)
        steps = chosen(work.plan)
        if "before" not in work.data:
            before = await _index(work.git, (path for _, step in steps for path in (step.path, step.other)))
            await _look_first(work.git, top, [step for _, step in steps], before)
            await work.pin("index", (await work.git.run("write-tree")).line)
            await work.note({"before": {path: list(entry) for path, entry in before.items()}, "done": []})
        left: set[str] = set()
        for name, step in steps:
            if name in left:
                continue
            item = [name, list(step)]
            if item not in work.data["done"]:
                # Noted before it is done: undo passes over what did not come to be.
                await work.note({"done": [*work.data["done"], item]})
            try:
                await _perform(work.git, top, step)
            except UserError as error:
                left.add(name)
                work.refused.append((name, error.what))

    async def undo(self, work: Work) -> None:
        """Every step that was done, backwards."""
        top = await _top(work.git)
        before = work.data.get("before", {})
        for name, step in reversed(_noted(work.data)):
            try:
                await _take_back(work.git, top, step, before)
            except UserError as error:
                work.refused.append((name, error.what))

    def undo_plan(self, plan: Plan, data: dict[str, Any]) -> Plan:
        """The plan with the commands that take it back."""
        done = _noted(data)
        refs = {name for name, _ in done}
        before = data.get("before", {})
        shown: dict[str, list[list[str]]] = {}
        changes = tuple(change for change in reversed(plan.changes) if change.ref in refs)
        for change in changes:
            steps = [step for name, step in reversed(done) if name == change.ref]
            shown[change.key] = [list(each) for step in steps for each in _undo_commands(step, before)]
        return replace(
            plan,
            title=f"take back: {plan.title}",
            changes=changes,
            commands=tuple(tuple(each) for change in changes for each in shown[change.key]),
            refused=(),
            notes=("files that were changed since stay as they are",),
            arguments={**plan.arguments, "commands_of": shown},
        )


def _noted(data: Mapping[str, Any]) -> list[tuple[str, Step]]:
    """The steps that were begun, each with the name of its finding."""
    return [(str(name), Step(*step)) for name, step in data.get("done", ())]


def chosen(plan: Plan) -> list[tuple[str, Step]]:
    """The steps of a plan's changes in the order they are done, each with the name of its finding.

    Files are made before lines are added to them.
    """
    known = plan.arguments.get("steps")
    steps = known if isinstance(known, Mapping) else {}
    found = [(change.ref, Step(*step)) for change in plan.changes for step in steps.get(change.key, ())]
    return sorted(found, key=lambda item: item[1].verb != "write")


async def _top(git: Git) -> Path:
    found = await git.run("rev-parse", "--show-toplevel", ok=(0, 128))
    if found.code or not found.line:
        raise UserError("there is no working tree to change files in", where=str(git.path), fix="mend it in a clone")
    return Path(found.line)


async def _index(git: Git, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Mode and object id of each of these paths that is in the index."""
    wanted = dict.fromkeys(paths)
    entries: dict[str, tuple[str, str]] = {}
    for record in (await git.run("ls-files", "-s", "-z", "--full-name", "--", ":/")).records:
        about, _, path = record.partition("\t")
        mode, oid, _stage = about.split(" ")
        if path in wanted:
            entries[path] = (mode, oid)
    return entries


async def _look_first(git: Git, top: Path, steps: Sequence[Step], before: Mapping[str, tuple[str, str]]) -> None:
    """Raise UserError while nothing has been changed, where a file is not as the audit saw it."""
    conflicts = (await git.run("diff", "--name-only", "--diff-filter=U", "-z")).records
    if conflicts:
        raise UserError(f"{conflicts[0]} is in conflict", where=str(top), fix="resolve the conflicts first")
    dirty = set((await git.run("diff-files", "--name-only", "-z")).records)
    for step in steps:
        if step.verb in ("move", "remove", "untrack") and step.path not in before:
            raise UserError(f"{step.path} is not tracked any more", where=str(top), fix="audit again")
        if step.verb == "move" and step.other in before:
            raise UserError(f"{step.other} is there already", where=str(top), fix="audit again")
        if step.verb == "write" and await asyncio.to_thread(files.exists, top, step.path):
            raise UserError(f"{step.path} is there already, only not tracked", where=str(top), fix="add it yourself")
        if step.verb in ("remove", "ignore") and step.path in dirty:
            raise UserError(
                f"{step.path} has changes that are not staged", where=str(top), fix="stage or stash them, and try again"
            )


async def _perform(git: Git, top: Path, step: Step) -> None:
    at_top = Git(top)
    if step.verb == "move":
        await _move(git, top, step.path, step.other)
    elif step.verb in ("write", "ignore"):
        await asyncio.to_thread(files.write_new if step.verb == "write" else files.add_line, top, step.path, step.other)
        await at_top.run("add", "-f", "--", literal(step.path))
    elif step.path in await _index(git, (step.path,)):
        cached = ("--cached",) if step.verb == "untrack" else ()
        # Something else may be staged than is in the last commit and on the disk; the index entry is pinned.
        await at_top.run("rm", "-q", "-f", *cached, "--", literal(step.path))


async def _move(git: Git, top: Path, old: str, new: str) -> None:
    """In two steps where the names are one for some file systems; from wherever an interrupted one stopped."""
    between = old + BETWEEN
    entries = await _index(git, (old, between, new))
    if old not in entries and between not in entries and new in entries:
        return
    if new in entries:
        raise UserError(f"{new} is there already")
    if old not in entries and between not in entries:
        raise UserError(f"{old} is not there any more")
    at_top = Git(top)
    for each in moves(old, new):
        if each[0] == "mkdir":
            await asyncio.to_thread(files.make_folder, top, each[-1])
        elif not (each[3] == old and old not in entries):
            await at_top.run(*each[1:])
    await asyncio.to_thread(files.remove_empty, top, old.rpartition("/")[0])


async def _take_back(git: Git, top: Path, step: Step, before: Mapping[str, Sequence[str]]) -> None:
    entries = await _index(git, (step.path, step.other, step.path + BETWEEN))
    if step.verb == "move":
        await _move_back(git, top, step, entries)
    elif step.verb in ("untrack", "remove"):
        if step.path not in entries:
            await _restore(top, step.path, before)
            if step.verb == "remove" and not await asyncio.to_thread(files.exists, top, step.path):
                await Git(top).run("checkout-index", "--", step.path)
    elif step.verb == "write":
        await _unwrite(git, top, step, entries)
    else:
        staged = step.path not in (await git.run("diff-files", "--name-only", "-z")).records
        if not await asyncio.to_thread(files.remove_line, top, step.path, step.other):
            return
        if staged and await asyncio.to_thread(files.exists, top, step.path):
            await Git(top).run("add", "-f", "--", literal(step.path))
        elif staged:
            await Git(top).run("rm", "-q", "--cached", "--", literal(step.path))


async def _move_back(git: Git, top: Path, step: Step, entries: Mapping[str, tuple[str, str]]) -> None:
    old, new, between = step.path, step.other, step.path + BETWEEN
    if old in entries:
        if new in entries:
            raise UserError(f"{old} has been made anew since")
        return
    if between in entries:
        await Git(top).run("mv", "--", between, old)
    elif new in entries:
        await _move(git, top, new, old)
    else:
        raise UserError(f"{new} is not there any more")


async def _unwrite(git: Git, top: Path, step: Step, entries: Mapping[str, tuple[str, str]]) -> None:
    wrote = step.other.encode("utf-8", "surrogateescape")
    oid = (await git.run("hash-object", "--stdin", "--no-filters", input=wrote)).line
    there = await asyncio.to_thread(files.content, top, step.path)
    if there not in (None, step.other) or entries.get(step.path, ("", oid))[1] != oid:
        raise UserError(f"{step.path} has been changed since")
    if step.path in entries:
        await Git(top).run("rm", "-q", "--cached", "--", literal(step.path))
    await asyncio.to_thread(files.remove, top, step.path)


async def _restore(top: Path, path: str, before: Mapping[str, Sequence[str]]) -> None:
    mode, oid = before[path]
    await Git(top).run("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}")


def _undo_commands(step: Step, before: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    if step.verb == "move":
        return moves(step.other, step.path)
    if step.verb in ("write", "ignore"):
        return (("git", "rm", "--cached", "--", literal(step.path)),) if step.verb == "write" else ()
    mode, oid = before.get(step.path, ("", ""))
    back = ("git", "update-index", "--add", "--cacheinfo", f"{mode},{oid},{step.path}")
    return (back, ("git", "checkout-index", "--", step.path)) if step.verb == "remove" else (back,)
