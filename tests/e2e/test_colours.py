"""What reaches terminals with all colours, with 256, with 16 and without any: the right colours, and no others."""

from __future__ import annotations

import pytest

from tests.e2e.house import BROKEN_PRICING, House
from tests.e2e.terminal import Terminal
from widgets.few_colours import DARK_256, LIGHT_256
from widgets.theme import DARK_ROLES

pytestmark = pytest.mark.e2e

FEW = {"COLORTERM": ""}
TAB, MUTED, ROW, OTHER_ROW = r"2 Tests", r"quarterdeck ", r"(?<=✗ )test_price_of_one +KeyError", r"test_left_after_sale"


def opened(house: House, env: dict[str, str], extra: str = "") -> Terminal:
    """The app with the cursor on a failing test."""
    house.configure(house.project(), extra=extra)
    house.write(house.folder / "shop" / "pricing.py", BROKEN_PRICING)
    terminal = house.open(env=env)
    terminal.wait_for(r"✗1 ✓3 in ")
    terminal.press("n")
    terminal.wait_for(r"KeyError: 'tax'\s")
    terminal.settle()
    return terminal


def expected(roles: dict[str, str]) -> dict[str, tuple[str, str]]:
    """The colours of the active tab, of muted text, of the cursor row and of another row."""
    plain = {role: value.removeprefix("#") for role, value in roles.items()}
    return {
        TAB: (plain["background"], plain["accent"]),
        MUTED: (plain["text-muted"], plain["background"]),
        ROW: (plain["text"], plain["panel"]),
        OTHER_ROW: (plain["text"], plain["background"]),
    }


def test_with_256_colours_every_role_has_one_of_them(house: House) -> None:
    terminal = opened(house, FEW)
    assert {place: terminal.colours(place) for place in (TAB, MUTED, ROW, OTHER_ROW)} == expected(DARK_256)


def test_the_light_theme_has_its_own_256(house: House) -> None:
    terminal = opened(house, FEW, '[ui]\ntheme = "quarterdeck-light"\n')
    assert {place: terminal.colours(place) for place in (TAB, MUTED, ROW, OTHER_ROW)} == expected(LIGHT_256)


def test_with_all_colours_the_palette_is_the_designed_one(house: House) -> None:
    terminal = opened(house, {})
    for place, colours in expected(DARK_ROLES).items():
        for shown, designed in zip(terminal.colours(place), colours, strict=True):
            pairs = zip(bytes.fromhex(shown), bytes.fromhex(designed), strict=True)
            assert all(abs(one - other) <= 1 for one, other in pairs), (place, shown, designed)


@pytest.mark.parametrize("theme", ["quarterdeck", "quarterdeck-light"])
def test_with_16_colours_text_row_and_ground_differ(house: House, theme: str) -> None:
    terminal = opened(house, {**FEW, "TERM": "xterm"}, f'[ui]\ntheme = "{theme}"\n')
    text, row = terminal.colours(ROW)
    _, ground = terminal.colours(OTHER_ROW)
    assert len({text, row, ground}) == 3, (text, row, ground)


def test_no_color_leaves_greys_only(house: House) -> None:
    terminal = opened(house, {**FEW, "NO_COLOR": "1"})
    places = (TAB, MUTED, ROW, OTHER_ROW, r"✗ test_price", r"KeyError")
    shown = [color for place in places for color in terminal.colours(place)]
    assert all(color[:2] == color[2:4] == color[4:] for color in shown), shown
    assert terminal.colours(ROW)[1] != terminal.colours(OTHER_ROW)[1]
    assert terminal.colours(TAB)[1] != terminal.colours(MUTED)[1]
