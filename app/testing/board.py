"""What is known of every test of one project, kept up to date while runs stream in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.testing.model import BAD_OUTCOMES, Counts, FileState, Outcome, ProjectSnapshot, TestState
from app.testing.run import CollectedTest, TestReported


class Board:
    """Tests by node id and their files, in pytest's order, with the ids that changed since the last look."""

    def __init__(self) -> None:
        self.tests: dict[str, TestState] = {}
        self._by_file: dict[str, dict[str, None]] = {}
        self._files: dict[str, FileState] = {}
        self._dirty_files: set[str] = set()
        self._errors: dict[str, str] = {}
        self._changed: set[str] = set()
        self._reshaped = False
        self._tally: dict[Outcome | None, int] = {}
        self.killers: set[str] = set()
        """Tests in which the process that ran them died last time."""
        self.indivisible = ""
        """Why a run must stay in one process, as the last collection said it."""

    def restore(self, snapshot: ProjectSnapshot) -> None:
        """Begin with what an earlier session saw; nothing of it counts as confirmed."""
        for state in snapshot.tests.values():
            self._put(_marked(state, stale=True))
        for file in snapshot.files.values():
            if file.error:
                self._errors[file.path] = file.error
                self._dirty_files.add(file.path)
        self._reshaped = True

    def collected(self, tests: Iterable[CollectedTest], *, whole: bool, covered: frozenset[str] = frozenset()) -> None:
        """Take over what pytest collected.

        With `whole`, tests that it did not find are gone and its order is the order. Otherwise only tests of the files
        in `covered` may vanish, and new ones are added behind their file's.
        """
        found = {test.nodeid: test for test in tests}
        candidates = self.tests if whole else [i for file in covered for i in self._by_file.get(file, ())]
        # A file that cannot be collected still has its tests: they are hidden, not gone.
        gone = [i for i in candidates if i not in found and self.tests[i].file not in self._errors]
        self.drop(gone)
        known = set(self.tests)
        for test in found.values():
            state = self.tests.get(test.nodeid)
            if state is None:
                self._put(TestState(test.nodeid, test.file, test.line, queued=True))
            elif state.line != test.line or not state.queued or state.running:
                self._put(_marked(state, file=test.file, line=test.line, queued=True, stale=state.stale))
        for file in {test.file for test in found.values()}:
            if self._errors.pop(file, None) is not None:
                self._dirty_files.add(file)
        order = [*found, *(nodeid for nodeid in self.tests if nodeid not in found)]
        if whole and list(self.tests) != order:
            self.tests = {nodeid: self.tests[nodeid] for nodeid in order}
            self._by_file = {}
            for nodeid, state in self.tests.items():
                self._by_file.setdefault(state.file, {})[nodeid] = None
            self._dirty_files.update(self._files, self._by_file)
            self._reshaped = True
        elif not known.issuperset(found) or gone:
            self._reshaped = True

    def collection_failed(self, file: str, message: str) -> None:
        """A file could not be collected: its tests keep their last outcome, marked stale."""
        self._errors[file] = message
        self._dirty_files.add(file)
        self.stale([file])

    def drop(self, nodeids: Iterable[str]) -> None:
        """These tests do not exist any more."""
        for nodeid in tuple(nodeids):
            if nodeid in self.tests:
                self._drop(nodeid)

    def forget_errors(self) -> None:
        """A run over everything begins: collection errors count only if they come again."""
        self._dirty_files.update(self._errors)
        self._errors.clear()

    def started(self, nodeid: str) -> None:
        """A test is being run."""
        state = self.tests.get(nodeid)
        if state is not None:
            self._put(_marked(state, running=True, stale=state.stale))

    def reported(self, report: TestReported, run_id: str) -> TestState:
        """A test has ended; returns what it was before (its own new state if it was unknown)."""
        self.killers.discard(report.nodeid)
        before = self.tests.get(report.nodeid)
        base = before or TestState(report.nodeid, report.nodeid.partition("::")[0])
        # Spelled out rather than replaced: a run calls this once for each of its thousands of tests.
        self._put(
            TestState(
                nodeid=base.nodeid,
                file=base.file,
                line=base.line,
                outcome=report.outcome,
                duration_s=report.duration_s,
                message=report.message,
                error_class=report.error_class,
                run_id=run_id,
            )
        )
        if before is None:
            self._reshaped = True
        return base

    def settle(self) -> None:
        """No run is under way: nothing is running or queued any more."""
        for state in [state for state in self.tests.values() if state.running or state.queued]:
            self._put(_marked(state, stale=state.stale))

    def stale(self, files: Iterable[str] | None = None) -> None:
        """Outcomes of these files' tests (None: of all) are no longer sure."""
        ids = list(self.tests) if files is None else [i for file in files for i in self._by_file.get(file, ())]
        for nodeid in ids:
            state = self.tests[nodeid]
            if state.outcome is not None and not state.stale:
                self._put(_marked(state, running=state.running, queued=state.queued, stale=True))

    def failed_ids(self) -> tuple[str, ...]:
        """Node ids whose last outcome is a failure or an error."""
        return tuple(i for i, state in self.tests.items() if state.outcome in BAD_OUTCOMES)

    def leading_failures(self) -> tuple[str, ...]:
        """Last failures in the order to try them again: what would take the others along does not lead."""
        return tuple(nodeid for nodeid in self.failed_ids() if nodeid not in self.killers)

    def failed_files(self) -> tuple[str, ...]:
        """Files that could not be collected."""
        return tuple(self._errors)

    def files(self) -> tuple[str, ...]:
        """Every known test file."""
        return tuple(dict.fromkeys([*self._by_file, *self._errors]))

    def ids_of(self, files: Iterable[str]) -> frozenset[str]:
        """Node ids that these files hold."""
        return frozenset(i for file in files for i in self._by_file.get(file, ()))

    def file_durations(self) -> dict[str, float]:
        """Seconds that each file's tests took when they last ran."""
        return {file: sum(self.tests[i].duration_s or 0.0 for i in ids) for file, ids in self._by_file.items()}

    def counts(self) -> Counts:
        """Last outcomes of all tests, collection errors counted as errors."""
        tally = {outcome: count for outcome, count in self._tally.items() if outcome is not None and count}
        if self._errors:
            tally["error"] = tally.get("error", 0) + len(self._errors)
        return Counts(**tally)

    def file_states(self) -> Mapping[str, FileState]:
        """One line for each file, counted again only where something changed."""
        for file in self._dirty_files:
            state = self._count(file)
            if state is None:
                self._files.pop(file, None)
            else:
                self._files[file] = state
        self._dirty_files.clear()
        if self._reshaped:
            self._files = {file: self._files[file] for file in self.files() if file in self._files}
        return dict(self._files)

    def take_changed(self) -> frozenset[str] | None:
        """Node ids that changed since the last call; None when tests came, went or moved."""
        changed = None if self._reshaped else frozenset(self._changed)
        self._reshaped = False
        self._changed.clear()
        return changed

    def _count(self, file: str) -> FileState | None:
        ids = self._by_file.get(file, ())
        error = self._errors.get(file, "")
        if not ids and not error:
            return None
        bad = skipped = unknown = 0
        running = False
        # In one go: while a run streams in, this happens for whole files many times a second.
        for nodeid in ids:
            state = self.tests[nodeid]
            outcome = state.outcome
            running = running or state.running
            if outcome in BAD_OUTCOMES:
                bad += 1
            elif outcome == "skipped":
                skipped += 1
            elif outcome is None:
                unknown += 1
        return FileState(
            path=file, total=len(ids), bad=bad, skipped=skipped, unknown=unknown, running=running, error=error
        )

    def _put(self, state: TestState) -> None:
        old = self.tests.get(state.nodeid)
        if old is not None and old.file != state.file:
            self._by_file.get(old.file, {}).pop(state.nodeid, None)
            self._dirty_files.add(old.file)
        self.tests[state.nodeid] = state
        if old is None or old.outcome != state.outcome:
            self._tally[state.outcome] = self._tally.get(state.outcome, 0) + 1
            if old is not None:
                self._tally[old.outcome] -= 1
        if old is None or old.file != state.file:
            self._by_file.setdefault(state.file, {})[state.nodeid] = None
        self._changed.add(state.nodeid)
        self._dirty_files.add(state.file)

    def _drop(self, nodeid: str) -> None:
        state = self.tests.pop(nodeid)
        self._tally[state.outcome] -= 1
        self.killers.discard(nodeid)
        ids = self._by_file.get(state.file, {})
        ids.pop(nodeid, None)
        if not ids:
            self._by_file.pop(state.file, None)
        self._dirty_files.add(state.file)
        self._reshaped = True


def _marked(
    state: TestState,
    *,
    stale: bool,
    running: bool = False,
    queued: bool = False,
    file: str | None = None,
    line: int | None = None,
) -> TestState:
    """The same outcome with other marks. `dataclasses.replace` takes six times as long; thousands are made at once."""
    return TestState(
        state.nodeid,
        file or state.file,
        line if file is not None else state.line,
        state.outcome,
        running,
        queued,
        state.duration_s,
        state.message,
        state.error_class,
        state.run_id,
        stale,
    )
