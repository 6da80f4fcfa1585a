"""Which theme is shown: the configured one or the one chosen in the app, in the colours that the terminal has."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.config.lookup import locate
from app.quick import Chosen, Quick, quick
from screens import faults
from widgets.theme import THEMES, complete, unknown_theme

if TYPE_CHECKING:
    from textual.theme import Theme

log = logging.getLogger(__name__)


class Themed(faults.Containing):
    """An app with themes of its own, whose choice of a theme outlasts it."""

    _settle: Callable[[dict[str, str]], dict[str, str]] | None = None

    def __init__(
        self, quick: Quick, config: Path | None, *, contain_faults: bool | None = None, fit_colours: bool = False
    ) -> None:
        """`config`: the configuration that the choice is kept for; None means the usual one.

        `fit_colours`: keep to the colours that the terminal has. Without it the palettes are the same everywhere.
        """
        super().__init__(contain_faults)
        self.quick = quick
        self._config = config
        self._configured_theme = quick.theme
        self._chosen = quick.chosen
        self._own_theme = ""
        for theme in self._own_themes(fit_colours):
            self.register_theme(theme)
        self.use_theme(quick.theme)
        self._variables = self.get_css_variables()
        self.stylesheet.set_variables(self._variables)

    def tell_theme(self, text: str) -> None:
        """Say what is wrong with the configured theme; empty when nothing is."""
        raise NotImplementedError

    def _own_themes(self, fit_colours: bool) -> tuple[Theme, ...]:
        system = self.console.color_system
        if not fit_colours or system not in ("256", "standard"):
            return THEMES
        from widgets import few_colours

        self._settle = partial(few_colours.settle, color_system=system)
        return few_colours.themes(system)

    def get_css_variables(self) -> dict[str, str]:
        variables = complete(self.current_theme, super().get_css_variables())
        self.theme_variables = self._settle(variables) if self._settle is not None else variables
        return self.theme_variables

    def refresh_css(self, animate: bool = True) -> None:
        """Style everything anew when the theme's values differ from those in use; Textual asks at every start."""
        variables = self.get_css_variables()
        if variables != self._variables:
            self._variables = variables
            super().refresh_css(animate)

    def use_theme(self, configured: str) -> None:
        """Show the theme that was chosen in the app, as long as it was chosen over this very one; else this one."""
        self._configured_theme = configured
        known, chosen = self.available_themes, self._chosen
        self.tell_theme("" if configured in known else f"ui.theme: {unknown_theme(configured, known)}")
        if chosen is not None and chosen.instead_of == configured and chosen.theme in known:
            self._set_theme(chosen.theme)
        else:
            self._set_theme(configured if configured in known else THEMES[0].name)

    def end_choice(self, configured: str) -> None:
        """Forget the choice when the configuration has been changed since; a variable of the environment is no change.

        Reads the file: not for the time before the first frame.
        """
        chosen = self._chosen
        if chosen is None or configured == chosen.instead_of:
            return
        if quick(locate(self._config).path, {}).theme != chosen.instead_of:
            self._keep_choice(None)

    def watch_theme(self, theme: str) -> None:
        """Keep a theme that was chosen by hand. The file is small, and a change of theme paints all anew anyway."""
        by_hand, self._own_theme = self.is_running and theme != self._own_theme, theme
        if by_hand:
            same = theme == self._configured_theme
            self._keep_choice(None if same else Chosen(theme, instead_of=self._configured_theme))

    def _keep_choice(self, chosen: Chosen | None) -> None:
        from app.chosen import keep

        self._chosen = chosen
        try:
            keep(locate(self._config).path, chosen)
        except OSError as error:
            log.warning("the chosen theme could not be kept", exc_info=True)
            self.notify(f"For this session: it could not be kept ({error.strerror}).", severity="warning", markup=False)

    def _set_theme(self, name: str) -> None:
        self._own_theme = name
        if self.is_running:
            self.theme = name
        else:
            self.set_reactive(Themed.theme, name)
