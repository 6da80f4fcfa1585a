"""What is put through the journal is applied by the module that puts it, which is loaded then and not before."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from app.storage import APPLIERS


class Registered:
    """Stands for the spool of a module that registers itself."""

    def __init__(self) -> None:
        self.appliers: dict[str, Callable[..., Any]] = {}

    def register(self, kind: str, apply: Callable[..., Any]) -> None:
        self.appliers[kind] = apply


@pytest.mark.parametrize("kind", APPLIERS)
def test_a_kind_is_applied_by_the_module_that_puts_it(kind: str) -> None:
    name, _, function = APPLIERS[kind].partition(":")
    module, found = import_module(name), Registered()
    module.register(found)
    assert found.appliers == {kind: getattr(module, function)}
