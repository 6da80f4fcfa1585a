"""The palettes for terminals that cannot show every colour. Loaded only in one of those.

Such a terminal gets every colour from Rich as the number of one that it has. The rule by which Rich looks for it turns
dark blues and near-blacks into navy, teal or black, so that a cursor row or a border is lost. From here it gets colours
that the terminal has, in a spelling that leads it to the right number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from textual.theme import Theme

from widgets.theme import DARK_ROLES, LIGHT_ROLES, build

LEVELS = (0, 95, 135, 175, 215, 255)
"""Of red, green and blue in the colours 16 to 231."""
GREYS = tuple(range(8, 248, 10))
"""The colours 232 to 255."""
_OPAQUE = re.compile(r"#[0-9a-fA-F]{6}")


def xterm(number: int) -> str:
    """What the terminal shows for a colour from 16 to 255."""
    if number >= 232:
        return "#" + f"{GREYS[number - 232]:02x}" * 3
    red, rest = divmod(number - 16, 36)
    return "#" + "".join(f"{LEVELS[level]:02x}" for level in (red, *divmod(rest, 6)))


DARK_256 = {
    "text": xterm(252),
    "text-muted": xterm(247),
    "accent": xterm(179),
    "info": xterm(75),
    "success": xterm(113),
    "warning": xterm(215),
    "error": xterm(210),
    "special": xterm(183),
    "background": xterm(233),
    "surface": xterm(234),
    "panel": xterm(236),
    "muted": xterm(243),
}
LIGHT_256 = {
    "text": xterm(236),
    "text-muted": xterm(240),
    "accent": xterm(94),
    "info": xterm(25),
    "success": xterm(22),
    # No orange is dark enough to be read on white.
    "warning": xterm(94),
    "error": xterm(124),
    "special": xterm(91),
    "background": xterm(231),
    "surface": xterm(255),
    "panel": xterm(254),
    "muted": xterm(244),
}
# Of sixteen colours two are greys, and one of those has to be the cursor row: text on it must be no grey.
DARK_16 = DARK_ROLES | {"text": "#ffffff"}
LIGHT_16 = LIGHT_ROLES | {"text": "#000000", "panel": "#aaaaaa"}


def themes(color_system: str) -> tuple[Theme, ...]:
    """The app's own two, for a terminal with 256 colours (`256`) or with 16 (`standard`)."""
    if color_system == "256":
        return build("quarterdeck", DARK_256, dark=True), build("quarterdeck-light", LIGHT_256, dark=False)
    return build("quarterdeck", DARK_16, dark=True), build("quarterdeck-light", LIGHT_16, dark=False)


def settle(variables: Mapping[str, str], color_system: str) -> dict[str, str]:
    """The variables of any theme with each opaque colour replaced by the nearest one that the terminal has.

    With 16 colours nothing is replaced: how they look is up to the terminal.
    """
    if color_system != "256":
        return dict(variables)
    settled = {name: _nearest(value) if _OPAQUE.fullmatch(value) else value for name, value in variables.items()}
    if settled["cursor"] == settled["background"]:
        settled["cursor"] = _spelt(_grey_beside(variables["cursor"], settled["background"]))
    return settled


@lru_cache(maxsize=1024)
def _nearest(color: str) -> str:
    return _spelt(nearest(*bytes.fromhex(color[1:])))


def _grey_beside(color: str, taken: str) -> int:
    """The nearest grey that is not the one that is taken already, which another colour came to be."""
    lightness = sum(bytes.fromhex(color[1:])) / 3
    greys = [number for number in range(232, 256) if _spelt(number) != taken]
    return min(greys, key=lambda number: abs(GREYS[number - 232] - lightness))


def _spelt(number: int) -> str:
    """The value that Rich sends a number for."""
    if number < 232:
        return xterm(number)
    # Rich takes the grey number n for a lightness of (n - 231) / 25; from 247 on that is not the colour's own.
    return "#" + f"{round((number - 231) * 10.2):02x}" * 3


def nearest(red: int, green: int, blue: int) -> int:
    """The number, from 16 to 255, of the colour that differs least."""
    wanted = (red, green, blue)
    levels = [min(range(6), key=lambda level: abs(LEVELS[level] - part)) for part in wanted]
    grey = min(range(24), key=lambda n: abs(GREYS[n] - sum(wanted) / 3))

    def distance(shown: tuple[int, ...]) -> int:
        return sum((one - other) ** 2 for one, other in zip(shown, wanted, strict=True))

    # The greys among the mixed colours cannot be reached through Rich, except black and white.
    mixed = tuple(LEVELS[level] for level in levels)
    reachable = len(set(levels)) > 1 or levels[0] in (0, 5)
    if reachable and distance(mixed) <= distance((GREYS[grey],) * 3):
        return 16 + 36 * levels[0] + 6 * levels[1] + levels[2]
    return 232 + grey
