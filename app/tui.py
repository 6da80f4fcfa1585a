"""The app: theme, keys, the start of the engine, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

import screens
from app.errors import UserError
from app.events import Badge, DataMove, LoopLag, RetrainEnded, SettingsChanged, StorageChanged
from app.probe import LoopProbe
from app.quick import Quick, quick
from screens import faults
from screens.areas import AREAS, Area, load
from screens.global_keys import EVERYWHERE, area_bindings
from screens.shell import Shell
from screens.themed import Themed
from widgets import hints

if TYPE_CHECKING:
    from textual.binding import Keymap
    from textual.driver import Driver
    from textual.screen import Screen

    from app.settings import Settings
    from app.stalls import StallLog
    from screens.base import Pane
    from widgets.keymap import KeyInfo

log = logging.getLogger(__name__)

FRAME_S = 0.03
"""Time for the terminal to get the first frame before the imports compete with it."""
CLOSE_S = 10.0
TELL_S = 0.4
"""Closing that takes longer than this says what it waits for."""

NOTICES = ("config", "keys", "theme", "warnings", "data")
"""Kinds of notices, the worst first."""


class Quarterdeck(Themed, inherit_bindings=False):
    """The frame in which all areas live."""

    TITLE = "quarterdeck"
    CSS_PATH = Path(screens.__path__[0]) / "shell.tcss"
    ENABLE_SELECT_AUTO_SCROLL = False

    COMMANDS: ClassVar[set[Any]] = {partial(load, "screens.palette:AllCommands")}
    BINDINGS: ClassVar[list[BindingType]] = [*area_bindings(AREAS), *EVERYWHERE]

    def __init__(
        self,
        quick: Quick | None = None,
        *,
        config: Path | None = None,
        runtime: Any = None,
        areas: tuple[Area, ...] = AREAS,
        contain_faults: bool | None = None,
        fit_colours: bool = False,
    ) -> None:
        """A given `runtime` is used as it is: neither started nor closed.

        `contain_faults`: see `faults.Containing`; `fit_colours`: see `Themed`.
        """
        found = quick or Quick()
        self._notices: dict[str, str] = {}
        super().__init__(found, config or found.config_path, contain_faults=contain_faults, fit_colours=fit_colours)
        self.areas = areas
        self.runtime: Any = None
        self.engine_ready = asyncio.Event()
        self.probe = LoopProbe(self._late)
        self._stalls: StallLog | None = None
        self.animation_level = "none"
        self._given_runtime = runtime
        self._config_error = ""
        if self.quick.keys:
            self.set_keymap(self.quick.keys)
        self.shell = Shell(areas, start=self.quick.start, clock=self.quick.clock)

    def get_default_screen(self) -> Screen[None]:
        return self.shell

    def on_ready(self) -> None:
        """The first frame is painted: now the rest may come."""
        self.probe.start()
        if self.is_headless:
            self.start_engine()
            return
        gc.freeze()
        gc.enable()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))
        self.set_timer(FRAME_S, self.start_engine)

    def start_engine(self) -> None:
        """Import, build and start the engine beside the running screen; nothing where that is under way."""
        if any(worker.group == "engine" and not worker.is_finished for worker in self.workers):
            return
        self.shell.clear_problem()
        self.run_worker(self._start_engine(), name="engine", group="engine", exit_on_error=False)

    async def _start_engine(self) -> None:
        try:
            if self._given_runtime is not None:
                self.runtime = self._given_runtime
            else:
                from app import boot

                self.runtime = await asyncio.to_thread(boot.create, self._config)
            self.shell.log_path = getattr(self.runtime, "log_path", None)
            self._watch_stalls()
            self._follow(self.runtime.bus)
            if self._given_runtime is None:
                await self.runtime.start()
            await self._apply(self.runtime.settings)
        except Exception as error:
            await self._close_engine()
            self._engine_failed(error)
            return
        self.shell.attach(self.runtime)
        self._notice_warnings()
        self.engine_ready.set()
        if not self.is_headless:
            # A full collection would stop everything for 60 to 110 ms here; what is left over is not worth that.
            gc.collect(1)
            gc.freeze()

    def _watch_stalls(self) -> None:
        if not self.is_headless and self._stalls is None and self.shell.log_path is not None:
            from app.stalls import FILE_NAME, StallLog

            self._stalls = StallLog(self.shell.log_path.with_name(FILE_NAME))
            self.probe.alive = self._stalls.alive

    def _engine_failed(self, error: Exception) -> None:
        from screens.editor import open_in_editor
        from screens.problem import Issue, Problem, issues_of

        if isinstance(error, UserError):
            title, issues = "The configuration cannot be used", issues_of(error)
        else:
            where = faults.shown(self.record(error, "the engine did not start"))
            title, issues = "The engine did not start", (Issue(faults.headline(error), f"traceback in {where}"),)
        edit = partial(open_in_editor, self)
        self.shell.show_problem(Problem(title, issues, retry=self.start_engine, edit=edit, file=self._config))

    def _follow(self, bus: Any) -> None:
        bar = self.shell.bar
        bus.subscribe(Badge, bar.set_badge)
        bus.subscribe(StorageChanged, bar.set_storage)
        bus.subscribe(SettingsChanged, self._settings_changed)
        bus.subscribe(DataMove, self._data_moves)
        bus.subscribe(RetrainEnded, self._retrained)

    def _retrained(self, event: RetrainEnded) -> None:
        self.notify(event.text, severity="information" if event.ok else "error", markup=False)

    def _data_moves(self, event: DataMove) -> None:
        from screens.data_copy import notice

        self._notice("data", notice(event))
        if event.state == "done":
            self.notify(f"{event.rows:,} rows are on the server", markup=False)

    async def _settings_changed_now(self) -> None:
        await self._apply(self.runtime.settings)
        self.shell.attach(self.runtime)
        self._notice_warnings()

    def _notice_warnings(self) -> None:
        self._notice("warnings", "\n".join(getattr(self.runtime, "warnings", ())))

    def _settings_changed(self, event: SettingsChanged) -> None:
        self._config_error = event.error
        self._notice("config", event.error.partition("\n")[0])
        if not event.error:
            self._applying: Any = self.run_worker(self._settings_changed_now, group="settings", exclusive=True)

    async def _apply(self, settings: Settings) -> None:
        self.end_choice(settings.ui.theme)
        self.use_theme(settings.ui.theme)
        self.shell.bar.show_clock(settings.ui.clock)
        if not settings.keys:
            self.set_keymap({})
            self._notice("keys", "")
            return
        from widgets.keymap import resolve

        resolved = resolve(settings.keys, await asyncio.to_thread(known_bindings))
        self.set_keymap(resolved.keymap)
        self._notice("keys", "\n".join(resolved.problems))

    def tell_theme(self, text: str) -> None:
        self._notice("theme", text)

    def _notice(self, kind: str, text: str) -> None:
        """Keep one message of this kind; the worst shows in the tab bar, with the number of the others."""
        self._notices.pop(kind, None)
        if text:
            self._notices[kind] = text
        if self.is_running:
            lines = [line for kind in NOTICES for line in self._notices.get(kind, "").splitlines()]
            self.shell.bar.set_notice(lines[0] if lines else "", len(lines) - 1)

    def _late(self, seconds: float) -> None:
        if self.runtime is not None:
            self.runtime.bus.publish(LoopLag(seconds))

    # What the keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "problems":
            return bool(self._notices)
        if action == "copy_data":
            moving = getattr(self.runtime, "moving", None)
            return moving is not None and moving.state.state != "none"
        return super().check_action(action, parameters)

    def action_open_area(self, area: str) -> None:
        """Show an area."""
        self.shell.open_area(area)

    def action_rerun_failed(self) -> None:
        """Rerun failed tests of all projects."""
        if self.engine_ready.is_set():
            self.runtime.testing.run_failed()
        else:
            self.notify("Tests cannot run yet", timeout=2)

    def action_new_draft(self) -> None:
        """Begin a draft from a template, whatever is on screen."""
        if self.screen is not self.shell or self.shell.problem is not None:
            return
        self.shell.open_area("content")
        new_draft = getattr(self.shell.pane, "new_draft", None)
        if new_draft is not None and self.shell.pane is not None:
            self.shell.pane.call_later(new_draft)

    def action_command_palette(self) -> None:
        """Open the palette."""
        from screens.palette import Palette

        if self.screen is self.shell:
            self.push_screen(Palette(id="--command-palette"))

    def action_help(self) -> None:
        """Show the keys in force."""
        from screens.help import Help

        pane = self.shell.problem or self.shell.pane
        if self.screen is self.shell and pane is not None:
            self.push_screen(Help(self.screen.active_bindings, title=pane.TITLE, about=pane.HELP))

    def set_keymap(self, keymap: Keymap) -> None:
        """Put other keys in force, also in hints."""
        hints.rebind(keymap)
        super().set_keymap(keymap)

    def get_driver_class(self) -> type[Driver]:
        from screens import alt_keys, lasting_driver

        return lasting_driver.lasting(alt_keys.with_alt(super().get_driver_class()))

    def copy_to_clipboard(self, text: str) -> None:
        super().copy_to_clipboard(text)
        if os.environ.get("TMUX"):
            from screens.clipboard import to_tmux

            self.run_worker(to_tmux(text), group="clipboard", exit_on_error=False)

    def action_problems(self) -> None:
        """Show what is wrong with the configuration."""
        from screens.problem import Problems

        texts = {**self._notices, "config": self._config_error}
        text = "\n".join(texts[kind] for kind in NOTICES if texts.get(kind))
        self.push_screen(Problems("Configuration problems", text, self.action_edit_config))

    def action_copy_data(self) -> None:
        """Copy what the embedded database holds to the server that took its place."""
        from screens.data_copy import DataCopy

        self.push_screen(DataCopy(self.runtime.moving, self.runtime.bus))

    def action_edit_config(self) -> None:
        """Open the configuration in the editor."""
        self._edit(self._config, "There is no configuration file yet: `qd init` writes one")

    def action_edit_log(self) -> None:
        """Open the log in the editor."""
        self._edit(self.shell.log_path, "There is no log yet")

    def _edit(self, path: Path | None, otherwise: str) -> None:
        from screens.editor import open_in_editor

        if path is None or not path.exists():
            self.notify(otherwise, markup=False)
            return
        setting = self.runtime.settings.ui.editor if self.runtime is not None else ""
        open_in_editor(self, path, setting=setting)

    async def action_reload_config(self) -> None:
        """Read the configuration again."""
        if not self.engine_ready.is_set():
            self.start_engine()
        elif not await self.runtime.reload():
            self.notify("The configuration is in force", timeout=2)

    async def action_quit(self) -> None:
        """Leave, after asking when something would be lost."""
        from screens.confirm import Confirm

        losses = self.shell.unsaved()
        if not losses:
            self.exit()
        elif not isinstance(self.screen, Confirm):
            about = "This would be lost: " + ", ".join(losses)
            question = Confirm("Quit?", about, yes="quit", no="stay", moot=lambda: not self.shell.unsaved())
            self.push_screen(question, lambda yes: self.exit() if yes else None)

    async def on_unmount(self) -> None:
        """Stop what runs; the terminal is the user's again already."""
        self.probe.stop()
        if self._stalls is not None:
            self._stalls.close()
        await self._close_engine()

    async def _close_engine(self) -> None:
        runtime, self.runtime = self.runtime, None
        if runtime is None or runtime is self._given_runtime:
            return
        closing = asyncio.ensure_future(runtime.close())
        done, _ = await asyncio.wait({closing}, timeout=TELL_S)
        if not done and not self.is_running:
            with contextlib.suppress(OSError):  # the terminal may be gone
                print("quarterdeck: stopping", file=sys.__stderr__, flush=True)
        done, _ = await asyncio.wait({closing}, timeout=CLOSE_S)
        if not done:
            log.error("closing took longer than %s s and was given up", CLOSE_S)
        elif error := closing.exception():
            log.error("closing failed", exc_info=error)

    def break_down(self, pane: Pane, error: Exception) -> None:
        self.shell.break_down(pane, error)

    def ensure_log(self) -> Path:
        from app import log as logs

        if not any(getattr(handler, "quarterdeck", False) for handler in logging.getLogger().handlers):
            logs.setup(self.quick.log)
        self.shell.log_path = logs.log_file()
        return self.shell.log_path


def known_bindings() -> tuple[KeyInfo, ...]:
    """Every action that `[keys]` can rebind, with its default keys. Imports all screens."""
    from screens.keys import collect
    from widgets.keymap import infos

    return (*infos(binding for binding in Quarterdeck.BINDINGS if isinstance(binding, Binding)), *collect())


def run(config: Path | None = None, start: str = "") -> int:
    """Open the app; returns the exit code of the program.

    Callers may have turned off garbage collection for the imports; the app turns it on after its first frame.
    """
    found = quick(config)
    app = Quarterdeck(replace(found, start=start or found.start), config=config, fit_colours=True)
    app.run()
    return app.return_code or 0
