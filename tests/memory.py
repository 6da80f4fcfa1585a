"""How much memory a process has taken."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path


def peak_kb() -> int:
    """The most memory (RSS) that this process has had, in KiB.

    Linux's own count of the process: that of `getrusage` begins with what the parent had when it started this one.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most
