"""Opens the app in a pseudo-terminal and prints the Tests screen: `python open_app.py QD_COMMAND`.

Uses the environment it is given, with `QUARTERDECK_HOME` naming the folder of the configuration. Exit code 1 when the
screen with the configured project does not come within a minute, or when the app does not leave cleanly.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.program import HOME
from tests.e2e.terminal import Terminal

LIMIT_S = 60.0


def main() -> int:
    """Open, wait, print, quit."""
    command, home = sys.argv[1:], os.environ.get(HOME, "")
    if not command or not home:
        print(f"usage: {HOME}=FOLDER python open_app.py QD_COMMAND", file=sys.stderr)
        return 2
    config = tomllib.loads((Path(home) / "config" / "config.toml").read_text(encoding="utf-8"))
    names = [project["name"] for project in config.get("projects", [])]
    with (
        tempfile.TemporaryDirectory(prefix="quarterdeck-open-") as folder,
        Terminal(command, home=Path(home), cwd=Path(folder)) as terminal,
    ):
        try:
            terminal.wait_for(r"2 Tests", LIMIT_S)
            for name in names:
                terminal.wait_for(re.escape(name), LIMIT_S)
            print(terminal.text())
            code = leave(terminal)
        except TimeoutError as error:
            print(error)
            return 1
    if code:
        print(f"the app ended with {code}", file=sys.stderr)
    return int(code != 0)


def leave(terminal: Terminal) -> int:
    """Quit, and say yes when a run under way would be lost."""
    terminal.settle(1.0)
    terminal.press("q")
    with suppress(TimeoutError):
        terminal.wait_for(r"Quit\?", 3.0)
        terminal.press("y")
    return terminal.wait(LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
