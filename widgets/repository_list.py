"""The followed repositories, one line each: where HEAD is, how far from its upstream, what is changed or wrong."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from widgets import branch_words as words
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit, width_of

if TYPE_CHECKING:
    from app.git.model import RepositoryState

LEAST_NAME = 12


class RepositoryList(RowList):
    """The list. Its rows are the repositories' names, in the order of the configuration."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, RepositoryState] = {}
        self.filter_text = ""
        self._widths = Widths()

    def show(self, states: Sequence[RepositoryState]) -> None:
        """Take over the state of all repositories."""
        self.states = {state.name: state for state in states}
        for row in [row for row in self._marks if row not in self.states]:
            del self._marks[row]
        self._widths = _widths(states)
        rows = self._filtered()
        if rows != list(self.rows):
            self.set_rows(rows)
        self.refresh_changed()

    def set_filter(self, text: str) -> None:
        """Show only the repositories that fit all words of `text`."""
        if text != self.filter_text:
            self.filter_text = text
            self.set_rows(self._filtered())

    def _filtered(self) -> list[str]:
        return [name for name, state in self.states.items() if words.repository_matches(state, self.filter_text)]

    def mark_all(self) -> None:
        """Mark all rows on show, or take the marks away when all are marked."""
        if all(row in self._marks for row in self.rows):
            self._marks.clear()
        else:
            self._marks.update(dict.fromkeys(self.rows))
        self.refresh_changed()

    def signature(self, row: str) -> Hashable:
        """All that its line shows."""
        state = self.states.get(row)
        return (_line(state), self._widths) if state is not None else None

    def draw(self, row: str, width: int) -> list[Part]:
        """Sign, name, branch, how far it is ahead and behind, changed files, problems."""
        state = self.states[row]
        mark: Part = ("•", "$accent") if row in self._marks else (" ", "")
        sign, tone = sign_of(state)
        name = clean_line(state.name, 200)
        lead: list[Part] = [mark, (f"{sign} ", tone)]
        widths = self._widths
        # The columns of figures stand at the right; the name gets what its longest needs, at most three fifths.
        figures = sum(size + 1 for size in widths[1:] if size)
        room = max(width - 3 - figures - 1, LEAST_NAME)
        name_width = min(widths.name, max(room * 3 // 5, LEAST_NAME))
        lead += [(fit(name, name_width), "bold"), (" ", "")]
        if state.error or state.busy:
            text = clean_line(state.busy or state.error, 200)
            rest = max(width - 3 - name_width - 2, 0)
            return [*lead, (fit(text, rest), "$info" if state.busy else "$text-muted"), (" ", "")]
        where, where_tone = _where(state)
        lead.append((fit(where, max(room - name_width - 1, 0)), where_tone))
        changed, bad = words.changed(state), words.bad(state)
        up, down = words.head_pair(state)
        for size, text, tone in (
            (widths.up, words.arrow("↑", up), "$info"),
            (widths.down, words.arrow("↓", down), "$warning"),
            (widths.changed, f"±{words.figure(changed, 3)}" if changed else "", "$text-muted"),
            (widths.problems, f"⚠{words.figure(bad, 3)}" if bad else "", "$warning"),
        ):
            if size:
                lead.append((f" {text.rjust(size)}", tone))
        return [*lead, (" ", "")]


class Widths(NamedTuple):
    """Columns of what a row holds; 0 for figures that no row has."""

    name: int = LEAST_NAME
    up: int = 0
    down: int = 0
    changed: int = 0
    problems: int = 0


def _widths(states: Sequence[RepositoryState]) -> Widths:
    def widest(numbers: Iterable[int], width: int = 4) -> int:
        most = max(numbers, default=0)
        return 1 + len(words.figure(most, width)) if most else 0

    pairs = [words.head_pair(state) for state in states]
    return Widths(
        max((width_of(clean_line(state.name, 200)) for state in states), default=0),
        widest(up for up, _ in pairs),
        widest(down for _, down in pairs),
        widest((words.changed(state) for state in states), 3),
        widest((words.bad(state) for state in states), 3),
    )


def sign_of(state: RepositoryState) -> Part:
    """The sign of a repository: it cannot be read, something is under way, something is wrong, or all is well."""
    if state.busy:
        return "◐", "$info"
    if state.error:
        return "✗", "$error"
    if not state.read_at:
        return "·", "$muted"
    if state.operation is not None or state.head.detached or (state.changes is not None and state.changes.conflicts):
        return "⚑", "$warning"
    if words.bad(state):
        return "⚠", "$warning"
    return ("○", "$muted") if words.changed(state) or any(words.head_pair(state)) else ("✓", "$success")


def _where(state: RepositoryState) -> Part:
    if state.operation is not None:
        return f"{state.operation} {words.head_words(state)}".rstrip(), "$warning"
    if state.head.unborn:
        return f"{words.head_words(state)} empty", "$text-muted"
    if state.head.detached:
        return f"detached {words.head_words(state)}", "$warning"
    return f"{words.head_words(state)}{' bare' if state.bare else ''}", "$text-muted"


def _line(state: RepositoryState) -> Hashable:
    pair = words.head_pair(state)
    return state.head, state.operation, state.changes, state.busy, state.error, words.bad(state), pair, state.bare
