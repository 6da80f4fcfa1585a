"""Which test files a change affects, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.testing.impact import ImpactIndex, Ranked
from tests.testing.following import plant
from tests.testing.ranking import SHOP, all_tests, order, rank


def test_edited_test_file_is_first_and_alone_when_nobody_imports_it(tmp_path: Path) -> None:
    ranked = rank(plant(tmp_path, SHOP), ["tests/test_all.py"])
    assert ranked == (Ranked("tests/test_all.py", 0, "edited", near=True),)


def test_nearest_imports_lead(tmp_path: Path) -> None:
    ranked = rank(plant(tmp_path, SHOP), ["shop/prices.py"])
    assert order(ranked) == [
        ("tests/test_prices.py", 2),
        ("tests/test_direct.py", 1),
        ("tests/test_all.py", 3),
        ("tests/test_orders.py", 3),
    ]
    assert [item.near for item in ranked] == [True, False, False, False]
    assert ranked[1].why == "imports shop/prices.py"


def test_name_taken_from_a_package_leads_to_the_module_that_defines_it(tmp_path: Path) -> None:
    ranked = rank(plant(tmp_path, SHOP), ["shop/orders.py"])
    by_path = {item.path: item.distance for item in ranked}
    assert by_path["tests/test_orders.py"] == 2
    assert by_path["tests/test_all.py"] == 3
    assert by_path["tests/test_orders.py"] < by_path["tests/test_prices.py"]  # type: ignore[operator]  # both reached


def test_name_alone_is_near(tmp_path: Path) -> None:
    """For instance a test that starts the program in a process of its own."""
    ranked = rank(plant(tmp_path, SHOP), ["shop/mail.py"])
    assert ranked[0] == Ranked("tests/test_mail.py", None, "named like shop/mail.py", near=True)


def test_same_change_same_order(tmp_path: Path) -> None:
    root = plant(tmp_path, SHOP)
    names = all_tests(root)
    assert rank(root, ["shop/prices.py"], names) == rank(root, ["shop/prices.py"], names[::-1])


def test_conftest_covers_what_is_below_it(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "helpers.py": "",
            "tests/conftest.py": "",
            "tests/db/conftest.py": "import helpers\n",
            "tests/db/test_a.py": "",
            "tests/db/deep/test_b.py": "",
            "tests/web/test_c.py": "",
            "test_top.py": "",
        },
    )
    assert {item.path for item in rank(root, ["tests/conftest.py"])} == set(all_tests(root)) - {"test_top.py"}
    ranked = rank(root, ["helpers.py"])
    assert order(ranked) == [("tests/db/deep/test_b.py", 3), ("tests/db/test_a.py", 3)]
    assert ranked[0].why == "uses tests/db/conftest.py, which leads to helpers.py"


@pytest.mark.parametrize(
    ("changed", "test", "near"),
    [
        ("pkg/types.py", "tests/test_types.py", True),
        ("pkg/_types.py", "tests/types_test.py", True),
        ("pkg/foo/bar.py", "tests/foo/test_bar.py", True),
        ("pkg/foo/bar.py", "tests/test_foo_bar.py", True),
        ("pkg/foo/__init__.py", "tests/test_foo.py", True),
        ("pkg/foo/bar.py", "tests/web/test_bar.py", False),
        ("pkg/types.py", "tests/test_types_more.py", False),
        ("pkg/types.py", "tests/test_prototypes.py", False),
        ("pkg/__init__.py", "tests/test_init.py", False),
    ],
)
def test_names_that_are_near(tmp_path: Path, changed: str, test: str, near: bool) -> None:
    root = plant(tmp_path, {changed: "", test: ""})
    assert bool(rank(root, [changed], [test])) == near


def test_mirrored_folders_come_before_equal_names(tmp_path: Path) -> None:
    root = plant(tmp_path, {"pkg/foo/bar.py": "", "tests/test_bar.py": "", "tests/foo/test_bar.py": ""})
    assert [item.path for item in rank(root, ["pkg/foo/bar.py"])] == ["tests/foo/test_bar.py", "tests/test_bar.py"]


def test_data_file_leads_to_who_mentions_it(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/loader.py": "PATH = HERE / 'data/rates.json'\n",
            "pkg/data/rates.json": "{}",
            "tests/test_a.py": "from pkg import loader\n",
            "tests/test_b.py": "",
        },
    )
    ranked = rank(root, ["pkg/data/rates.json"])
    assert order(ranked) == [("tests/test_a.py", 2)]


def test_data_file_nobody_mentions_leads_to_its_neighbours(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "content/pages/index.html": "",
            "tests/content/test_a.py": "",
            "tests/content/pages/test_b.py": "",
            "tests/other/test_c.py": "",
        },
    )
    assert rank(root, ["content/pages/index.html"]) == (
        Ranked("tests/content/pages/test_b.py", None, "lies near content/pages/index.html"),
    )


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "pytest.ini", "uv.lock", ".env", "elsewhere.json", "tests/x/setup.cfg"]
)
def test_what_affects_all_alike_puts_nothing_first(tmp_path: Path, name: str) -> None:
    root = plant(tmp_path, {**SHOP, name: ""})
    assert rank(root, [name]) == ()


def test_changes_outside_the_project_are_nobodys(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", SHOP)
    index = ImpactIndex(root)
    index.update(None)
    assert index.rank([tmp_path / "other/prices.py"], all_tests(root)) == ()
    index.update([tmp_path / "other/prices.py"])
