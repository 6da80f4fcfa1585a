"""The keys that hints name: the defaults that stand in the code, or what `[keys]` made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType

KeyRow = tuple[str, str, str, str, str]
"""Keys, action, name, description and tooltip of one binding."""

_scopes: dict[str, list[Binding]] = {}
_rebound: dict[str, str] = {}


def bindings(scope: str, shown: Iterable[KeyRow], silent: Iterable[KeyRow] = ()) -> list[BindingType]:
    """The bindings of an area, whose keys hints may name from now on."""
    made = [
        Binding(keys, action, description, show=rows is shown, id=f"{scope}.{name}", tooltip=tooltip)
        for rows in (shown, silent)
        for keys, action, name, description, tooltip in rows
    ]
    known(scope, made)
    return list(made)


def known(scope: str, made: Iterable[Binding]) -> None:
    """Let hints name the keys of these bindings."""
    _scopes.setdefault(scope, []).extend(made)


def rebind(keymap: Mapping[str, str]) -> None:
    """Name these keys from now on: keys by the id of their binding."""
    _rebound.clear()
    _rebound.update(keymap)


def key(scope: str, default: str) -> str:
    """The key that now does what `default` (as people write it: `?`, `esc`) does in this scope by default."""
    if not _rebound:
        return default
    from widgets.keymap import key_label, split_keys

    for binding in _scopes.get(scope, ()):
        keys = _rebound.get(binding.id or "")
        if keys and default in map(key_label, split_keys(binding.key)):
            return key_label(split_keys(keys)[0])
    return default
