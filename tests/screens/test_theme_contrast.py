"""Both themes can be read: the contrast of every role of text on every ground, by WCAG 2."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from widgets.theme import DARK_ROLES, GROUNDS, LIGHT_ROLES, TEXT_ROLES, THEMES, complete

ROLES = {"quarterdeck": DARK_ROLES, "quarterdeck-light": LIGHT_ROLES}


def luminance(color: str) -> float:
    """Relative luminance."""
    channels = [part / 255 for part in Color.parse(color).rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Ratio from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_is_legible(name: str, ground: str, role: str) -> None:
    assert contrast(ROLES[name][role], ROLES[name][ground]) >= 4.5


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("ground", ["background", "surface"])
def test_lines_and_dots_are_visible(name: str, ground: str) -> None:
    assert contrast(ROLES[name]["muted"], ROLES[name][ground]) >= 3


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_active_tab_is_legible(theme: Theme) -> None:
    variables = complete(theme, theme.to_color_system().generate() | theme.variables)
    assert contrast(variables["ink"], variables["accent"]) >= 4.5


def test_the_dark_palette_is_the_designed_one() -> None:
    assert {role: DARK_ROLES[role] for role in DARK_ROLES if role != "text-muted"} == {
        "text": "#c7ccd6",
        "accent": "#e6b450",
        "info": "#59c2ff",
        "success": "#7fd962",
        "warning": "#ffb454",
        "error": "#f26d78",
        "special": "#d2a6ff",
        "background": "#0e1218",
        "surface": "#131922",
        "panel": "#232b38",
        "muted": "#6b7484",
    }


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_every_theme_has_every_role_as_a_plain_colour(theme: Theme) -> None:
    variables = complete(theme, theme.to_color_system().generate() | theme.variables)
    for role in ("text-muted", "muted", "info", "special", "ink", "cursor"):
        assert Color.parse(variables[role].partition(" ")[0])
