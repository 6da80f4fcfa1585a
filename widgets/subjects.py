"""What the detail view can show: a test, a test file, or plain text such as a run's output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from widgets.failure_lines import Layout, Line, Part, failure_lines, local_lines
from widgets.figures import count, duration, moment
from widgets.safe_text import clean, clean_line, fit, fold, shorten
from widgets.sparkline import spark
from widgets.test_tree import BAD, GLYPHS, glyph_of

if TYPE_CHECKING:
    from app.testing.model import FileState, HistoryPoint, Section, TestDetail, TestState

HISTORY_GLYPHS = 40


class Subject(Protocol):
    """Something with a title and named sections of lines."""

    key: str

    def title(self) -> tuple[Part, ...]:
        """For the upper border."""

    def sections(self) -> dict[str, bool]:
        """Names in order; False where there is nothing to see."""

    def lines(self, section: str, layout: Layout) -> Iterable[Line]:
        """The lines of one section."""

    def target(self) -> tuple[str, int] | None:
        """File and line that `e` opens."""

    def plain(self, section: str) -> str:
        """The text that `y` copies."""


class TestSubject:
    """One test: why it failed, what it printed, its variables and its past."""

    __test__ = False

    def __init__(
        self, detail: TestDetail, *, now: float, history: Sequence[HistoryPoint] = (), stale_note: str = ""
    ) -> None:
        self.detail = detail
        self.now = now
        self.key = detail.state.nodeid
        self.history = sorted(history or detail.history, key=lambda point: point.started_at)
        self.stale_note = stale_note

    @property
    def bad(self) -> bool:
        """True when its last outcome is a failure or an error."""
        return self.detail.state.outcome in BAD or bool(self.detail.failures)

    def title(self) -> tuple[Part, ...]:
        """Name, place, duration."""
        state = self.detail.state
        name = state.nodeid[len(state.file) + 2 :] if state.nodeid.startswith(f"{state.file}::") else state.nodeid
        where = f"{state.file}:{state.line}" if state.line else state.file
        parts: list[Part] = [glyph_of(state), (f" {clean_line(name, 300)}", ""), (" ─ ", "$muted")]
        parts.append((clean_line(where, 300), "$text-muted"))
        if state.duration_s is not None:
            parts += [(" ─ ", "$muted"), (duration(state.duration_s), "$text-muted")]
        return tuple(parts)

    def sections(self) -> dict[str, bool]:
        """The names in the lower border."""
        return {
            "failure" if self.bad else "result": True,
            "output": any(not _is_log(section) for section in self.detail.sections),
            "log": any(_is_log(section) for section in self.detail.sections),
            "locals": any(
                frame.locals for fail in self.detail.failures for exc in fail.exceptions for frame in exc.frames
            ),
            "history": bool(self.history),
        }

    def lines(self, section: str, layout: Layout) -> Iterator[Line]:
        """The lines of one section."""
        if section == "output":
            yield from _section_lines([s for s in self.detail.sections if not _is_log(s)], layout)
        elif section == "log":
            yield from _section_lines([s for s in self.detail.sections if _is_log(s)], layout)
        elif section == "locals":
            for failure in self.detail.failures:
                yield from local_lines(failure, layout)
        elif section == "history":
            yield from self._history_lines(layout)
        elif self.bad:
            yield from self._failure_lines(layout)
        else:
            yield from self._result_lines(layout)

    def target(self) -> tuple[str, int] | None:
        """The newest of the project's own frames; without one, the test itself."""
        for failure in self.detail.failures:
            for exception in reversed(failure.exceptions):
                for frame in reversed(exception.frames):
                    if frame.own:
                        return frame.path, frame.line
        return self.detail.state.file, self.detail.state.line or 1

    def plain(self, section: str) -> str:
        """The failure as pytest wrote it, or the section's lines."""
        if section == "failure":
            texts = [failure.text for failure in self.detail.failures if failure.text]
            if texts:
                return f"{self.key}\n\n" + "\n".join(texts)
        lines = self.lines(section, Layout(200))
        return "\n".join("".join(text for text, _ in line.parts).rstrip() for line in lines)

    def _failure_lines(self, layout: Layout) -> Iterator[Line]:
        if not self.detail.failures:
            message = clean(self.detail.state.message) or "its traceback is not kept; run it again to see it"
            for text in fold(message, layout.width):
                yield Line(((text, "$error bold"),))
            yield from self._since(layout)
        for number, failure in enumerate(self.detail.failures):
            if number:
                yield Line()
            lines = failure_lines(failure, layout, str(number))
            if number == 0:
                lines = _insert_before_blank(lines, list(self._since(layout)))
            yield from lines
        if self.stale_note:
            yield Line()
            yield Line(((self.stale_note, "$text-muted"),))

    def _result_lines(self, layout: Layout) -> Iterator[Line]:
        state = self.detail.state
        glyph, style = GLYPHS[state.outcome]
        words = state.outcome or ("not run yet" if not state.running else "running for the first time")
        took = f" in {duration(state.duration_s)}" if state.duration_s is not None else ""
        yield Line(((f"{glyph} ", style), (words, "bold"), (took, "")))
        for text in fold(clean(state.message), layout.width) if state.message else ():
            yield Line(((text, "$text-muted"),))
        yield from self._since(layout)
        if state.stale:
            yield Line((("files changed since; no run has confirmed it", "$text-muted"),))
        if self.detail.sections:
            yield Line()
            yield from _section_lines(self.detail.sections, layout)

    def _since(self, layout: Layout) -> Iterator[Line]:
        """The last outcomes, and what the first failure of this streak followed."""
        glyphs = _glyphs(self.history[-HISTORY_GLYPHS:])
        first = self.detail.first_failed_at
        text = f"first failed {moment(first, self.now)}" if first else ""
        after = self.detail.first_failed_after
        if text and after:
            more = f" and {len(after) - 1} more" if len(after) > 1 else ""
            text += f" after save of {clean_line(after[0], 200)}{more}"
        if glyphs or text:
            used = sum(len(part[0]) for part in glyphs)
            gap = "  " if glyphs and text else ""
            yield Line((*glyphs, (gap, ""), (shorten(text, max(layout.width - used - 2, 8)), "$text-muted")))

    def _history_lines(self, layout: Layout) -> Iterator[Line]:
        points = self.history
        if not points:
            yield Line((("no earlier run is known", "$text-muted"),))
            return
        bad = sum(point.outcome in BAD for point in points)
        yield from self._since(layout)
        line = spark([point.duration_s for point in points], min(60, layout.width - 20))
        longest = duration(max(point.duration_s for point in points))
        yield Line(((line, "$info"), (f"  longest {longest}", "$text-muted")))
        yield Line(((f"{count(len(points), 'run')}, {bad} failed", "$text-muted"),))
        yield Line()
        for point in reversed(points):
            glyph, style = GLYPHS.get(point.outcome, GLYPHS[None])
            yield Line(
                (
                    (f"{glyph} ", style),
                    (moment(point.started_at, self.now).ljust(13), ""),
                    (duration(point.duration_s).rjust(9), "$text-muted"),
                    (f"  {point.outcome}", "$text-muted"),
                )
            )


