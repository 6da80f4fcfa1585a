"""Inside a real tmux: what `y` copies can be pasted there."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.e2e.house import House
from tests.e2e.program import clean_environment, qd
from tests.e2e.terminal import Terminal
from tests.waiting import until

pytestmark = pytest.mark.e2e

DETAIL = r"╭─ ✓ test_price_of_one"
OPTIONS = "set -g status off\nset -g escape-time 0\nset -g set-clipboard on\n"


async def test_a_copied_node_id_is_in_the_newest_buffer(house: House) -> None:
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("tmux is not installed: install it to check copying inside it")
    house.configure(house.project(), tests="on_start = false")
    options = house.folder / "tmux.conf"
    options.write_text(OPTIONS)
    tmux = [program, "-S", str(house.folder / "socket")]
    env = clean_environment(house.home) | {"TMUX": ""}

    def buffer() -> str:
        done = subprocess.run([*tmux, "show-buffer"], env=env, capture_output=True, text=True, timeout=20)
        return done.stdout

    command = [*tmux, "-f", options, "new-session", *qd("--config", house.config)]
    with Terminal(command, home=house.home, cwd=house.folder, env={"TMUX": ""}) as terminal:
        terminal.wait_for(r"a runs all")
        terminal.press("a")
        terminal.wait_for(r"✓4 all green in")
        terminal.press("j", "y")
        terminal.wait_for(r"Copied the node id")
        await until(lambda: buffer() == "tests/test_pricing.py::test_price_of_one", within=20.0, what="the copied text")
        terminal.wait_for(DETAIL)
        unfocused = terminal.colours(DETAIL)
        terminal.press("tab")
        await until(lambda: terminal.colours(DETAIL) != unfocused, what="the keyboard in the detail panel")
        terminal.press("y")
        await until(lambda: buffer().startswith("✓ passed in"), within=20.0, what="the detail's text")
        terminal.press("q")
        assert terminal.wait() == 0
