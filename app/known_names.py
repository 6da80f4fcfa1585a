"""Which names of the configuration only the app itself can judge: themes, and the actions that keys are bound to."""

from __future__ import annotations

from collections.abc import Mapping


def wrong_names(theme: str, keys: Mapping[str, str]) -> list[tuple[tuple[str, str], str]]:
    """What of a theme's name and of `[keys]` the app does not know: table and key, and what is wrong.

    Imports all screens.
    """
    from textual.theme import BUILTIN_THEMES

    from app.tui import known_bindings
    from widgets.keymap import resolve
    from widgets.theme import THEMES, unknown_theme

    themes = {*BUILTIN_THEMES, *(each.name for each in THEMES)}
    found = [] if theme in themes else [(("ui", "theme"), unknown_theme(theme, themes))]
    for problem in resolve(keys, known_bindings()).problems:
        key, _, what = problem.partition(": ")
        found.append((("keys", key.removeprefix("keys.")), what))
    return found
