"""What is to be said of one branch, and its commits, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from widgets import branch_words as words
from widgets import hints
from widgets.figures import count, short_age, wall_clock
from widgets.lines_view import LinesView, TextLine, folded, labelled
from widgets.safe_text import clean_line, fit, shorten_start

if TYPE_CHECKING:
    from app.git.model import Commit, Problem, RepositoryState
    from widgets.branch_words import AnyBranch

OID = 8
AGE = 6
AUTHOR = 14
WIDE = 64
SHOWN_PROBLEMS = 6
SHOWN_ALIKE = 2
KEYS = {
    "needs_credentials": "f lets git ask for it",
    "case_collision": "m renames the branch under the cursor",
}
"""Kinds of problems that a key of the screen mends, in place of a command."""
ALIGNED = frozenset(
    (
        *("misnamed", "misnamed_upstream", "no_upstream", "upstream_gone", "wrong_remote"),
        *("remote_head_missing", "remote_head_dangling", "remote_head_stale"),
    )
)
"""Kinds of problems that one operation mends together."""
NEAR = 30
"""Rows before the end at which more is asked for."""


class CommitList(LinesView):
    """Facts about a branch, then its commits. More of them are asked for when the cursor comes near the end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.branch: AnyBranch | None = None
        self.state: RepositoryState | None = None
        self.commits: tuple[Commit, ...] = ()
        self.complete = False
        self.problem = ""
        self.reading = False

    def show_branch(self, state: RepositoryState | None, branch: AnyBranch | None) -> None:
        """Show another branch, or the same one in another state."""
        same = self.branch is not None and branch is not None and self._same_place(state, branch)
        if same and (self.state, self.branch) == (state, branch):
            return
        self.state, self.branch = state, branch
        if not same:
            self.commits, self.complete, self.problem, self.reading = (), False, "", False
        self.show(self._made, keep=same)

    def _same_place(self, state: RepositoryState | None, branch: AnyBranch) -> bool:
        here = self.state.name if self.state is not None else None
        there = state.name if state is not None else None
        return self.branch is not None and (here, self.branch.ref, self.branch.oid) == (there, branch.ref, branch.oid)

    def put(self, commits: Sequence[Commit], *, complete: bool, problem: str = "") -> None:
        """Take over the commits read so far."""
        self.commits, self.complete, self.problem, self.reading = tuple(commits), complete, problem, False
        self.rebuild()

    @property
    def near_end(self) -> bool:
        """True when the cursor is where more commits are soon needed."""
        stops = self._stops
        return bool(stops) and not self.complete and self.cursor_index > stops[-1] - NEAR

    @property
    def commit(self) -> Commit | None:
        """The commit under the cursor."""
        return next((commit for commit in self.commits if commit.oid == self.key), None)

    def show_cursor(self) -> bool:
        """Only who reads with the keyboard needs a cursor."""
        return self.has_focus and super().show_cursor()

    def _made(self, width: int) -> Iterator[TextLine]:
        branch, state = self.branch, self.state
        if branch is None or state is None:
            return
        yield from facts(branch, state, width)
        yield TextLine()
        if self.problem:
            yield from folded(self.problem, width, lead=("✗ ", "$error"))
            return
        if not self.commits:
            words_ = "no commit yet" if self.complete else "reading its commits"
            yield TextLine(((words_, "$text-muted"),))
            return
        now = self.clock()
        # The same commit twice would be one row for the cursor; git never gives it twice for one branch.
        for commit in {commit.oid: commit for commit in self.commits}.values():
            yield commit_line(commit, width, now)
        if not self.complete:
            yield TextLine((("…", "$muted"),))


def commit_line(commit: Commit, width: int, now: float) -> TextLine:
    """`a1b2c3d  subject  author  3 d`."""
    author = AUTHOR if width >= WIDE else 0
    room = max(width - OID - AGE - (author + 2 if author else 0), 8)
    subject = clean_line(commit.subject, 500) or "no message"
    merge = len(commit.parents) > 1
    parts = [
        (fit(clean_line(commit.oid[:7], 7), OID), "$info"),
        (fit(subject, room), "$text-muted" if merge else ""),
    ]
    if author:
        parts.append((f"  {fit(clean_line(commit.author, 60), author)}", "$text-muted"))
    parts.append((short_age(now - commit.time).rjust(AGE), "$text-muted"))
    return TextLine(tuple(parts), commit.oid)


def facts(branch: AnyBranch, state: RepositoryState, width: int) -> Iterator[TextLine]:
    """How the branch stands, in sentences: where its work is, what it follows, what holds it."""
    default = clean_line(state.default_branch or "the default branch", 60)
    sign, tone = words.glyph_of(branch)
    text = _standing(branch, default)
    if text:
        yield from folded(text, width, "bold", lead=(f"{sign} ", tone))
    if branch.landed_why:
        yield from folded(branch.landed_why, width, "$text-muted", lead=("  ", ""))
    if words.is_local(branch):
        yield from labelled("follows", _follows(branch), width)
        if branch.push_ref and branch.push_ref != branch.upstream_ref:
            pushed = clean_line(branch.push_ref, 200).removeprefix("refs/remotes/")
            yield from labelled("pushes", f"to {pushed}", width)
        if branch.held_by and branch.held_by != "head":
            where = f" in {clean_line(branch.held_where, 200)}" if branch.held_where else ""
            yield from labelled("held", f"{clean_line(branch.held_by, 20)}{where}", width)
    flags = [word for word in ("stale", "misnamed", "protected") if word in words.badges_of(branch)]
    if flags:
        yield from labelled("is", ", ".join(flags), width)
    yield from labelled("tip", clean_line(branch.oid[:12], 12) or "none", width)


