"""Outcomes, order and counts are those of plain pytest, node id by node id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.testing.model import Counts
from app.testing.run import TestReported
from app.testing.runner import Runner
from tests.testing.running import BARE, LEVELS, Ran, plain, run, run_once, runner_for, write

RICH = {
    "shop/__init__.py": "",
    "shop/cart.py": '''
        """A cart.

        >>> total([1, 2])
        3
        >>> total([])
        1
        """
        def total(items):
            return sum(items)
    ''',
    "conftest.py": """
        import pytest

        @pytest.fixture(scope="session")
        def everything():
            yield "all"

        @pytest.fixture
        def broken():
            raise LookupError("no such fixture value")

        @pytest.fixture
        def bad_end():
            yield
            raise RuntimeError("teardown")
    """,
    "tests/test_kinds.py": """
        import asyncio, subprocess, sys, unittest, warnings
        import pytest
        from shop.cart import total

        class TestGroup:
            @pytest.fixture(autouse=True)
            def start(self):
                self.value = 3

            def test_method(self, everything):
                assert self.value == 3 and everything == "all"

            class TestInner:
                def test_inner(self): pass

        class Old(unittest.TestCase):
            def setUp(self): self.items = [1, 2]
            def test_total(self): self.assertEqual(total(self.items), 3)
            def test_wrong(self): self.assertEqual(total(self.items), 4)
            @unittest.skip("old skip")
            def test_skipped(self): pass
            @unittest.expectedFailure
            def test_expected(self): self.fail()
            @unittest.expectedFailure
            def test_unexpected(self): pass
            def test_sub(self):
                for n in range(2):
                    with self.subTest(n=n): self.assertEqual(n, n)

        def test_fails(): assert total([1]) == 2
        def test_setup_error(broken): pass
        def test_teardown_error(bad_end): pass
        def test_fails_twice(bad_end): assert False
        @pytest.mark.skip(reason="not today")
        def test_skipped(): pass
        def test_skips_itself(): pytest.skip("later")
        @pytest.mark.xfail(reason="known")
        def test_xfails(): assert False
        @pytest.mark.xfail
        def test_xpasses(): pass
        @pytest.mark.xfail(strict=True)
        def test_strict(): pass
        @pytest.mark.xfail(raises=KeyError)
        def test_wrong_kind(): raise ValueError("other")
        @pytest.mark.parametrize("value", ["a b", "[x]", "new\\nline", "🦀", "a::b", "", "/"])
        def test_values(value): assert value != "[x]"
        def test_warns(): warnings.warn("careful", UserWarning)
        def test_process():
            assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\\n"
        @pytest.mark.slow
        def test_left_out(): assert False
        async def test_async():
            await asyncio.sleep(0)
    """,
    "tests/test_module_skip.py": "import pytest\npytest.skip('whole module', allow_module_level=True)\n",
    "pytest.ini": """
        [pytest]
        addopts = --doctest-modules -m "not slow" -p no:randomly
        asyncio_mode = auto
        markers = slow: left out
    """,
}


def summary(line: str) -> Counts:
    """pytest's last line as counts."""
    numbers = {name.rstrip("s") if name == "errors" else name: int(n) for n, name in re.findall(r"(\d+) (\w+)", line)}
    numbers["error"] = numbers.pop("error", 0)
    return Counts(**{key: value for key, value in numbers.items() if key in Counts.__slots__})


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_a_rich_project_has_the_outcomes_of_plain_pytest(tmp_path: Path, level: str) -> None:
    project = write(tmp_path / "p", RICH)
    expected, last_line = await plain(project)
    ran = await run_once(project, level, env={})
    assert ran.outcomes == expected
    assert ran.finished.counts == summary(last_line)
    assert ran.finished.exit == 1
    assert ran.started == list(expected) == ran.collected
    assert len(ran.only(TestReported)) == len(expected)


@pytest.mark.parametrize("level", LEVELS)
async def test_warnings_as_errors(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_w.py": "import warnings\ndef test_w(): warnings.warn('x', DeprecationWarning)\ndef test_ok(): pass\n",
            "pytest.ini": "[pytest]\nfilterwarnings = error\n",
        },
    )
    expected, last_line = await plain(project, env=BARE)
    async with runner_for(project, level) as runner:
        ran = await run(runner)
    assert ran.outcomes == expected == {"test_w.py::test_w": "failed", "test_w.py::test_ok": "passed"}
    assert ran.finished.counts == summary(last_line)


