"""A house to test in: a private home, a configuration, projects, and terminals that are taken down at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty one."""
    built = House(tmp_path)
    try:
        yield built
    finally:
        built.close()
