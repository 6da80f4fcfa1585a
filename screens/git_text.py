"""The words around the lists of the Git screen: titles, states, the line below, and what an empty list says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from widgets import branch_words, hints
from widgets.figures import age, count
from widgets.lines_view import wrapped
from widgets.safe_text import clean_line, shorten

if TYPE_CHECKING:
    from app.git.model import Report, RepositoryState

Part = tuple[str, str]
BAR = 20
_PERCENT = re.compile(r"(\d{1,3}) ?%")


def keys(*pairs: tuple[str, str]) -> Content:
    """`space tick · enter perform`, for a lower border."""
    parts: list[Part] = []
    for key, about in pairs:
        parts += [(" · ", "$muted")] if parts else []
        parts += [(hints.key("git", key), "$accent"), (f" {about}", "$text-muted")]
    return Content.assemble(*parts)


def list_state(filter_text: str, shown: int, total: int, marks: int) -> list[Part]:
    """What narrows a list, and its marks."""
    parts: list[Part] = []
    if marks:
        parts += [(f"• {marks:,} marked", "$accent"), ("  ", "")]
    if filter_text:
        parts += [(f"/{shorten(clean_line(filter_text), 24)}", "$accent"), ("  ", ""), (f"{shown:,} of {total:,}", "")]
        parts.append(("  ", ""))
    return parts


def branches_state(state: RepositoryState | None, now: float) -> list[Part]:
    """How fresh the table is and what could be tidied."""
    if state is None or state.error:
        return []
    if state.busy:
        return [(shorten(clean_line(state.busy, 200), 40), "$info")]
    if not state.read_at:
        return [("reading", "$text-muted")]
    if not state.counted:
        return [("counting", "$text-muted")]
    parts: list[Part] = []
    prunable = branch_words.prunable(state)
    if prunable:
        parts += [(f"✓ {prunable:,} to prune", "$success"), (f" {hints.key('git', 'P')}", "$accent"), ("  ", "")]
    parts.append((f"read {age(now - state.read_at)[0]}", ""))
    return parts


HINTS = (("c", "switch"), ("n", "new"), ("s", "sync"), ("p", "push"), ("P", "prune"), ("u", "undo"), ("J", "journal"))
"""What is done most, for those who are new here; those at the front stay longest where there is little room."""


def with_hints(text: Content, width: int, *, page: bool) -> Content:
    """The line below with as many keys at its right as have room; a page has its own in its border."""
    help_key = hints.key("app", "?")
    shown = [(help_key, "keys")]
    used = text.cell_length + 3 + len(f" {help_key} keys ")
    if used > width:
        return text
    for default, about in () if page else HINTS:
        key = hints.key("git", default)
        used += len(key) + len(about) + 4
        if used > width:
            break
        shown.insert(len(shown) - 1, (key, about))
    parts: list[Part] = []
    for key, about in shown:
        parts += [("   " if parts else "", ""), (key, "$text-muted"), (f" {about}", "$muted")]
    made = Content.assemble(*parts, (" ", ""))
    return Content.assemble(text, " " * (width - text.cell_length - made.cell_length), made)


def status(
    states: Iterable[RepositoryState], interrupted: Sequence[Report], performing: str, width: int, *, live: bool
) -> Content:
    """The line below: what was cut short, what is under way, or how everything stands, in few words if need be."""
    known = list(states)
    if interrupted:
        first = interrupted[0]
        more = f" and {len(interrupted) - 1} more" if len(interrupted) > 1 else ""
        text = f"{first.kind} in {clean_line(first.repository, 40)}{more} was cut short"
        return Content.assemble(
            (" ⚠ ", "$warning"),
            (text, ""),
            (f"   {hints.key('git', 'I')}", "$accent"),
            (" finish or undo", "$text-muted"),
        )
    if performing:
        return Content.assemble((" ◐ ", "$info"), (performing, ""))
    busy = [state for state in known if state.busy]
    if busy:
        return _progress(busy)
    if not known:
        return Content("")
    if not live:
        return Content.styled(" as it was last seen; reading again", "$text-muted")
    pairs = [branch_words.head_pair(state) for state in known]
    figures = (
        (sum(up for up, _ in pairs), "↑", "to push", "$info"),
        (sum(down for _, down in pairs), "↓", "to pull", "$warning"),
        (sum(branch_words.prunable(state) for state in known), "✓", "to prune", "$success"),
        (sum(bool(branch_words.bad(state) or state.operation) for state in known), "⚠", "with problems", "$warning"),
        (sum(bool(state.error) for state in known), "✗", "cannot be read", "$error"),
    )
    told = Content("")
    for short in (False, True):
        parts: list[Part] = [(f" {count(len(known), 'repository', 'repositories')}", "$text-muted")]
        for number, sign, about, tone in figures:
            if number:
                parts += [("   ", ""), (f"{sign}{number:,}", tone), ("" if short else f" {about}", "$text-muted")]
        told = Content.assemble(*parts)
        if told.cell_length + len("   ? keys ") <= width:
            break
    return told


def _progress(busy: Sequence[RepositoryState]) -> Content:
    """A thin bar where the share is known: of all that is under way, the least far."""
    shares = [min(int(found[1]), 100) for state in busy if (found := _PERCENT.search(state.busy))]
    parts: list[Part] = [(" ", "")]
    if shares:
        full = min(shares) * BAR // 100
        parts += [("━" * full, "$accent"), ("━" * (BAR - full), "$panel"), ("  ", "")]
    else:
        parts.append(("◐ ", "$info"))
    first = busy[0]
    text = f"{clean_line(first.name, 40)}: {shorten(clean_line(first.busy, 200), 60)}"
    more = f" and {len(busy) - 1} more" if len(busy) > 1 else ""
    parts += [(text, ""), (more, "$text-muted")]
    if any(state.busy.startswith("fetch") for state in busy):
        parts += [(f"   {hints.key('git', 'esc')}", "$accent"), (" cancels", "$text-muted")]
    return Content.assemble(*parts)


def no_repositories(*, attached: bool) -> Sequence[Sequence[Part]]:
    """What the pane is for, and how to fill it."""
    if not attached:
        return [[("starting", "$text-muted")]]
    return [
        [("Git", "bold")],
        [],
        [("The branches of all your repositories on one screen:", "")],
        [("what is ahead, gone, merged or misnamed, and one key to mend it.", "")],
        [("Every operation shows its commands first, and can be undone.", "")],
        [],
        [("No repository is followed yet.", "$text-muted")],
        [("add to config.toml:   ", "$text-muted"), ("[[repositories]]      ", "$accent")],
        [("                      ", ""), ('name = "project"      ', "$accent")],
        [("                      ", ""), ('path = "~/src/project"', "$accent")],
        [("or run ", "$text-muted"), ("qd init", "$accent"), (" inside a project's folder", "$text-muted")],
        [],
        [
            (hints.key("app", "?"), "$accent"),
            (" keys   ", "$text-muted"),
            (hints.key("app", "ctrl+p"), "$accent"),
            (" everything by name   ", "$text-muted"),
            (hints.key("app", "q"), "$accent"),
            (" quit", "$text-muted"),
        ],
    ]


def no_branches(state: RepositoryState | None, filter_text: str, width: int) -> Sequence[Sequence[Part]]:
    """Why there are no branches to see, in lines of at most `width` columns."""
    if state is None:
        return []
    if filter_text:
        return [
            [(f"no branch fits {shorten(clean_line(filter_text), 30)}", "")],
            [],
            [(hints.key("git", "esc"), "$accent"), (" clears the filter", "$text-muted")],
        ]
    if state.error:
        lines: list[list[Part]] = [
            [("✗ ", "$error"), (f"{clean_line(state.name, 40)} cannot be read", "bold")],
            [],
        ]
        for text, style in ((state.error, ""), (state.error_fix, "$accent")):
            lines += [[(line, style)] for line in wrapped(clean_line(text, 600), max(width - 4, 20)) if line]
        return [*lines, [], [(hints.key("git", "r"), "$accent"), (" looks again", "$text-muted")]]
    if not state.read_at:
        return [[(f"reading {clean_line(state.name, 40)}", "$text-muted")]]
    if state.head.unborn:
        return [
            [("no commit yet", "bold")],
            [],
            [(f"the first commit makes {branch_words.head_words(state) or 'the first branch'}", "$text-muted")],
        ]
    return [[("no branch", "")], [], [(hints.key("git", "n"), "$accent"), (" makes one", "$text-muted")]]


def panel_tabs(current: str, labels: Sequence[tuple[str, str]]) -> Content:
    """The names of the panels where only one has room."""
    from textual.style import Style

    parts: list[Content] = []
    for panel, label in labels:
        style = "$accent bold" if panel == current else "$text-muted"
        text = f"[{label}]" if panel == current else f" {label} "
        parts.append(Content.styled(text, style).stylize(Style.from_meta({"@click": f"show_panel('{panel}')"})))
    return Content(" ").join(parts)
