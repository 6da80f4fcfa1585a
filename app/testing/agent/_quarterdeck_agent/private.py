"""Parts of the standard library that the agent needs and plain pytest does not load: out of the tests' sight.

A project may have modules of its own under these names. The agent keeps its references; whoever imports such a name
later gets what the run's own path holds, and a package that is loaded ahead of a run gets a copy that runs share.
"""

from __future__ import annotations

import sys

NAMES = frozenset(("ctypes", "hashlib", "resource", "sysconfig"))
_before = NAMES.intersection(sys.modules)


def hide() -> None:
    """Forget the modules that were not there when the interpreter had started."""
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top in NAMES and top not in _before:
            del sys.modules[name]
