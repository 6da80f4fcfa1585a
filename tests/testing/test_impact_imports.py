"""Every way to import, in every layout of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.following import plant
from tests.testing.ranking import rank


@pytest.mark.parametrize(
    ("statement", "reached"),
    [
        ("import pkg.deep.mod", True),
        ("import os, pkg.deep.mod as m, sys", True),
        ("from pkg.deep import mod", True),
        ("from pkg.deep.mod import thing", True),
        ("from pkg.deep.mod import *", True),
        ("from pkg . deep import mod", False),
        ("from pkg.deep import (\n    other,\n    mod as m,\n)", True),
        ("from pkg.deep import other, \\\n    mod", True),
        ("from pkg.deep \\\n    import mod", True),
        ("try: import pkg.deep.mod\nexcept ImportError: pass", True),
        ("x = 1; import pkg.deep.mod", True),
        ("def test():\n    from pkg.deep import mod", True),
        ("if TYPE_CHECKING:\n\timport pkg.deep.mod", True),
        ("import importlib\nm = importlib.import_module('pkg.deep.mod')", True),
        ('m = __import__("pkg.deep.mod")', True),
        ("from unittest import mock\n@mock.patch('pkg.deep.mod.thing')\ndef test(_): ...", True),
        ("def test(monkeypatch):\n    monkeypatch.setattr('pkg.deep.mod.thing', 1)", True),
        ("pytest_plugins = ['pkg.deep.mod']", True),
        ("pytest_plugins = (\n    'a',\n    'pkg.deep.mod',\n)", True),
        ("pytest_plugins: str = 'pkg.deep.mod'", True),
        ("from pkg.deep import other", False),
        ("# import pkg.deep.mod", False),
        ("import pkg_deep_mod", False),
        ("important pkg.deep.mod", False),
    ],
)
def test_ways_to_import(tmp_path: Path, statement: str, reached: bool) -> None:
    root = plant(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/deep/__init__.py": "",
            "pkg/deep/mod.py": "thing = 1\n",
            "pkg/deep/other.py": "",
            "tests/test_x.py": f"{statement}\n",
        },
    )
    ranked = rank(root, ["pkg/deep/mod.py"])
    assert [item.path for item in ranked] == (["tests/test_x.py"] if reached else [])


LAYOUTS = {
    "src": {
        "src/pkg/__init__.py": "",
        "src/pkg/mod.py": "",
        "tests/test_x.py": "from pkg import mod",
    },
    "namespace package": {
        "space/pkg/mod.py": "",
        "tests/test_x.py": "from space.pkg import mod",
    },
    "namespace import": {
        "space/pkg/mod.py": "",
        "tests/test_x.py": "import space.pkg.mod",
    },
    "flat": {
        "mod.py": "",
        "test_x.py": "import mod",
    },
    "helper beside": {
        "tests/mod.py": "",
        "tests/test_x.py": "import mod",
    },
    "relative": {
        "tests/__init__.py": "",
        "tests/mod.py": "",
        "tests/test_x.py": "from . import mod",
    },
    "relative above": {
        "tests/__init__.py": "",
        "tests/mod.py": "",
        "tests/a/__init__.py": "",
        "tests/a/test_x.py": "from ..mod import y",
    },
    "tests package": {
        "tests/__init__.py": "",
        "tests/mod.py": "",
        "tests/test_x.py": "from tests.mod import y",
    },
    "monorepo": {
        "libs/one/src/one/__init__.py": "",
        "libs/one/src/one/mod.py": "",
        "libs/one/tests/test_x.py": "import one.mod",
    },
    "pythonpath": {
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['code/here']\n",
        "code/here/space/mod.py": "",
        "tests/test_x.py": "from space import mod",
    },
    "pytest.ini": {
        "pytest.ini": "[pytest]\npythonpath = code\n",
        "code/space/mod.py": "",
        "tests/test_x.py": "from space import mod",
    },
    "circle": {
        "a.py": "import b",
        "b.py": "import a, mod",
        "mod.py": "import a",
        "test_x.py": "import a",
    },
    "star": {
        "pkg/__init__.py": "from .impl import *",
        "pkg/impl.py": "from . import mod",
        "pkg/mod.py": "",
        "test_x.py": "import pkg",
    },
}


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path: Path, files: dict[str, str]) -> None:
    root = plant(tmp_path, files)
    module = next(name for name in files if name.endswith("mod.py"))
    assert [item.path for item in rank(root, [module])] == [next(n for n in files if n.endswith("test_x.py"))]


def test_same_name_in_two_packages_means_the_nearer_one(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            **{f"{part}/{name}": "" for part in ("one", "two") for name in ("helpers.py",)},
            "one/test_a.py": "import helpers\n",
            "two/test_b.py": "import helpers\n",
        },
    )
    assert [item.path for item in rank(root, ["two/helpers.py"])] == ["two/test_b.py"]


def test_own_module_named_like_one_of_pythons(tmp_path: Path) -> None:
    root = plant(tmp_path, {"pkg/types.py": "", "pkg/__init__.py": "", "tests/test_a.py": "import types\n"})
    assert rank(root, ["pkg/types.py"]) == ()
