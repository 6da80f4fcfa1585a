"""All actions that `[keys]` can rebind, found without running the app."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode

import screens
import widgets
from widgets.keymap import KeyInfo, infos


def _own_bindings(node: type[DOMNode]) -> Iterator[Binding]:
    for binding in node.__dict__.get("BINDINGS", ()):
        if isinstance(binding, Binding):
            yield binding


def collect() -> tuple[KeyInfo, ...]:
    """The actions of every screen and widget, by module; imports all of them."""
    found: list[Binding] = []
    for package in (screens, widgets):
        for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = import_module(module_info.name)
            for _name, value in inspect.getmembers(module, inspect.isclass):
                if issubclass(value, DOMNode) and value.__module__ == module.__name__:
                    found.extend(_own_bindings(value))
    return tuple(infos(found))
