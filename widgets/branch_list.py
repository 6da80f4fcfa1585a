"""The branches of a repository, one line each, drawn only where they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from widgets import branch_words as words
from widgets.branch_words import PairWidths
from widgets.figures import short_age, wall_clock
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit, shorten, width_of

if TYPE_CHECKING:
    from app.git.model import RepositoryState
    from widgets.branch_words import AnyBranch

AGE_WIDTH = 6
BADGES_WIDTH = 24
UPSTREAM_WIDTH = 16
FEW_BADGES = 13
LEAST_NAME, GOOD_NAME, WIDE_NAME, MOST_NAME = 20, 26, 30, 44
BORDER = 2
"""Columns of the border before a title begins, beyond the first of the content."""


class Columns(NamedTuple):
    """Where everything stands in a row; 0 for what has no room."""

    name: int
    badges: int
    upstream: int
    pair: PairWidths
    default: PairWidths | None


class BranchList(RowList):
    """The list. `show` gives it a repository; its rows are full ref names, local ones first, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.state: RepositoryState | None = None
        self.filter_text = ""
        self.caption = "branches"
        self._branches: dict[str, AnyBranch] = {}
        self._order: list[str] = []
        self._names = self._badges = self._states = self._upstreams = 0
        self._pairs = PairWidths(), PairWidths()

    # Content

    def show(self, state: RepositoryState | None) -> None:
        """Take over a repository's state; the same one's keeps cursor and marks."""
        before, self.state = self.state, state
        same = before is not None and state is not None and before.name == state.name
        if not same:
            self.filter_text = ""
            self._marks.clear()
        if not same or before is None or state is None or not _same_branches(before, state):
            self._load()
            self.set_rows(self._filtered(), keep=same)
            for row in [row for row in self._marks if row not in self._branches]:
                del self._marks[row]
        self.refresh_changed()
        self.refresh_title()

    def _load(self) -> None:
        state = self.state
        self._branches = {}
        if state is not None:
            here = sorted(state.branches, key=lambda b: (not b.is_head, not b.is_default, -b.last_commit.time, b.name))
            away = sorted(state.remote_only, key=lambda b: (-b.last_commit.time, b.name))
            self._branches.update((branch.ref, branch) for branch in here)
            self._branches.update((branch.ref, branch) for branch in away)
        self._order = list(self._branches)
        shown = self._branches.values()
        self._names = max((width_of(clean_line(branch.name, 300)) for branch in shown), default=0)
        self._badges = max((width_of(" ".join(words.badges_of(branch))) for branch in shown), default=0)
        self._states = max((width_of(" ".join(words.state_words(branch))) for branch in shown), default=0)
        self._upstreams = max((width_of(words.upstream_of(branch)[0]) for branch in shown), default=0)
        local = state.branches if state is not None else ()
        least = any(branch.lower_bound for branch in local)
        self._pairs = (
            words.pair_widths(((branch.ahead, branch.behind) for branch in local), least=least),
            words.pair_widths(((branch.ahead_default, branch.behind_default) for branch in shown), least=least),
        )

    def _filtered(self) -> list[str]:
        if not self.filter_text:
            return self._order
        return [row for row, branch in self._branches.items() if words.matches(branch, self.filter_text)]

    def set_filter(self, text: str) -> None:
        """Show only the branches that fit all words of `text`."""
        if text != self.filter_text:
            self.filter_text = text
            self.set_rows(self._filtered())
            self.refresh_title()

    @property
    def branch(self) -> AnyBranch | None:
        """The branch under the cursor."""
        return self._branches.get(self.cursor_row or "")

    @property
    def total(self) -> int:
        """How many there are without the filter."""
        return len(self._order)

    def marked(self) -> list[AnyBranch]:
        """The marked branches, in the order of their marks."""
        return [self._branches[row] for row in self.marks if row in self._branches]

    def reveal(self, ref: str) -> bool:
        """Put the cursor on a branch by its full name; a filter that hides it is dropped."""
        if ref in self._branches and self.find(ref) is None:
            self.set_filter("")
        index = self.find(ref)
        if index is not None:
            self.move_to(index)
        return index is not None

    def mark_all(self) -> None:
        """Mark all rows on show, or take the marks away when all are marked."""
        shown = [row for row in self.rows if words.is_local(self._branches[row])]
        if all(row in self._marks for row in shown):
            self._marks.clear()
        else:
            self._marks.update(dict.fromkeys(shown))
        self.refresh_changed()

    # Painting

    def signature(self, row: str) -> Hashable:
        """The branch, whether it is counted, and how its age reads."""
        branch = self._branches.get(row)
        if branch is None or self.state is None:
            return None
        widths = self._names, self._badges, self._states, self._upstreams, self._pairs
        return branch, self.state.counted, widths, self._age(branch)

    def _age(self, branch: AnyBranch) -> str:
        return short_age(self.clock() - branch.last_commit.time) if branch.last_commit.time else ""

    def _columns(self, width: int) -> Columns:
        """The name gives way first, as far as it stays clear; then the comparison with the default branch, then all."""
        pair, default = self._pairs
        room = width - 3 - pair.total - 1 - AGE_WIDTH - 1
        few = min(self._states, FEW_BADGES)
        clear = max(min(self._names, GOOD_NAME), LEAST_NAME) + (few + 1 if few else 0)
        both = room - default.total - 1 >= clear
        room -= default.total + 1 if both else 0
        upstream = min(self._upstreams, UPSTREAM_WIDTH)
        if room - upstream - self._badges - 2 < WIDE_NAME:
            upstream = 0
        wanted = min(self._badges if upstream else self._states, BADGES_WIDTH)
        # What the longest name leaves, but never less than a badge or two need, unless the name would get too short.
        left = max(room - min(self._names, MOST_NAME) - 1, min(wanted, FEW_BADGES))
        badges = min(wanted, left, max(room - LEAST_NAME - 1, 0))
        badges = 0 if badges < min(wanted, 6) else badges
        room -= (badges + 1 if badges else 0) + (upstream + 1 if upstream else 0)
        return Columns(max(room, 8), badges, upstream, pair, default if both else None)

    def draw(self, row: str, width: int) -> list[Part]:
        """Sign, name, badges, upstream, how far from it and from the default branch, age of the last commit."""
        branch, columns = self._branches[row], self._columns(width)
        mark: Part = ("•", "$accent") if row in self._marks else (" ", "")
        sign, tone = words.glyph_of(branch)
        if words.is_local(branch):
            name, style = clean_line(branch.name, 300), "bold"
        else:
            name, style = clean_line(f"{getattr(branch, 'remote', '')}/{branch.name}", 300), "$text-muted"
        parts: list[Part] = [mark, (f"{sign} ", tone), (fit(name, columns.name), style)]
        if columns.badges:
            told = words.badges_of(branch) if columns.upstream else words.state_words(branch)
            parts += [(" ", ""), (fit(" ".join(told), columns.badges), words.badge_tone(branch))]
        if columns.upstream:
            text, tone = words.upstream_of(branch)
            parts += [(" ", ""), (fit(text, columns.upstream), tone)]
        parts += [(" ", ""), *self._pair(branch, columns.pair)]
        if columns.default is not None:
            parts += [(" ", ""), *self._default_pair(branch, columns.default)]
        return [*parts, (self._age(branch).rjust(AGE_WIDTH), "$text-muted"), (" ", "")]

    def _pair(self, branch: AnyBranch, widths: PairWidths) -> list[Part]:
        if not words.is_local(branch) or branch.upstream_state not in ("ok", "misnamed"):
            return [(" " * widths.total, "")]
        up, down = words.pair(branch.ahead, branch.behind, widths, least=branch.lower_bound)
        return [(up, "$info"), (down, "$warning" if branch.behind else "$muted")]

    def _default_pair(self, branch: AnyBranch, widths: PairWidths) -> list[Part]:
        missing = branch.ahead_default is None and self.state is not None and self.state.counted
        if missing or (words.is_local(branch) and branch.is_default):
            return [(" " * widths.total, "")]
        least = words.is_local(branch) and branch.lower_bound
        up, down = words.pair(branch.ahead_default, branch.behind_default, widths, least=least)
        return [(up + down, "$text-muted")]

    def refresh_title(self) -> None:
        """Write the panel's name and the names of the columns into the upper border, each above its column."""
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        line = "$accent" if self.is_mounted and self.screen.focused is self else "$panel"
        title = shorten(self.caption, max(width // 2, 8))
        parts: list[Part] = [(title, "")]
        used = BORDER + width_of(title)
        for end, label in self._headings(self._columns(width)) if self._order else ():
            start = end - width_of(label)
            if start <= used or end > width - BORDER:
                continue
            room = start - used
            gap = [(" ", ""), ("─" * (room - 2), line), (" ", "")] if room > 2 else [(" " * room, "")]
            parts += [*gap, (label, "$text-muted")]
            used = end
        self.write_border("title", Content.assemble(*parts))

    def _headings(self, columns: Columns) -> list[tuple[int, str]]:
        """The columns' names, and where each ends."""
        at = 3 + columns.name
        found: list[tuple[int, str]] = []
        if columns.badges:
            found.append((at + 1 + len("state"), "state"))
            at += 1 + columns.badges
        if columns.upstream:
            label = "upstream" if columns.upstream >= len("upstream") else "from"
            found.append((at + 1 + len(label), label))
            at += 1 + columns.upstream
        at += 1 + columns.pair.total
        found.append((at, "↑ ↓"))
        if columns.default is not None:
            at += 1 + columns.default.total
            default = clean_line((self.state.default_branch if self.state else "") or "default", 40)
            found.append((at, shorten(default, columns.default.total)))
        found.append((at + AGE_WIDTH - 1, "age"))
        return found

    def on_resize(self) -> None:
        """Put the names of the columns above their new places."""
        self.refresh_title()

    def on_focus(self) -> None:
        """The line between the names of the columns is part of the border."""
        super().on_focus()
        self.refresh_title()

    def on_blur(self) -> None:
        """See `on_focus`."""
        super().on_blur()
        self.refresh_title()


def _same_branches(one: RepositoryState, other: RepositoryState) -> bool:
    return one.branches == other.branches and one.remote_only == other.remote_only
