"""How branches and repositories are told in glyphs and words, everywhere alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.model import Branch, RemoteBranch, RepositoryState

    AnyBranch = Branch | RemoteBranch

Part = tuple[str, str]
LANDED = ("merged", "squashed", "rebased")
HOLDERS = ("rebase", "bisect", "merge", "cherry-pick", "revert", "am")


class PairWidths(NamedTuple):
    """Columns of the two figures of a pair."""

    up: int = 3
    down: int = 3

    @property
    def total(self) -> int:
        """Both, and the blank between them."""
        return self.up + 1 + self.down


def figure(number: int, width: int = 4) -> str:
    """A count in at most `width` columns (at least 3): `12`, `9999`, `12k`, `1M`."""
    for limit, unit in ((10**width, ""), (1000 * 10 ** (width - 1), "k")):
        if number < limit:
            return f"{number // 1000 if unit else number}{unit}"
    return f"{number // 1_000_000}M"


def arrow(sign: str, number: int | None, *, least: bool = False, width: int = 5) -> str:
    """`↑12`, or `↑≥12` where the count is only a lower bound; empty for none."""
    if not number:
        return ""
    return f"{sign}≥{figure(number, width - 2)}" if least else f"{sign}{figure(number, width - 1)}"


def pair(ahead: int | None, behind: int | None, widths: PairWidths, *, least: bool = False) -> tuple[str, str]:
    """`↑12`, `↓3` in these columns: a dot where both are nought, an ellipsis while they are being counted."""
    if ahead is None or behind is None:
        return "", "…".rjust(widths.total)
    if not ahead and not behind:
        return "", "·".rjust(widths.total)
    return f"{arrow('↑', ahead, least=least).rjust(widths.up)} ", arrow("↓", behind, least=least).rjust(widths.down)


def pair_widths(pairs: Iterable[tuple[int | None, int | None]], *, least: bool = False) -> PairWidths:
    """The columns that the widest of these pairs needs."""
    ups, downs = 0, 0
    for up, down in pairs:
        ups, downs = max(ups, up or 0), max(downs, down or 0)
    widest = len(arrow("↑", ups, least=least)), len(arrow("↓", downs, least=least))
    return PairWidths(max(widest[0], 3), max(widest[1], 3))


def is_local(branch: AnyBranch) -> TypeGuard[Branch]:
    """True for a branch of this repository, False for one that only a remote has."""
    return not hasattr(branch, "remote")


def has_landed(branch: AnyBranch) -> bool:
    """True when the branch's work is in the default branch."""
    return branch.landed in LANDED


def at_risk(branch: AnyBranch) -> bool:
    """True when commits are here that its upstream, now gone, never held."""
    return is_local(branch) and branch.unpushed


def is_gone(branch: AnyBranch) -> bool:
    """True when its upstream was there and is not any more."""
    return is_local(branch) and branch.upstream_state == "gone"


def is_misnamed(branch: AnyBranch) -> bool:
    """True when its name breaks the rule or is not its upstream's."""
    return is_local(branch) and (branch.misnamed or branch.upstream_state == "misnamed")


def glyph_of(branch: AnyBranch) -> Part:
    """The sign of a branch: where HEAD is, what is wrong with it, or that its work has landed."""
    if is_local(branch) and branch.is_head:
        return "●", "$accent"
    if at_risk(branch):
        return "⚠", "$error"
    if has_landed(branch):
        return "✓", "$success"
    if is_misnamed(branch) or is_gone(branch):
        return "⚑", "$warning"
    if is_local(branch) and branch.held_by:
        return "◐", "$text-muted"
    return "○", "$muted"


def badges_of(branch: AnyBranch) -> list[str]:
    """What stands out about a branch, in words, the gravest first."""
    held = clean_line(branch.held_by, 20) if is_local(branch) and branch.held_by not in (None, "head") else ""
    words = (
        "unpushed" if at_risk(branch) else "",
        branch.landed or "",
        "gone" if is_gone(branch) else "",
        "stale" if branch.stale else "",
        "misnamed" if is_local(branch) and branch.misnamed else "",
        held,
        "protected" if branch.protected else "",
    )
    return [word for word in words if word]


def state_words(branch: AnyBranch) -> list[str]:
    """The badges, and what is odd about the upstream, for where that has no column of its own."""
    badges = badges_of(branch)
    if is_local(branch) and branch.upstream_state not in ("ok", "gone"):
        if branch.upstream_state == "none":
            return [*badges, "local"]
        badges.insert(0, upstream_of(branch)[0])
    return badges


