"""What operations would do: every change with its tick and its reason, the exact commands, and what to know before."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.figures import count
from widgets.lines_view import LinesView, TextLine, folded, heading
from widgets.row_list import Part
from widgets.safe_text import clean, clean_line, fit, shorten

if TYPE_CHECKING:
    from app.git.model import ConfigChange, Plan, RefChange, Refusal

SIDE = 9


class PlanView(LinesView):
    """Plans of one or more repositories, with ticks. `enter` asks for them to be performed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space", "tick", "Tick", show=False, id="git.plan_tick", tooltip="Leave this change out, or take it in"
        ),
        Binding("a", "tick_all", "Tick all", show=False, id="git.plan_all", tooltip="Tick every change, or none"),
        Binding("enter", "perform", "Perform", show=False, id="git.plan_perform", tooltip="Do what is ticked"),
    ]

    class Confirmed(Message):
        """The plans are to be performed as they are ticked."""

    class Ticked(Message):
        """Another choice: the commands may differ."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: tuple[Plan, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.busy = ""
        self._ticks: list[set[str]] = []
        self._commands: dict[int, tuple[tuple[str, ...], ...]] = {}

    def show_plans(self, plans: Sequence[Plan], problems: Sequence[str] = ()) -> None:
        """Show these plans, ticked as they say; `problems` are those that could not be made, in words."""
        self.plans, self.problems, self.busy = tuple(plans), tuple(problems), ""
        self._ticks = [{change.key for change in plan.changes if change.ticked and not change.locked} for plan in plans]
        self._commands = {}
        self.show(self._made)

    def ticked(self, number: int = 0) -> frozenset[str]:
        """Keys of the ticked changes of a plan."""
        return frozenset(self._ticks[number])

    def set_commands(self, number: int, commands: tuple[tuple[str, ...], ...]) -> None:
        """The commands of a plan as it is ticked now."""
        self._commands[number] = commands
        self.rebuild()

    def set_busy(self, text: str) -> None:
        """Say what is under way; while that is so nothing can be ticked."""
        if text != self.busy:
            self.busy = text
            self.rebuild()

    @property
    def can_perform(self) -> bool:
        """True when something is ticked, or a plan has only commands."""
        return not self.busy and any(
            ticks or (not plan.changes and (plan.config or plan.commands))
            for plan, ticks in zip(self.plans, self._ticks, strict=True)
        )

    @property
    def commands_text(self) -> str:
        """All commands as a shell would take them."""
        return "\n".join(shell(command) for number in range(len(self.plans)) for command in self._of(number))

    def _of(self, number: int) -> tuple[tuple[str, ...], ...]:
        return self._commands.get(number, self.plans[number].commands)

    # Keys

    def _at_cursor(self) -> tuple[int, RefChange] | None:
        number, _, key = self.key.partition(" ")
        if not key:
            return None
        return next(((int(number), change) for change in self.plans[int(number)].changes if change.key == key), None)

    def action_tick(self) -> None:
        """Take the change under the cursor in, or leave it out."""
        found = self._at_cursor()
        if found is None or self.busy:
            return
        number, change = found
        if change.locked:
            self.app.notify(f"This one stays: {clean_line(change.locked, 200)}", timeout=3, markup=False)
            return
        together = next((group for group in self._groups(number) if change.key in group), {change.key})
        if change.key in self._ticks[number]:
            self._ticks[number] -= together
        else:
            self._ticks[number] |= together
        self._changed()
        self.action_move(1)

    def _groups(self, number: int) -> list[set[str]]:
        """Changes that are done together or not at all."""
        plan = self.plans[number]
        found = plan.arguments.get("groups")
        free = {change.key for change in plan.changes if not change.locked}
        return [free.intersection(map(str, group)) for group in found] if isinstance(found, list | tuple) else []

    def action_tick_all(self) -> None:
        """Tick all that can be ticked, or nothing when all of it is."""
        if self.busy:
            return
        free = [{change.key for change in plan.changes if not change.locked} for plan in self.plans]
        self._ticks = [set() for _ in free] if free == self._ticks else free
        self._changed()

    def _changed(self) -> None:
        self._commands = {}
        self.rebuild()
        self.post_message(self.Ticked())

    def action_perform(self) -> None:
        """Ask for it to be done."""
        if self.can_perform:
            self.post_message(self.Confirmed())
        elif not self.busy:
            self.app.notify("Nothing is ticked.", timeout=2)

    # Lines

    def _made(self, width: int) -> Iterator[TextLine]:
        if self.busy:
            yield TextLine((("◐ ", "$info"), (shorten(clean_line(self.busy, 200), max(width - 2, 4)), "")))
            yield TextLine()
        for text in self.problems:
            yield from folded(text, width, lead=("✗ ", "$error"))
        if self.problems and self.plans:
            yield TextLine()
        for number, plan in enumerate(self.plans):
            if number:
                yield TextLine()
            yield from self._plan(number, plan, width)

    def _plan(self, number: int, plan: Plan, width: int) -> Iterator[TextLine]:
        ticks = self._ticks[number]
        several = len({plan.repository for plan in self.plans}) > 1
        yield from folded(f"{plan.repository}: {plan.title}" if several else plan.title, width, "bold")
        chosen = [change for change in plan.changes if change.key in ticks]
        if plan.changes:
            stake = sum(change.commits for change in chosen if not change.new)
            yield TextLine(((f"{len(chosen)} of {len(plan.changes)} ticked", "$text-muted"),))
            if stake:
                yield from folded(f"{count(stake, 'commit')} on no other branch", width, "$text-muted")
        elif not plan.commands and not plan.config:
            yield TextLine((("✓ ", "$success"), ("nothing to do", "")))
        something = plan.changes or plan.commands or plan.config
        for note in plan.notes:
            yield from folded(note, width, lead=("⚠ ", "$warning") if something else ("  ", ""))
        for remark in plan.remarks:
            yield from folded(remark, width, "$text-muted", lead=("  ", ""))
        if plan.changes:
            yield TextLine()
        for change in plan.changes:
            yield from self._change(number, change, change.key in ticks, width)
        yield from refusal_lines(plan.refused, width, "left alone")
        yield from command_lines(self._of(number), width)
        yield from config_lines([change for change in plan.config if _wanted(change, plan, ticks)], width)

    def _change(self, number: int, change: RefChange, ticked: bool, width: int) -> Iterator[TextLine]:
        box: Part = ("[-] ", "$muted") if change.locked else ("[✓] ", "$success") if ticked else ("[ ] ", "$text-muted")
        side = clean_line(change.remote, 40) if change.side == "remote" else "here"
        what = what_of(change)
        room = max(width - 4 - SIDE - 1 - len(what) - 1, 6)
        name_style = "$text-muted" if change.locked else "bold"
        yield TextLine(
            (
                box,
                (fit(ref_name(change.ref), room), name_style),
                (f" {what} ", "$text-muted"),
                (fit(side, SIDE), "$text-muted"),
            ),
            f"{number} {change.key}",
        )
        told = f"stays: {change.locked}" if change.locked else change.reason
        if change.locked and change.reason:
            told += f" ({change.reason})"
        stake = f"{count(change.commits, 'commit')} on no other branch" if change.commits else ""
        gone = "" if change.recoverable else "undo cannot bring it back"
        risk = " · ".join(text for text in (stake, gone) if text)
        if told:
            yield from folded(told, width, "$text-muted", lead=("    ", ""), limit=4)
        if risk:
            grave = not change.ticked or not change.recoverable
            yield from folded(risk, width, "$warning" if grave else "$text-muted", lead=("    ", ""))


def _wanted(config: ConfigChange, plan: Plan, ticks: set[str]) -> bool:
    """Whether a setting changes as the plan is ticked: that of a branch does with the branch."""
    section, _, rest = config.key.partition(".")
    ref = f"refs/heads/{rest.rpartition('.')[0]}" if section == "branch" else ""
    keys = {change.key for change in plan.changes if change.side == "local" and change.ref == ref}
    return not keys or bool(keys & ticks)


def what_of(change: RefChange) -> str:
    """What happens to a ref, in a word or two object names."""
    if change.old == change.new:
        return "settings"
    if not change.new:
        return "delete"
    if not change.old:
        return "create"
    return f"{_place(change.old)} → {_place(change.new)}"


def _place(value: str) -> str:
    if value.startswith("ref: "):
        return shorten(ref_name(value[5:]), 24)
    return clean_line(value[:7], 7)


def ref_name(ref: str) -> str:
    """A full ref name as short as it stays clear."""
    text = clean_line(ref, 300)
    for prefix in ("refs/heads/", "refs/remotes/"):
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def shell(command: Sequence[str]) -> str:
    """A command as a shell would take it, without controls; what is given to its standard input follows `<<<`."""
    if "<<<" not in command:
        return clean_line(shlex.join(command), 20_000)
    at = list(command).index("<<<")
    given = "\n".join(command[at + 1 :])
    return clean_line(f"{shlex.join(command[:at])} <<< ", 20_000) + clean(shlex.quote(given), 20_000)


def command_lines(commands: Iterable[Sequence[str]], width: int) -> list[TextLine]:
    """The exact commands, folded between words."""
    lines: list[TextLine] = []
    for command in commands:
        lines += folded(shell(command), width, lead=("$ ", "$muted"), limit=60)
    return [*heading("commands"), *lines] if lines else []


def config_lines(changes: Sequence[ConfigChange], width: int) -> list[TextLine]:
    """Values of the configuration, before and after."""
    lines: list[TextLine] = []
    for change in changes:
        before = "unset" if change.old is None else clean_line(change.old, 200)
        after = "unset" if change.new is None else clean_line(change.new, 200)
        lines += folded(f"{clean_line(change.key, 200)}: {before} → {after}", width)
    return [*heading("configuration"), *lines] if lines else []


def refusal_lines(refused: Sequence[Refusal], width: int, title: str) -> list[TextLine]:
    """What is not touched, why, and what would help."""
    lines: list[TextLine] = []
    for refusal in refused:
        name = ref_name(refusal.ref)
        lines += folded(f"{name}: {refusal.why}" if name else refusal.why, width, lead=("⊘ ", "$warning"))
        if refusal.fix:
            lines += folded(refusal.fix, width, "$accent", lead=("  ", ""))
    return [*heading(title), *lines] if lines else []
