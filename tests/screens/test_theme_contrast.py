"""Both themes can be read: the contrast of every role of text on every ground, by WCAG 2. With 256 colours too."""

from __future__ import annotations

import pytest
from rich._palettes import EIGHT_BIT_PALETTE, STANDARD_PALETTE
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from widgets import few_colours
from widgets.few_colours import DARK_256, LIGHT_256, nearest, settle, xterm
from widgets.theme import DARK_ROLES, GROUNDS, LIGHT_ROLES, TEXT_ROLES, THEMES, complete

ROLES = {
    "quarterdeck": DARK_ROLES,
    "quarterdeck-light": LIGHT_ROLES,
    "quarterdeck in 256 colours": DARK_256,
    "quarterdeck-light in 256 colours": LIGHT_256,
}
GREY_TWICE = {59, 102, 145, 188}
"""Greys that the terminal has a second time, or nearly, among those that Rich takes for greys."""


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


def variables_of(theme: Theme) -> dict[str, str]:
    """What style sheets see of it."""
    return complete(theme, theme.to_color_system().generate() | theme.variables)


def shown(color: str, system: ColorSystem = ColorSystem.EIGHT_BIT) -> str:
    """What a terminal with fewer colours shows for a value, by the way it takes through Rich."""
    number = RichColor.parse(color).downgrade(system).number
    assert number is not None
    return (STANDARD_PALETTE[number] if system is ColorSystem.STANDARD else EIGHT_BIT_PALETTE[number]).hex


@pytest.mark.parametrize("number", sorted({*range(16, 256)} - GREY_TWICE))
def test_each_of_the_256_colours_is_reached_and_is_nearest_to_itself(number: int) -> None:
    assert nearest(*Color.parse(xterm(number)).rgb) == number
    spelt = settle({"cursor": "#111111", "background": "#eeeeee", "x": xterm(number)}, "256")["x"]
    assert RichColor.parse(spelt).downgrade(ColorSystem.EIGHT_BIT).number == number


@pytest.mark.parametrize(("theme", "roles"), zip(few_colours.themes("256"), (DARK_256, LIGHT_256), strict=True))
def test_with_256_colours_a_role_is_shown_as_it_was_chosen(theme: Theme, roles: dict[str, str]) -> None:
    variables = settle(variables_of(theme), "256")
    names = {"text": "foreground"}
    assert {role: shown(variables[names.get(role, role)]) for role in roles} == roles
    assert shown(variables["cursor"]) == roles["panel"]
    assert contrast(shown(variables["ink"]), shown(variables["accent"])) >= 4.5
    assert contrast(roles["panel"], roles["background"]) >= 1.2


def difference(one: str, other: str) -> int:
    """How far two colours are apart."""
    return sum((a - b) ** 2 for a, b in zip(Color.parse(one).rgb, Color.parse(other).rgb, strict=True))


@pytest.mark.parametrize(
    "theme", [theme for theme in (*THEMES, *BUILTIN_THEMES.values()) if not theme.ansi], ids=lambda theme: theme.name
)
def test_with_256_colours_every_theme_is_shown_as_near_as_can_be(theme: Theme) -> None:
    before = variables_of(theme)
    after = settle(before, "256")
    opaque = {name: value for name, value in before.items() if len(value) == 7 and value.startswith("#")}
    assert len(opaque) > 80
    for name, value in opaque.items():
        if name != "cursor" and RichColor.parse(value).downgrade(ColorSystem.EIGHT_BIT).number not in GREY_TWICE:
            assert difference(shown(after[name]), value) <= difference(shown(value), value), name
    assert {name: after[name] for name in before.keys() - opaque} == {
        name: before[name] for name in before.keys() - opaque
    }
    assert shown(after["cursor"]) != shown(after["background"]), "the cursor row is never lost"


def test_dark_blues_become_greys_rather_than_navy_and_teal() -> None:
    nord = settle(variables_of(BUILTIN_THEMES["nord"]), "256")
    assert [shown(nord[role]) for role in ("background", "surface", "panel")] == ["#3a3a3a", "#444444", "#4e4e4e"]


@pytest.mark.parametrize("theme", few_colours.themes("standard"), ids=lambda theme: theme.name)
def test_with_16_colours_the_cursor_row_is_visible_and_legible(theme: Theme) -> None:
    variables = settle(variables_of(theme), "standard")
    text, row, ground = (
        shown(variables[role], ColorSystem.STANDARD) for role in ("foreground", "cursor", "background")
    )
    assert contrast(row, ground) >= 2
    assert contrast(text, row) >= 3
