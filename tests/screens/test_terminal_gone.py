"""Whether a terminal is still there."""

from __future__ import annotations

import os
import pty

from screens.lasting_driver import gone


def test_a_terminal_whose_other_end_is_closed_is_gone() -> None:
    master, terminal = pty.openpty()
    assert not gone(terminal)
    os.write(master, b"typed")
    assert not gone(terminal)
    os.close(master)
    assert gone(terminal)
    os.close(terminal)