def _standing(branch: AnyBranch, default: str) -> str:
    if words.is_local(branch) and branch.is_default:
        return "the default branch"
    if words.at_risk(branch):
        return "its upstream is gone, and it holds commits that were never pushed"
    if branch.landed == "new":
        return "no work of its own yet"
    if words.has_landed(branch):
        return {"merged": f"merged into {default}"}.get(branch.landed or "", f"landed in {default}, {branch.landed}")
    if branch.ahead_default is None:
        return ""
    least = "at least " if words.is_local(branch) and branch.lower_bound else ""
    behind = f", {count(branch.behind_default, 'commit')} behind" if branch.behind_default else ""
    return f"{least}{count(branch.ahead_default, 'commit')} not in {default}{behind}"


def _follows(branch: AnyBranch) -> str:
    if not words.is_local(branch):
        return ""
    upstream = clean_line(branch.upstream or "", 200)
    if branch.upstream_state == "none":
        return "nothing; t sets what it follows"
    if branch.upstream_state == "never_pushed":
        return f"{upstream}, which is not there; L ends that, p pushes"
    if branch.upstream_state == "gone":
        return f"{upstream}, which is gone"
    up, down = branch.ahead, branch.behind
    if up is None or down is None:
        return upstream
    if not up and not down:
        return f"{upstream}, level with it"
    told = [f"{up:,} to push" if up else "", f"{down:,} to pull" if down else ""]
    return f"{upstream}, " + ", ".join(text for text in told if text)


def about_lines(state: RepositoryState, width: int) -> Iterator[TextLine]:
    """What there is to know of a repository as a whole: its place, tree, remotes, and what is wrong with it."""
    if state.error:
        yield from folded(state.error, width, "bold", lead=("✗ ", "$error"))
        if state.error_fix:
            yield from folded(state.error_fix, width, "$accent", lead=("  ", ""))
        yield TextLine()
        yield from _place(state, width)
        return
    if state.operation is not None or state.head.detached or state.head.unborn:
        yield from folded(_head(state), width, lead=("⚑ ", "$warning"))
    if state.trouble:
        yield from folded(state.trouble.removeprefix(f"{state.path}: "), width, lead=("⚠ ", "$warning"), limit=6)
    yield from _problems(state.problems, width)
    yield from labelled("tree", _tree(state), width)
    yield from _place(state, width)
    flags = [word for word, on in (("bare", state.bare), ("shallow", state.shallow)) if on]
    if flags:
        yield from labelled("is", ", ".join(flags), width)
    if state.watch_note:
        yield from folded(state.watch_note, width, "$text-muted", lead=("○ ", "$text-muted"))


def _problems(problems: Sequence[Problem], width: int) -> Iterator[TextLine]:
    """What is wrong, each with its fix; those that one key mends together are followed by that key."""
    aligned = [problem for problem in problems if problem.kind in ALIGNED]
    others: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.kind not in ALIGNED:
            others.setdefault(problem.kind, []).append(problem)
    for kind, alike in others.items():
        for problem in alike[:SHOWN_ALIKE]:
            yield from folded(_problem(problem), width, lead=("⚠ ", "$warning"), limit=6)
            if fix := KEYS.get(kind, problem.fix):
                yield from folded(fix, width, "$text-muted", lead=("  ", ""), limit=3)
        if len(alike) > SHOWN_ALIKE:
            yield TextLine(((f"  and {len(alike) - SHOWN_ALIKE:,} more like it", "$text-muted"),))
    for problem in aligned[:SHOWN_PROBLEMS]:
        yield from folded(_problem(problem), width, lead=("⚠ ", "$warning"), limit=4)
    more = len(aligned) - SHOWN_PROBLEMS
    if more > 0:
        yield TextLine(((f"  and {more:,} more", "$text-muted"),))
    if aligned:
        yield TextLine((("  ", ""), (hints.key("git", "L"), "$accent"), (" shows one fix for each", "$text-muted")))


def _problem(problem: Problem) -> str:
    """A problem with the name of its branch, if it does not say that itself."""
    name = problem.ref.removeprefix("refs/heads/") if problem.ref.startswith("refs/heads/") else ""
    detail = problem.detail or problem.kind.replace("_", " ")
    return f"{name}: {detail}" if name and name not in detail else detail


def _place(state: RepositoryState, width: int) -> Iterator[TextLine]:
    """Of paths and addresses the end tells most."""
    room = max(width - 8, 8)
    for remote in state.remotes[:4]:
        yield from labelled(clean_line(remote.name, 40), shorten_start(_short(remote.url), room), width)
    yield from labelled("path", shorten_start(_short(state.path), room), width)


def _short(path: str) -> str:
    """A path or address, as those who live there write it."""
    home = str(Path.home())
    inside = home != "/" and path.startswith(f"{home}/")
    return clean_line(f"~{path[len(home) :]}" if inside else path, 300)


def _head(state: RepositoryState) -> str:
    head = state.head
    if state.operation is not None:
        return f"{state.operation} under way{f' of {words.head_words(state)}' if head.branch else ''}"
    if head.detached:
        return f"HEAD is detached at {clean_line(head.oid[:12], 12)}"
    return f"{words.head_words(state)} has no commit yet"


def _tree(state: RepositoryState) -> str:
    if state.bare:
        return "none, it is bare"
    changes = state.changes
    if changes is None:
        return "not read yet"
    told = (
        (changes.conflicts, count(changes.conflicts, "conflict")),
        (changes.staged, f"{changes.staged:,} staged"),
        (changes.changed, f"{changes.changed:,} changed"),
        (changes.untracked, f"{changes.untracked:,} untracked"),
        (changes.stashes, count(changes.stashes, "stash", "stashes")),
    )
    return ", ".join(text for number, text in told if number) or "clean"
