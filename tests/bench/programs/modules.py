"""Counts the modules that are loaded when an app paints its first frame: `python modules.py FILE SCRIPT ARGUMENTS…`."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

from textual.drivers.linux_driver import LinuxDriver

FRAME_BYTES = 400
"""Setting up the terminal takes less, painting it for the first time takes more."""


def main() -> None:
    """Run the script with an ear on what it writes to the terminal."""
    target, script = Path(sys.argv[1]), sys.argv[2]
    sys.argv[:] = sys.argv[2:]
    write = LinuxDriver.write

    def listening(self: LinuxDriver, data: str) -> None:
        write(self, data)
        if len(data) > FRAME_BYTES:
            LinuxDriver.write = write  # type: ignore[method-assign]  # the first frame is all that counts
            target.write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")

    LinuxDriver.write = listening  # type: ignore[method-assign]  # nothing tells of the first frame from outside
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