def badge_tone(branch: AnyBranch) -> str:
    """One colour for all badges of a row: that of the gravest."""
    if at_risk(branch):
        return "$error"
    if has_landed(branch):
        return "$success"
    return "$warning" if is_misnamed(branch) or is_gone(branch) else "$text-muted"


def upstream_of(branch: AnyBranch) -> Part:
    """What the branch follows: the remote alone where the name is the same, all of it where it differs."""
    if not is_local(branch):
        return "not here", "$text-muted"
    state, upstream = branch.upstream_state, branch.upstream or ""
    if state == "none":
        return "none", "$text-muted"
    if state == "never_pushed":
        return "not there", "$text-muted"
    if state == "gone":
        return "gone", "$warning"
    remote = upstream.removesuffix(f"/{branch.name}")
    if state == "misnamed" or remote == upstream:
        # Nearly every remote is called so, and the name is what differs.
        return f"≠ {clean_line(upstream, 120).removeprefix('origin/')}", "$warning"
    return clean_line(remote, 60), "$text-muted"


WORDS: Mapping[str, Callable[[AnyBranch], bool]] = {
    "gone": is_gone,
    "merged": lambda branch: branch.landed == "merged",
    "squashed": lambda branch: branch.landed == "squashed",
    "rebased": lambda branch: branch.landed == "rebased",
    "landed": has_landed,
    "new": lambda branch: branch.landed == "new",
    "stale": lambda branch: branch.stale,
    "misnamed": is_misnamed,
    "protected": lambda branch: branch.protected,
    "unpushed": lambda branch: at_risk(branch) or (is_local(branch) and branch.upstream_state == "never_pushed"),
    "ahead": lambda branch: is_local(branch) and bool(branch.ahead),
    "behind": lambda branch: is_local(branch) and bool(branch.behind),
    "held": lambda branch: is_local(branch) and branch.held_by is not None,
    "worktree": lambda branch: is_local(branch) and branch.held_by == "worktree",
    "local": lambda branch: is_local(branch) and branch.upstream_state in ("none", "never_pushed"),
    "remote": lambda branch: not is_local(branch),
}
"""Words of the filter that ask for a state and not only for a name."""
REPOSITORY_WORDS: Mapping[str, Callable[[RepositoryState], bool]] = {
    "ahead": lambda state: head_pair(state)[0] > 0,
    "behind": lambda state: head_pair(state)[1] > 0,
    "changed": lambda state: changed(state) > 0,
    "problems": lambda state: bool(bad(state) or state.error),
    "broken": lambda state: bool(state.error),
    "busy": lambda state: bool(state.busy),
    "detached": lambda state: state.head.detached,
}


def _asks(text: str, fits: Callable[[str], bool]) -> bool:
    for word in text.casefold().split():
        plain = word.removeprefix("!")
        if plain and fits(plain) != (plain == word):
            return False
    return True


def matches(branch: AnyBranch, text: str) -> bool:
    """True when every word of the filter is in the name or asks for a state that it has; `!word` asks for the rest."""
    name = branch.name.casefold()
    return _asks(text, lambda word: word in name or (word in WORDS and WORDS[word](branch)))


def repository_matches(state: RepositoryState, text: str) -> bool:
    """The same for repositories, whose branch counts as part of the name."""
    name = f"{state.name} {state.head.branch or ''}".casefold()
    return _asks(text, lambda word: word in name or (word in REPOSITORY_WORDS and REPOSITORY_WORDS[word](state)))


def head_pair(state: RepositoryState) -> tuple[int, int]:
    """How far the current branch is ahead of its upstream and behind it, as far as that is known."""
    branch = state.branch(state.head.branch) if state.head.branch else None
    return (branch.ahead or 0, branch.behind or 0) if branch is not None else (0, 0)


def changed(state: RepositoryState) -> int:
    """Files in the working tree that differ in any way."""
    changes = state.changes
    return changes.changed + changes.staged + changes.untracked + changes.conflicts if changes is not None else 0


def bad(state: RepositoryState) -> int:
    """How much is wrong: problems of the repository, and what the last fetch ran into."""
    return len(state.problems) + bool(state.trouble)


def head_words(state: RepositoryState) -> str:
    """Where HEAD stands, in a word."""
    head = state.head
    if head.detached:
        return f"@{head.oid[:7]}"
    return clean_line(head.branch or "", 200)


def prunable(state: RepositoryState) -> int:
    """Local branches whose work has landed and which nothing holds."""
    return sum(
        has_landed(branch) and not branch.protected and branch.held_by is None and not branch.is_default
        for branch in state.branches
    )
