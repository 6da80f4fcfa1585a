"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest

from tests.servers import (
    database,
    database_url,
    empty_database_url,
    mariadb,
    mariadb_session,
    named_server,
    prepared_databases,
)

__all__ = [
    "database",
    "database_url",
    "empty_database_url",
    "mariadb",
    "mariadb_session",
    "named_server",
    "prepared_databases",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has logged or printed may hold lone surrogates, which do not pass between processes of a run."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is asked for, a skipped test is a failing one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("QUARTERDECK_REQUIRE_MYSQL") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason to skip, not one for each test."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")
