"""What the detail panel says of a test, a file and a run's output."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.testing.model import ExceptionInfo, Failure, Frame, Section, TestDetail
from tests.fakes import NOW, ROOT, chained, files_of, frames, history, key_error, source, state, trading_tests
from widgets import source as highlighting
from widgets.failure_lines import Layout, Line, failure_lines, place
from widgets.subjects import FileSubject, TestSubject, TextSubject

pytestmark = pytest.mark.usefixtures("utc")
LAYOUT = Layout(80, ROOT)


def texts(lines: object) -> list[str]:
    return ["".join(text for text, _ in line.parts).rstrip() for line in lines]  # type: ignore[attr-defined]  # any iterable of lines


def shown(detail: TestDetail, section: str = "failure", layout: Layout = LAYOUT) -> list[str]:
    return texts(TestSubject(detail, now=NOW).lines(section, layout))


FAILED = trading_tests()[0]
ERROR = next(test for test in trading_tests() if test.outcome == "error")


def test_a_failure_shows_message_history_and_frames() -> None:
    lines = shown(key_error(FAILED))
    assert lines[:4] == [
        "KeyError: 'bid'",
        "✓✓✓✓✓✓✓✗✗✗  first failed 14:01 after save of trading/orders.py",
        "",
        "tests/test_orders.py:48 in test_fill_price",
    ]
    assert "▸ 48 │     assert fill(quote, kind) == 10.5" in lines
    assert "⋯ 2 library frames, last tenacity/__init__.py:338 in wrapped_f" in lines
    assert lines[-1] == '▸ 112 │     return quote["bid"] * (1 - SLIPPAGE[kind])'


def test_library_frames_unfold() -> None:
    lines = list(failure_lines(key_error(FAILED).failures[0], LAYOUT))
    toggle = next(line.toggle for line in lines if line.toggle)
    opened = texts(failure_lines(key_error(FAILED).failures[0], replace(LAYOUT, unfolded=frozenset({toggle}))))
    assert "contextlib.py:81 in inner" in opened
    assert not any("library frames" in line for line in opened)


def test_chained_exceptions_name_cause_and_order() -> None:
    lines = shown(chained(ERROR))
    assert lines[0] == "⚠ error in setup"
    assert lines[1] == "CalendarError: no calendar for XETR"
    assert any(line.startswith("↳ caused by FileNotFoundError: [Errno 2]") and len(line) <= 80 for line in lines)
    assert lines.index("↓ led to") < len(lines) - 1
    context = ExceptionInfo("ValueError", "first", (), "context")
    lines = texts(failure_lines(Failure("call", (context, ExceptionInfo("TypeError", "second"))), LAYOUT))
    assert "↳ during handling of ValueError: first" in lines


def test_pytests_explanation_keeps_its_shape_and_shows_differences() -> None:
    lines = list(failure_lines(chained(ERROR).failures[0], LAYOUT))
    styles = {"".join(text for text, _ in line.parts).strip(): line.parts[-1][1] for line in lines if line.parts}
    assert styles["- {'close': '20:00'}"] == "$error"
    assert styles["+ {'close': '17:30'}"] == "$success"


def test_every_frame_line_can_be_opened() -> None:
    subject = TestSubject(key_error(FAILED), now=NOW)
    assert subject.target() == ("trading/orders.py", 112)
    targets = [line.target for line in subject.lines("failure", LAYOUT)]
    assert ("tests/test_orders.py", 48) in targets
    assert TestSubject(TestDetail(FAILED), now=NOW).target() == ("tests/test_orders.py", 48)


def test_sections_tell_where_there_is_something() -> None:
    sections = TestSubject(key_error(FAILED), now=NOW).sections()
    assert list(sections) == ["failure", "output", "log", "locals", "history"]
    assert all(sections.values())
    bare = TestSubject(TestDetail(state("t.py::test_x")), now=NOW).sections()
    assert [name for name, filled in bare.items() if filled] == ["result"]


def test_output_log_locals_and_history() -> None:
    detail = key_error(FAILED)
    assert shown(detail, "output") == ["captured stdout call", "replaying 1 quote of AAPL", "quote: ok"]
    assert shown(detail, "log")[0] == "captured log call"
    assert "  SLIPPAGE = {'limit': 0.0, 'stop': 0.001}" in shown(detail, "locals")
    lines = shown(detail, "history")
    assert "10 runs, 3 failed" in lines
    assert "✗ 13:52            11 ms  failed" in lines


def test_a_passed_test_shows_outcome_duration_and_output() -> None:
    detail = TestDetail(state("t.py::test_x", "passed", 0.02), sections=(Section("Captured stdout call", "hello", 12),))
    lines = shown(detail, "result")
    assert lines[0] == "✓ passed in 20 ms"
    assert "hello" in lines
    assert "… 12 characters were cut from its middle" in lines


def test_a_test_that_never_ran_says_so() -> None:
    assert shown(TestDetail(state("t.py::test_x", None, None)), "result") == ["· not run yet"]
    assert "files changed since; no run has confirmed it" in shown(
        TestDetail(state("t.py::test_x", stale=True)), "result"
    )


def test_a_failure_whose_traceback_is_gone_says_what_to_do() -> None:
    assert shown(TestDetail(state("t.py::test_x", "failed")))[0] == "its traceback is not kept; run it again to see it"


def test_doctests_show_pytests_own_text() -> None:
    lines = texts(failure_lines(Failure("call", (), "Expected:\n    1\nGot:\n    2"), LAYOUT))
    assert lines == ["Expected:", "    1", "Got:", "    2"]


def test_hostile_text_is_only_text() -> None:
    evil = "\x1b[2J[bold]x[/]\x00\u202e"
    frame = Frame(evil, 1, evil, source(1, evil), ((evil, evil),))
    detail = TestDetail(
        state(f"t.py::test[{evil}]", "failed", message=evil),
        failures=(Failure("call", (ExceptionInfo(evil, evil + "\n" + evil, (frame,)),), evil),),
        sections=(Section(evil, evil),),
    )
    subject = TestSubject(detail, now=NOW)
    everything = "".join(text for text, _ in subject.title())
    for section in subject.sections():
        everything += "".join(shown(detail, section))
    assert "\x1b" not in everything
    assert "\x00" not in everything
    assert "\u202e" not in everything
    assert "[bold]x[/]␀\\u202e" in everything


def test_endless_messages_are_cut() -> None:
    message = "first\n" + "\n".join(f"line {n}" for n in range(5000))
    lines = texts(failure_lines(Failure("call", (ExceptionInfo("E", message),)), LAYOUT))
    assert len(lines) < 250
    assert "more lines; y copies all" in lines[-1]


def test_no_line_is_wider_than_the_panel() -> None:
    for width in (32, 40, 80):
        for section in ("failure", "output", "log", "locals", "history"):
            assert all(len(line) <= width for line in shown(key_error(FAILED), section, Layout(width, ROOT))), (
                width,
                section,
            )


def test_copying_gives_pytests_text_or_the_lines() -> None:
    subject = TestSubject(key_error(FAILED), now=NOW)
    assert subject.plain("failure") == f"{FAILED.nodeid}\n\nE   KeyError: 'bid'"
    assert "replaying 1 quote of AAPL" in subject.plain("output")


def test_history_from_the_database_is_preferred() -> None:
    subject = TestSubject(TestDetail(state("t.py::test_x")), now=NOW, history=history()[:3])
    assert texts(subject.lines("result", LAYOUT))[1] == "✓✓✓"


def test_a_file_shows_its_failures_and_slowest_tests() -> None:
    tests = {test.nodeid: test for test in trading_tests()}
    file = files_of(tests)["tests/test_orders.py"]
    subject = FileSubject(file, [test for test in tests.values() if test.file == file.path])
    lines = texts(subject.lines("summary", LAYOUT))
    assert lines[0].split() == ["✗", "2", "failed", "✓", "3", "passed", "○", "1", "skipped", "x", "1", "xfailed"]
    assert "    KeyError: 'bid'" in lines
    assert subject.target() == ("tests/test_orders.py", 1)


def test_a_file_that_cannot_be_collected_shows_why() -> None:
    file = files_of({}, {"tests/test_new.py": "SyntaxError: invalid syntax"})["tests/test_new.py"]
    assert texts(FileSubject(file, []).lines("error", LAYOUT))[:2] == [
        "⚠ error while collecting",
        "SyntaxError: invalid syntax",
    ]
    failure = Failure("collect", (ExceptionInfo("SyntaxError", "invalid syntax", frames()[:1]),))
    subject = FileSubject(file, [], TestDetail(state("tests/test_new.py", "error"), (failure,)))
    assert "SyntaxError: invalid syntax" in texts(subject.lines("error", LAYOUT))
    assert subject.target() == ("tests/test_orders.py", 48)


def test_plain_text() -> None:
    subject = TextSubject("output", "trading", "one\n\x1b[1mtwo\n")
    assert texts(subject.lines("text", LAYOUT)) == ["one", "two"]
    assert subject.target() is None


@pytest.mark.parametrize(
    ("path", "shown_as"),
    [
        (f"{ROOT}/trading/orders.py", "trading/orders.py"),
        (f"{ROOT}/.venv/lib/python3.12/site-packages/attr/_make.py", "attr/_make.py"),
        ("/usr/lib/python3.11/json/decoder.py", "json/decoder.py"),
        ("/opt/other.py", "/opt/other.py"),
        ("tests/test_x.py", "tests/test_x.py"),
    ],
)
def test_paths_are_short(path: str, shown_as: str) -> None:
    assert place(path, ROOT) == shown_as


def test_highlighting_keeps_text_and_lines() -> None:
    lines = ("def f():", '    """doc', '    more"""', "    return 1  # why", "")
    coloured = highlighting.coloured(lines)
    assert ["".join(text for text, _ in parts) for parts in coloured] == list(lines)
    assert ("def", "$special") in coloured[0]
    assert highlighting.ready()
    broken = highlighting.coloured(("if x ==== '", ")"))
    assert ["".join(text for text, _ in parts) for parts in broken] == ["if x ==== '", ")"]


def test_lines_are_values() -> None:
    assert Line((("a", ""),)) == Line((("a", ""),))
