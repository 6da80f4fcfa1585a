"""The bottom line of the Tests screen: how far a run is and what is left, or how the last one ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from widgets import hints
from widgets.figures import count, duration, moment, wall_clock
from widgets.safe_text import clean_line, shorten, width_of
from widgets.sparkline import spark

if TYPE_CHECKING:
    from app.testing.model import Counts, Progress, ProjectSnapshot, RunSummary

Part = tuple[str, str]
TREND_RUNS = 20
STOPPED = "stopped"
"""The note of a run that its user ended: the result says it, and no line of its own."""
HINT: tuple[Part, ...] = (("   ?", "$text-muted"), (" keys", "$muted"))
OUTCOMES = (
    ("failed", "✗", "$error"),
    ("error", "⚠", "$warning"),
    ("passed", "✓", "$success"),
    ("skipped", "○", "$text-muted"),
)
EXITS = {2: "interrupted", 3: "crashed", 4: "could not start", 5: "found no tests"}


def counts_parts(counts: Counts) -> list[Part]:
    """`✗2 ✓418 ○3`: what there is, worst first."""
    parts: list[Part] = []
    for name, glyph, style in OUTCOMES:
        number = getattr(counts, name)
        if number:
            parts += [(f"{glyph}{number}", style), (" ", "")]
    rare = counts.xfailed + counts.xpassed
    if rare:
        parts += [(f"x{rare}", "$text-muted"), (" ", "")]
    return parts


def bar_parts(done: int, total: int, width: int, style: str = "$accent") -> list[Part]:
    """A thin bar of exactly `width` columns; what is left of it is thinner, which is seen without colours as well."""
    halves = min(2 * width, round(2 * width * done / total)) if total > 0 else 0
    full, half = divmod(halves, 2)
    return [("━" * full + "╸" * half, style), ("─" * (width - full - half), "$panel")]


def files_text(files: Iterable[str]) -> str:
    """The saved files, by name: the first, and how many more."""
    names = [clean_line(file, 200).rpartition("/")[2] for file in files]
    if not names:
        return ""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


class ProgressLine(Widget):
    """One line. `show` gives it what to say; it measures time only while it paints."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ProgressLine { height: 1; width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: ProjectSnapshot | None = None
        self._files: tuple[str, ...] = ()
        self.monotonic = time.monotonic
        self.clock = wall_clock

    def show(self, snapshot: ProjectSnapshot | None, files: tuple[str, ...] = ()) -> None:
        """Take over a project's state; `files` are the saved files that set off its last run."""
        self._snapshot, self._files = snapshot, files
        self.refresh()

    def render(self) -> Content:
        """What goes on at the left; trend and level at the right."""
        snapshot, width = self._snapshot, self.size.width - 2
        if snapshot is None or width < 10:
            return Content("")
        if snapshot.progress is not None:
            left = self._under_way(snapshot.progress, width)
        elif snapshot.last is not None:
            left = self._ended(snapshot.last)
        elif snapshot.state == "starting":
            left = [("starting", "$text-muted")]
        else:
            left = [
                ("no run yet", "$text-muted"),
                (f"  {hints.key('tests', 'a')}", "$accent"),
                (" runs all", "$text-muted"),
            ]
        right = self._right(snapshot, width)
        left = _cut(left, width - _width(right) - (2 if right else 0))
        if _width(left) + _width(right) + _width(HINT) + 4 <= width:
            right = [*right, *HINT]
        return Content.assemble((" ", ""), *left, (" " * (width - _width(left) - _width(right)), ""), *right)

    def _under_way(self, progress: Progress, width: int) -> list[Part]:
        seconds = max(self.monotonic() - progress.started_monotonic, 0.0)
        if progress.total is None:
            since = f"  {_coarse(seconds)}" if seconds >= 1 else ""
            return [("◐ ", "$accent"), ("collecting", ""), (since, "$text-muted")]
        total = f"{progress.total}"
        parts = bar_parts(progress.done, progress.total, max(10, min(32, width // 5)))
        parts += [(f" {str(progress.done).rjust(len(total))}/{total}", ""), ("  ", "")]
        if progress.bad:
            parts += [(f"✗{progress.bad}", "$error"), ("  ", "")]
        if progress.affected_done_s is not None:
            sign: Part = (f"✗{progress.affected_bad}", "$error") if progress.affected_bad else ("✓", "$success")
            parts += [("affected ", "$text-muted"), sign, (f" in {duration(progress.affected_done_s)}", ""), ("  ", "")]
        if progress.all_in:
            parts += [("finishing", "$text-muted"), ("  ", "")]
        elif progress.expected_s is not None and (progress.expected_s >= 1 or not progress.unmeasured):
            label = "rest " if progress.affected_done_s is not None else "left "
            # A test that has never run may take as long as it likes.
            least = ">" if progress.unmeasured else ""
            parts += [(label, "$text-muted"), (least + _coarse(progress.expected_s), ""), ("  ", "")]
        elif seconds >= 1:
            parts += [("for ", "$text-muted"), (_coarse(seconds), ""), ("  ", "")]
        if progress.files:
            parts.append((f"after save of {files_text(progress.files)}", "$text-muted"))
        return parts

    def _ended(self, run: RunSummary) -> list[Part]:
        parts = counts_parts(run.counts)
        if run.note == STOPPED:
            parts.append(("⚠ stopped ", "$warning"))
        elif run.superseded:
            parts.append(("superseded by a newer save ", "$text-muted"))
        elif run.exit in EXITS:
            parts.append((f"{EXITS[run.exit]} ", "$warning"))
        elif not run.counts.bad and run.counts.passed:
            parts.append(("all green ", "$success"))
        parts += [("in ", "$text-muted"), (duration(run.duration_s), "")]
        if run.affected_done_s is not None and not run.superseded:
            sign: Part = (f"✗{run.affected_bad}", "$error") if run.affected_bad else ("✓", "$success")
            parts += [("  affected ", "$text-muted"), sign, (f" in {duration(run.affected_done_s)}", "")]
        if run.trigger == "save":
            name = files_text(self._files)
            parts.append((f"  after save of {name}" if name else "  after a save", "$text-muted"))
        else:
            by = {"key": "by key", "start": "at start", "cli": "from the command line", "verify": "to verify"}
            parts.append((f"  {by[run.trigger]}", "$text-muted"))
        parts.append((f"  {moment(run.started_at, self.clock())}", "$text-muted"))
        if run.counts.deselected:
            parts.append((f"  {count(run.counts.deselected, 'test')} deselected", "$text-muted"))
        return parts

    def _right(self, snapshot: ProjectSnapshot, width: int) -> list[Part]:
        parts: list[Part] = []
        if snapshot.state in ("broken", "gone"):
            return parts
        runs = [run for run in snapshot.recent if not run.superseded][-TREND_RUNS:]
        if len(runs) > 1 and width >= 90:
            line = spark([run.duration_s for run in runs], TREND_RUNS)
            parts += [(block, "$error" if run.exit else "$text-muted") for block, run in zip(line, runs, strict=True)]
            parts.append(("   ", ""))
        if snapshot.level == "cold":
            reason = shorten(clean_line(snapshot.level_reason, 300), max(width // 3, 10))
            parts.append((f"cold: {reason}" if reason else "cold", "$text-muted"))
        else:
            parts += [("warm ", "$text-muted"), (snapshot.level, "$info")]
        return parts


def _coarse(seconds: float) -> str:
    return "<1 s" if seconds < 1 else duration(round(seconds)) if seconds >= 9.5 else f"{seconds:.0f} s"


def _width(parts: Iterable[Part]) -> int:
    return sum(width_of(text) for text, _ in parts)


def _cut(parts: Iterable[Part], room: int) -> list[Part]:
    result: list[Part] = []
    for text, style in parts:
        if width_of(text) > room:
            # A word cut short at the end of a line says less than no word.
            if len(result) < 3:
                result.append((shorten(text, room), style))
            break
        result.append((text, style))
        room -= width_of(text)
    return result
