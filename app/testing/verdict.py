"""In words, how a run's process ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
from pathlib import Path

_NAMES = {
    "SIGSEGV": "segmentation fault",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "arithmetic fault",
    "SIGILL": "illegal instruction",
    "SIGKILL": "killed (SIGKILL; often the system is out of memory)",
}
_READ = 1 << 20


def cause_of_death(status: int, seconds: float) -> str:
    """What a wait status means for a run that never finished its session; `seconds` is its limit where it hit one."""
    if seconds:
        return f"ended after {seconds:g} s"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            name = signal.Signals(number).name
            return _NAMES.get(name, f"ended by {name}")
        return f"ended by signal {number}"
    return f"the process ended itself with exit code {os.WEXITSTATUS(status)}"


def fingerprint(cause: str) -> str:
    """Of a death, as the agent gives one to each failure: the same for the same cause."""
    return hashlib.sha1(f"\0{cause}\0".encode()).hexdigest()[:12]


def read_output(path: str) -> str:
    """The output that was kept of a run."""
    if not path:
        return ""
    try:
        with Path(path).open("rb") as file:
            return file.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def stack_in(output: str) -> str:
    """The stack that faulthandler wrote when the process was about to die."""
    start = max(output.rfind("Fatal Python error:"), output.rfind("Timeout ("))
    return output[start:].strip()[:20_000] if start >= 0 else ""


def complaint(exit_code: int, output: str) -> str:
    """The lines in which pytest says why it could not run: for a usage error, an internal error, or no start at all."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    if exit_code == 3:
        marked = [line.partition(">")[2].strip() for line in lines if line.startswith("INTERNALERROR>")]
        return f"internal error: {marked[-1]}" if marked else "\n".join(lines[-3:])
    if exit_code == 4:
        named = [line for line in lines if ": error: " in line or (line.startswith("ERROR: ") and "usage:" not in line)]
        return "\n".join((named or lines[-6:])[:6])
    return "\n".join(lines[-6:])
