"""Keeps the theme that was chosen in the app, until the configuration names another one.

Each configuration has a choice of its own, so that opening the app with another file disturbs nothing. `app.quick`
reads it for the first frame.
"""

from __future__ import annotations

from pathlib import Path

from app import files
from app.config import toml
from app.quick import Chosen, choice_key, choices, chosen_file

MOST = 50
"""Configurations that a choice is kept for; the one chosen for longest ago goes first."""
HEADER = """\
# The themes that were chosen in Quarterdeck, by configuration. A choice ends when `theme` in the configuration is
# changed. This file may be deleted.
"""


def keep(config: Path, choice: Chosen | None) -> None:
    """Keep a choice for the configuration at this absolute path; None forgets it.

    Raises OSError when it cannot be written; what was kept before then stays.
    """
    kept, key = choices(), choice_key(config)
    if kept.get(key) == choice:
        return
    kept.pop(key, None)
    if choice is not None:
        kept[key] = choice
    tables = [
        f"\n[{toml.text(name)}]\ntheme = {toml.text(entry.theme)}\ninstead_of = {toml.text(entry.instead_of)}\n"
        for name, entry in list(kept.items())[-MOST:]
    ]
    files.replace_text(chosen_file(), HEADER + "".join(tables))
