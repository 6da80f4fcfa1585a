"""How much the name of a test file says that it tests a given file."""

from __future__ import annotations

from functools import lru_cache

NEAR = 2
"""From this degree on, the names alone make a test file one of the first to run."""
_NO_TOPIC = frozenset(
    {"tests", "test", "testing", "unit", "unittests", "integration", "functional", "e2e", "src", "lib"}
)


@lru_cache(maxsize=16384)
def topic(path: str) -> tuple[str, tuple[str, ...]]:
    """What a file is about: its name and its folders without what only says that it is a test."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    stem = stem.removeprefix("test_").removesuffix("_test").removesuffix("_tests").strip("_")
    if stem in ("init", "main", "conftest") and folders:
        stem = folders.pop()
    return stem.lower(), tuple(folder.lower() for folder in folders if folder.lower() not in _NO_TOPIC)


def degree(changed: str, test: str) -> int:
    """0: nothing in common; 1: a word; 2: the same name; 3: the same name in the same place of its tree."""
    stem, folders = topic(changed)
    test_stem, test_folders = topic(test)
    if not stem:
        return 0
    if test_stem == stem:
        if not test_folders:
            return 2
        return 3 if folders[-len(test_folders) :] == test_folders else 1
    if folders and test_stem == f"{folders[-1]}_{stem}":
        return 3
    return 1 if f"_{stem}_" in f"_{test_stem}_" else 0
