"""An index of imports that is kept while files are edited."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from app.testing.impact import ImpactIndex
from tests.testing.following import plant
from tests.testing.ranking import SHOP, all_tests, order, rank


class Edited:
    """A tree whose files change under an index that is kept."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = plant(root, files)
        self.index = ImpactIndex(root)
        self.index.update(None)

    def write(self, name: str, text: str) -> None:
        plant(self.root, {name: text})
        self.index.update([self.root / name])

    def delete(self, name: str) -> None:
        (self.root / name).unlink()
        self.index.update([self.root / name])

    def rank(self, *changed: str) -> list[str]:
        return [item.path for item in self.index.rank([self.root / name for name in changed], all_tests(self.root))]


def test_import_added_and_taken_away(tmp_path: Path) -> None:
    tree = Edited(tmp_path, {"a.py": "", "b.py": "", "test_x.py": "import a\n"})
    tree.write("test_x.py", "import a, b\n")
    assert tree.rank("a.py") == tree.rank("b.py") == ["test_x.py"]
    tree.write("test_x.py", "import b\n")
    assert tree.rank("a.py") == []
    tree.write("b.py", "import a\n")
    assert tree.rank("a.py") == ["test_x.py"]


def test_new_module_that_a_test_waits_for(tmp_path: Path) -> None:
    tree = Edited(tmp_path, {"test_x.py": "import later\n"})
    tree.write("later.py", "")
    assert tree.rank("later.py") == ["test_x.py"]


def test_deleted_module_affects_who_imports_it(tmp_path: Path) -> None:
    tree = Edited(tmp_path, {"a.py": "", "test_x.py": "import a\n"})
    tree.delete("a.py")
    assert tree.rank("a.py") == ["test_x.py"]
    tree.index.update(None)
    assert tree.rank("a.py") == ["test_x.py"]
    tree.write("a.py", "import b\n")
    tree.write("b.py", "")
    assert tree.rank("b.py") == ["test_x.py"]


def test_reexport_that_changes(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from .a import f\n",
        "pkg/a.py": "",
        "pkg/b.py": "",
        "test_x.py": "from pkg import f\n",
    }
    tree = Edited(tmp_path, files)
    assert tree.index.rank([tmp_path / "pkg/a.py"], ["test_x.py"])[0].distance == 2
    tree.write("pkg/__init__.py", "from .b import f\n")
    assert tree.index.rank([tmp_path / "pkg/b.py"], ["test_x.py"])[0].distance == 2


@pytest.mark.parametrize("broken", ["import \ndef test(:\n", "x = (\n", "im\0port a", "'''"])
def test_broken_file_keeps_what_it_imported(tmp_path: Path, broken: str) -> None:
    tree = Edited(tmp_path, {"a.py": "", "b.py": "", "test_x.py": "import a\n"})
    tree.write("test_x.py", f"import b\n{broken}")
    assert tree.rank("a.py") == tree.rank("b.py") == ["test_x.py"]
    tree.write("test_x.py", "import b\n")
    assert tree.rank("a.py") == []


def test_full_update_sees_what_it_was_not_told(tmp_path: Path) -> None:
    tree = Edited(tmp_path, {"a.py": "", "test_x.py": ""})
    plant(tmp_path, {"test_x.py": "import a\n", "test_y.py": "import a\n"})
    tree.index.update(None)
    assert tree.rank("a.py") == ["test_x.py", "test_y.py"]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    root = plant(tmp_path, {"größe.py": "", "test_x.py": "import größe\n"})
    (root / "latin.py").write_bytes("# größe\nimport größe\n".encode("latin-1"))
    (root / "zeros.py").write_bytes(b"\0" * 100)
    assert [item.path for item in rank(root, ["größe.py"])] == ["test_x.py"]


def test_ranking_while_updating(tmp_path: Path) -> None:
    files = {f"m{number}.py": f"import m{number - 1}\n" for number in range(1, 60)}
    root = plant(tmp_path, {"m0.py": "", "test_x.py": "import m59\n", **files})
    index = ImpactIndex(root)
    index.update(None)
    wrong: list[object] = []
    done = threading.Event()

    def ranking() -> None:
        while not done.is_set():
            ranked = index.rank([root / "m0.py"], ["test_x.py"])
            if order(ranked) != [("test_x.py", 60)]:
                wrong.append(ranked)

    thread = threading.Thread(target=ranking)
    thread.start()
    for number in range(40):
        plant(root, {f"m{number}.py": f"import m{number - 1}\nvalue = {number}\n" if number else "value = 0\n"})
        index.update([root / f"m{number}.py"] if number % 2 else None)
    done.set()
    thread.join()
    assert not wrong


def test_thousands_of_changes_at_once(tmp_path: Path) -> None:
    root = plant(tmp_path, SHOP)
    index = ImpactIndex(root)
    index.update(None)
    changed = [root / "shop/prices.py", *(root / f"gone/m{number}.py" for number in range(5000))]
    index.update(changed)
    assert {item.path for item in index.rank(changed, all_tests(root))} >= {"tests/test_direct.py"}
