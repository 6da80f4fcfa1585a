"""Small real projects to watch."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from app.testing.model import ProjectSpec

ORDERS = """
def fill(quote, kind):
    return quote["bid"] if kind == "limit" else quote["ask"]
"""
RISK = """
def limit():
    return 100
"""
TEST_ORDERS = """
import pytest
from trading.orders import fill

QUOTE = {"bid": 10.5, "ask": 10.7}

@pytest.mark.parametrize("kind", ["limit", "stop"])
def test_fill_price(kind):
    assert fill(QUOTE, kind) in (10.5, 10.7)

def test_cancel():
    print("cancelled")
"""
TEST_RISK = """
from trading.risk import limit

def test_limit():
    assert limit() == 100

def test_margin():
    assert limit() > 0
"""


def write(root: Path, **files: str) -> None:
    """Write files; `__` in a name is a slash, and each is Python."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")


def trading(root: Path, name: str = "trading") -> ProjectSpec:
    """Two modules and a test file for each: five tests that pass."""
    (root / "trading").mkdir(parents=True)
    (root / "trading/__init__.py").touch()
    write(root, trading__orders=ORDERS, trading__risk=RISK)
    write(root, tests__test_orders=TEST_ORDERS, tests__test_risk=TEST_RISK)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n', "utf-8")
    return ProjectSpec(name, root, python=sys.executable)