ORDERED = {
    "test_a.py": """
        import pytest
        @pytest.mark.parametrize("x", ["[", "ü\\n", "\\ud800"])
        def test_p(x): pass
        def test_q(): pass
    """,
    "test_b.py": "def test_r(): pass\ndef test_s(): pass\n",
    "sub/test_c.py": "def test_t(): pass\n",
}


async def _order(runner: Runner, natural: Sequence[str] = (), **request: Any) -> list[str]:
    ran = await run(runner, **request)
    assert ran.started == list(ran.outcomes)
    # What is told as collected keeps pytest's own order, whatever runs first.
    assert ran.collected == ([name for name in natural if name in ran.started] or ran.started)
    assert ran.finished.counts.deselected == 0
    return ran.started


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_selection_and_order(tmp_path: Path, level: str) -> None:
    project = write(tmp_path / "p", ORDERED)
    async with runner_for(project, level) as runner:
        everything = await _order(runner)
        assert len(everything) == 7
        odd = everything[1:4]
        assert await _order(runner, everything, select=frozenset(odd)) == odd
        assert await _order(runner, everything, skip=frozenset(odd)) == [name for name in everything if name not in odd]
        first = await _order(runner, everything, first=("test_b.py::test_s", "test_b.py", odd[0]))
        assert first[:3] == ["test_b.py::test_s", "test_b.py::test_r", odd[0]]
        assert sorted(first) == sorted(everything)
        nothing = await run(runner, select=frozenset({"test_a.py::test_gone"}))
        assert (nothing.finished.exit, nothing.finished.note) == (5, "no tests ran")
        some = await run(runner, "test_b.py", "-k", "test_s")
        assert some.collected == ["test_b.py::test_s"]
        assert some.finished.counts == Counts(passed=1, deselected=1)


@pytest.mark.slow
async def test_ten_thousand_ids_of_any_characters(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_many.py": """
                import pytest
                ODD = ["[", "]", "\\n", "🦀", "::", "[[/bold]", "\\x1b[31m", "\\udcff", "'", '"', "\\\\", "%s", "ä"]
                @pytest.mark.parametrize("n", [f"{ODD[n % len(ODD)]}{n}" for n in range(10_000)])
                def test_n(n): assert n
            """,
        },
    )
    async with runner_for(project, "L1") as runner:
        ran = await run(runner)
        assert ran.finished.counts == Counts(passed=10_000)
        assert len(set(ran.collected)) == 10_000 == len(ran.outcomes)
        chosen = ran.collected[::1000]
        again = await run(runner, select=frozenset(chosen), cold="asked")
    assert again.collected == chosen == list(again.outcomes)


async def test_a_test_line_and_file(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"pkg/test_x.py": "\n\ndef test_here():\n    pass\n"})
    ran: Ran = await run_once(project, "cold")
    (collected,) = [test for event in ran.events if hasattr(event, "tests") for test in event.tests]
    assert (collected.nodeid, collected.file, collected.line) == ("pkg/test_x.py::test_here", "pkg/test_x.py", 3)


@pytest.mark.parametrize("level", LEVELS)
async def test_a_test_that_is_run_again_counts_once(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "conftest.py": """
                from _pytest.runner import runtestprotocol
                def pytest_runtest_protocol(item, nextitem):
                    # As pytest-rerunfailures does it.
                    for attempt in range(2):
                        hook = item.ihook
                        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                        again = False
                        for report in runtestprotocol(item, nextitem=nextitem, log=False):
                            if report.failed and attempt == 0:
                                report.outcome, again = "rerun", True
                                hook.pytest_runtest_logreport(report=report)
                                break
                            hook.pytest_runtest_logreport(report=report)
                        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                        if not again: return True
                    return True
                def pytest_report_teststatus(report):
                    if report.outcome == "rerun": return "rerun", "R", "RERUN"
            """,
            "test_r.py": """
                seen = []
                def test_flaky():
                    seen.append(1)
                    assert len(seen) == 2
                def test_bad(): assert 0
            """,
        },
    )
    ran = await run_once(project, level)
    assert [(event.nodeid, event.outcome) for event in ran.only(TestReported)] == [
        ("test_r.py::test_flaky", "passed"),
        ("test_r.py::test_bad", "failed"),
    ]
    assert ran.finished.counts == Counts(passed=1, failed=1)