class FileSubject:
    """One test file: its collection error, or how its tests stand."""

    def __init__(self, file: FileState, states: Sequence[TestState], detail: TestDetail | None = None) -> None:
        self.file = file
        self.states = states
        self.detail = detail
        self.key = f"{file.path}::"

    def title(self) -> tuple[Part, ...]:
        """Path and number of tests."""
        return (
            (clean_line(self.file.path, 300), ""),
            (" ─ ", "$muted"),
            (count(self.file.total, "test"), "$text-muted"),
        )

    def sections(self) -> dict[str, bool]:
        """A file has one."""
        return {"error" if self.file.error else "summary": True}

    def lines(self, section: str, layout: Layout) -> Iterator[Line]:
        """The collection error, then the tests: failing ones with their messages, then the slowest."""
        if self.file.error:
            failures = self.detail.failures if self.detail else ()
            if not failures:
                yield Line((("⚠ ", "$warning"), ("error while collecting", "$text-muted")))
                for text in fold(clean(self.file.error), layout.width):
                    yield Line(((text, "$error bold"),))
            for number, failure in enumerate(failures):
                yield from failure_lines(failure, layout, str(number))
            yield Line()
        yield from self._summary(layout)

    def target(self) -> tuple[str, int] | None:
        """The file's beginning, or the line that could not be collected."""
        for failure in self.detail.failures if self.detail else ():
            for exception in reversed(failure.exceptions):
                for frame in reversed(exception.frames):
                    if frame.own:
                        return frame.path, frame.line
        return self.file.path, 1

    def plain(self, section: str) -> str:
        """The lines as text."""
        return "\n".join("".join(t for t, _ in line.parts).rstrip() for line in self.lines(section, Layout(200)))

    def _summary(self, layout: Layout) -> Iterator[Line]:
        if not self.states:
            return
        tally: dict[str | None, int] = {}
        for state in self.states:
            tally[state.outcome] = tally.get(state.outcome, 0) + 1
        parts: list[Part] = []
        for outcome in ("failed", "error", "passed", "skipped", "xfailed", "xpassed", None):
            if tally.get(outcome):
                glyph, style = GLYPHS[outcome]
                parts += [(f"{glyph} {tally[outcome]}", style), (f" {outcome or 'not run'}   ", "$text-muted")]
        yield Line(tuple(parts))
        total = sum(state.duration_s or 0.0 for state in self.states)
        yield Line(((f"{duration(total)} in all", "$text-muted"),))
        yield from _listed("failing", [state for state in self.states if state.outcome in BAD], layout)
        slow = sorted((s for s in self.states if (s.duration_s or 0) >= 0.01), key=lambda s: -(s.duration_s or 0))
        yield from _listed("slowest", slow[:8], layout, messages=False)


