"""Which modules are installed rather than edited, and so may be loaded before a run."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from types import ModuleType
from typing import List, Tuple

# Imported after the fork only: they tie the process they are imported in to a loop, a display or threads of their own.
UNSAFE = frozenset(
    "antigravity eventlet gevent gi idlelib jax jaxlib pygame PyQt5 PyQt6 PySide2 PySide6 ray sip"
    " sitecustomize tensorflow test this tkinter turtle twisted usercustomize wx xdist".split()
)


def roots() -> Tuple[str, ...]:
    """Folders of the standard library and of installed packages, with a separator at the end."""
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths]
    found += getattr(site, "getsitepackages", list)()
    found.append(site.getusersitepackages() if hasattr(site, "getusersitepackages") else "")
    found += [entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")]
    real = {os.path.realpath(path) for path in found if path} | {os.path.abspath(path) for path in found if path}
    return tuple(sorted(path.rstrip(os.sep) + os.sep for path in real))


def is_installed(path: str, project: str, installed: Tuple[str, ...]) -> bool:
    """Whether a file is the standard library's or an installed package's, and so is not edited while we watch."""
    path = os.path.abspath(path)
    prefix = project.rstrip(os.sep) + os.sep
    holding = [root for root in installed if path.startswith(root)]
    if path.startswith(prefix):
        # A virtual environment inside the project is installed; a project inside site-packages is not.
        holding = [root for root in holding if root.startswith(prefix)]
    return bool(holding)


def recordable(project: str) -> List[str]:
    """Names of the loaded modules that a later server may import ahead of time, in the order of their import."""
    installed = roots()
    names: List[str] = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        top = name.partition(".")[0]
        if not isinstance(module, ModuleType) or spec is None or spec.name != name:
            continue
        path = spec.origin if spec.has_location else None
        if not path or top in UNSAFE or top.startswith(("_quarterdeck", "__editable__")):
            continue
        if type(spec.loader).__name__ == "AssertionRewritingHook":
            continue
        if is_installed(path, project, installed):
            names.append(name)
    return names
