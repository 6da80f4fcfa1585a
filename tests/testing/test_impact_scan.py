"""The quick reading of imports, held against Python's own parser on a thousand real files."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import _pytest
import click
import pytest
import textual

from app.testing.imports import scan

Taken = set[tuple[str, int, str]]


def parsed(source: bytes) -> Taken:
    """Module, level and name of each import, as Python understands it."""
    found: Taken = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(name.name, 0, "") for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "", node.level, name.name) for name in node.names}
    # Modules of the standard library belong to no project.
    return {item for item in found if item[1] or item[0].partition(".")[0] not in sys.stdlib_module_names}


def scanned(source: bytes) -> Taken:
    found: Taken = set()
    for imported in scan(source).imports:
        found |= {(imported.module, imported.level, name) for name, _alias in imported.names}
        if not imported.names:
            found.add((imported.module, 0, ""))
    return found


@pytest.mark.parametrize("package", [_pytest, click, textual], ids=lambda package: str(package.__name__))
def test_nothing_that_python_imports_is_missed(package: object) -> None:
    files = sorted(Path(str(package.__file__)).parent.rglob("*.py"))  # type: ignore[attr-defined]  # packages have one
    assert files
    for path in files:
        source = path.read_bytes()
        assert parsed(source) <= scanned(source), path


def test_names_and_their_aliases() -> None:
    (imported,) = scan(b"from .a.b import (c as d, e,  # (why)\n f)\n").imports
    assert (imported.module, imported.level) == ("a.b", 1)
    assert imported.names == (("c", "d"), ("e", ""), ("f", ""))


def test_attributes_that_are_used_of_a_module() -> None:
    (imported,) = scan(b"import shop.orders as o\n\no.place(o.Order, so.what)\n").imports
    assert (imported.module, imported.used) == ("shop.orders", ("Order", "place"))


def test_names_of_data_files() -> None:
    source = b"open('data/rates.json'); render(\"index.html\"); x = 'no file'; y = f'{name}.csv'\n"
    assert scan(source).data == {"rates.json", "index.html", "{name}.csv"}


@pytest.mark.parametrize(
    "source", [b"", b"\0", b"import", b"from", b"from . import", b"import \\\n", b"\xff\xfe", b"from x import ("]
)
def test_pieces_of_code(source: bytes) -> None:
    scan(source)