class TextSubject:
    """Plain text, such as what a run printed outside of its tests."""

    def __init__(self, key: str, title: str, text: str) -> None:
        self.key = key
        self._title = title
        self._text = text

    def title(self) -> tuple[Part, ...]:
        """Its name."""
        return ((clean_line(self._title, 300), ""),)

    def sections(self) -> dict[str, bool]:
        """A text has one."""
        return {"text": True}

    def lines(self, section: str, layout: Layout) -> Iterator[Line]:
        """The text, folded to the width."""
        for text in fold(clean(self._text.rstrip("\n")), layout.width):
            yield Line(((text, ""),))

    def target(self) -> tuple[str, int] | None:
        """Nothing to open."""
        return None

    def plain(self, section: str) -> str:
        """The text itself."""
        return self._text


def _is_log(section: Section) -> bool:
    return "log" in section.title.casefold()


def _glyphs(points: Sequence[HistoryPoint]) -> list[Part]:
    return [GLYPHS.get(point.outcome, GLYPHS[None]) for point in points]


def _insert_before_blank(lines: Iterator[Line], extra: list[Line]) -> Iterator[Line]:
    """`extra` behind the message, which ends at the first empty line."""
    waiting = bool(extra)
    for line in lines:
        if waiting and not line.parts:
            yield from extra
            waiting = False
        yield line
    if waiting:
        yield Line()
        yield from extra


def _section_lines(sections: Sequence[Section], layout: Layout) -> Iterator[Line]:
    if not sections:
        yield Line((("nothing was printed", "$text-muted"),))
    for number, section in enumerate(sections):
        if number:
            yield Line()
        yield Line(((clean_line(section.title, 200).lower(), "$text-muted"),))
        for text in fold(clean(section.text.rstrip("\n")), layout.width):
            yield Line(((text, ""),))
        if section.dropped:
            yield Line(((f"… {section.dropped:,} characters were cut from its middle", "$text-muted"),))


def _listed(heading: str, states: Sequence[TestState], layout: Layout, *, messages: bool = True) -> Iterator[Line]:
    if not states:
        return
    yield Line()
    yield Line(((heading, "$text-muted"),))
    for state in states[:50]:
        name = shorten(clean_line(re.sub(r"^.*?::", "", state.nodeid, count=1), 300), max(layout.width - 14, 8))
        target = (state.file, state.line or 1)
        figure = duration(state.duration_s).rjust(8)
        label = fit(f" {name}", max(layout.width - 10, 8))
        yield Line((glyph_of(state), (label, ""), (figure, "$text-muted")), target)
        if messages and state.message:
            message = shorten(clean_line(state.message), max(layout.width - 4, 8))
            yield Line((("    ", ""), (message, "$text-muted")), target)
    if len(states) > 50:
        yield Line(((f"and {len(states) - 50:,} more", "$text-muted"),))
