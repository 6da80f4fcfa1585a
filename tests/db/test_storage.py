"""What is put through the journal is applied by the module that puts it, which is loaded then and not before."""

from __future__ import annotations

from importlib import import_module

import pytest

from app.storage import APPLIERS


@pytest.mark.parametrize("kind", APPLIERS)
def test_a_kind_is_applied_by_the_module_that_names_it(kind: str) -> None:
    name, _, function = APPLIERS[kind].partition(":")
    module = import_module(name)
    assert callable(getattr(module, function))
    assert kind in [value for name, value in vars(module).items() if name.isupper()]
