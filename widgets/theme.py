"""The two themes of the app, and the colour roles that every other theme must answer too.

Style sheets and `Content` name roles, never values. Beyond Textual's own variables (`$background`, `$surface`,
`$panel`, `$foreground`, `$accent`, `$success`, `$warning`, `$error`) these exist in every theme:

- `$text-muted`: labels, evidence, whatever steps back but must be read
- `$muted`: lines, dots and separators (3:1 is enough for those; text uses `$text-muted`)
- `$info`, `$special`: the two remaining hues
- `$ink`: text on `$accent`
- `$cursor`: the row under the cursor, across its whole width
"""

from __future__ import annotations

from collections.abc import Collection

from textual.color import Color
from textual.theme import Theme

DARK_ROLES = {
    "text": "#c7ccd6",
    "text-muted": "#8792a3",
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
LIGHT_ROLES = {
    "text": "#2a3140",
    "text-muted": "#555e6f",
    "accent": "#835400",
    "info": "#005f9e",
    "success": "#2a6b12",
    "warning": "#9a4200",
    "error": "#b01e33",
    "special": "#7031b8",
    "background": "#f4f2ec",
    "surface": "#fbfaf6",
    "panel": "#dfdcd3",
    "muted": "#7b8290",
}
TEXT_ROLES = ("text", "text-muted", "accent", "info", "success", "warning", "error", "special")
GROUNDS = ("background", "surface", "panel")


ANSI_ROLES = {
    "muted": "ansi_bright_black",
    "info": "ansi_bright_blue",
    "special": "ansi_bright_magenta",
    "ink": "ansi_black",
    "cursor": "ansi_bright_black",
}


def build(name: str, roles: dict[str, str], *, dark: bool) -> Theme:
    """A theme from the colours of its roles."""
    return Theme(
        name=name,
        dark=dark,
        primary=roles["accent"],
        secondary=roles["info"],
        accent=roles["accent"],
        foreground=roles["text"],
        background=roles["background"],
        surface=roles["surface"],
        panel=roles["panel"],
        boost=roles["surface"],
        success=roles["success"],
        warning=roles["warning"],
        error=roles["error"],
        variables={
            "text": roles["text"],
            "text-muted": roles["text-muted"],
            "text-disabled": roles["muted"],
            "text-primary": roles["accent"],
            "text-secondary": roles["info"],
            "text-accent": roles["accent"],
            "text-success": roles["success"],
            "text-warning": roles["warning"],
            "text-error": roles["error"],
            "foreground-muted": roles["text-muted"],
            "foreground-disabled": roles["muted"],
            "muted": roles["muted"],
            "info": roles["info"],
            "special": roles["special"],
            "ink": roles["background"],
            "cursor": roles["panel"],
            "border": roles["accent"],
            "border-blurred": roles["panel"],
            "block-cursor-foreground": roles["text"],
            "block-cursor-background": roles["panel"],
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-foreground": roles["text"],
            "block-cursor-blurred-background": roles["panel"],
            "block-hover-background": roles["surface"],
            "footer-foreground": roles["text-muted"],
            "footer-background": roles["background"],
            "footer-key-foreground": roles["accent"],
            "footer-description-foreground": roles["text-muted"],
            "input-selection-background": roles["panel"],
            "screen-selection-background": roles["panel"],
            "scrollbar": roles["panel"],
            "scrollbar-hover": roles["muted"],
            "scrollbar-active": roles["accent"],
            "scrollbar-background": roles["background"],
            "scrollbar-corner-color": roles["background"],
            "link-color": roles["info"],
            "link-background-hover": roles["panel"],
            "link-color-hover": roles["info"],
        },
    )


QUARTERDECK = build("quarterdeck", DARK_ROLES, dark=True)
QUARTERDECK_LIGHT = build("quarterdeck-light", LIGHT_ROLES, dark=False)
THEMES = (QUARTERDECK, QUARTERDECK_LIGHT)


def role_defaults(theme: Theme) -> dict[str, str]:
    """Our roles for a theme that knows nothing of them, derived from the colours that it has."""
    if theme.ansi:
        return dict(ANSI_ROLES)
    accent = Color.parse(theme.accent or theme.primary)
    foreground = Color.parse(theme.foreground or ("#e0e0e0" if theme.dark else "#202020"))
    background = Color.parse(theme.background or ("#121212" if theme.dark else "#efefef"))
    panel = Color.parse(theme.panel) if theme.panel else background.blend(foreground, 0.12)
    return {
        "text": foreground.hex6,
        "text-muted": foreground.blend(background, 0.3).hex6,
        "muted": foreground.blend(background, 0.5).hex6,
        "info": theme.primary,
        "special": theme.secondary or theme.primary,
        "ink": accent.get_contrast_text(1.0).hex6,
        "cursor": panel.hex6,
    }


def complete(theme: Theme, variables: dict[str, str]) -> dict[str, str]:
    """A theme's variables with all of our roles, in values that `Content` can use too (it knows no `auto 60%`)."""
    for role, value in role_defaults(theme).items():
        if variables.get(role, "auto").startswith("auto"):
            variables[role] = value
    return variables


def unknown_theme(name: str, known: Collection[str]) -> str:
    """What to say of a theme that there is not, with the nearest that there is."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"no theme is called {name!r}" + (f"; did you mean {near[0]}?" if near else "")
