"""Which file of a project an import leads to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from app.testing.imports import Imported, Scanned

DIRECT = 1
IMPLICIT = 2
"""Importing a.b runs a/__init__.py too. That is a connection, though seldom the one that matters."""
HUB = 2
"""What an __init__.py gathers from its package is farther away than what is imported by its own name."""
_MOST_HOPS = 5
_SOURCE_FOLDERS = frozenset({"src", "lib", "python"})


class Modules:
    """The modules of a project by file and by name. Built once for a set of files, then only read."""

    def __init__(self, files: Mapping[str, Scanned], import_roots: Iterable[str] = ()) -> None:
        self._files = files
        self._bindings: dict[str, dict[str, tuple[Imported, str]]] = {}
        packages = {path.rpartition("/")[0] for path in files if path.rpartition("/")[2] == "__init__.py"}
        roots = {"", *import_roots}
        for folder in {path.rpartition("/")[0] for path in files}:
            roots.add(_import_root(folder, packages))
            parts = folder.split("/")
            roots.update("/".join(parts[: i + 1]) for i, part in enumerate(parts) if part in _SOURCE_FOLDERS)
        self._by_name: dict[str, list[str]] = {}
        for path in sorted(files):
            for name in _names(path, roots):
                self._by_name.setdefault(name, []).append(path)

    def edges(self, path: str) -> dict[str, int]:
        """The project's files that this one imports, with how far away each is."""
        edges: dict[str, int] = {}
        for imported in self._files[path].imports:
            self._follow(path, imported, edges)
        package = self._module(path.rpartition("/")[0]) if not path.endswith("__init__.py") else None
        if package is not None:
            edges.setdefault(package, IMPLICIT)
        edges.pop(path, None)
        if path.endswith("__init__.py"):
            inside = path[: -len("__init__.py")]
            return {
                target: cost + HUB - DIRECT if target.startswith(inside) else cost for target, cost in edges.items()
            }
        return edges

    def forget(self, path: str) -> None:
        """The imports of this file are not what they were."""
        self._bindings.pop(path, None)

    def _follow(self, path: str, imported: Imported, edges: dict[str, int]) -> None:
        if not imported.names:
            self._follow_module(path, imported, edges)
            return
        base = self._base(path, imported)
        for name, _alias in imported.names:
            target = self._submodule(path, imported, base, name)
            if target is not None:
                _add(edges, target, DIRECT)
                if base is not None:
                    _add(edges, base, IMPLICIT)
            elif base is not None:
                _add(edges, base, DIRECT)
                self._follow_name(base, name, edges)
        if base is not None and not imported.level:
            self._add_packages(path, imported.module, edges)

    def _follow_module(self, path: str, imported: Imported, edges: dict[str, int]) -> None:
        name = imported.module
        while name:
            target = self._find(name, path)
            if target is not None:
                _add(edges, target, DIRECT)
                break
            name = name.rpartition(".")[0]
        self._add_packages(path, name, edges)
        # `import a.b` without a new name makes the file say `a.…`.
        for attribute in imported.used:
            for spoken in dict.fromkeys((imported.module, imported.module.partition(".")[0])):
                target = self._find(spoken, path)
                if target is not None and target.endswith("__init__.py"):
                    inner = self._module(f"{_module_path(target)}/{attribute}")
                    if inner is not None:
                        _add(edges, inner, DIRECT + 1)
                    else:
                        self._follow_name(target, attribute, edges)

    def _follow_name(self, path: str, name: str, edges: dict[str, int]) -> None:
        """From a package that only passes a name on to the module that defines it."""
        for hops in range(1, _MOST_HOPS):
            binding = self._bindings_of(path).get(name)
            if binding is None:
                return
            imported, name = binding
            base = self._base(path, imported)
            target = self._submodule(path, imported, base, name)
            if target is not None:
                _add(edges, target, DIRECT + hops)
                return
            if base is None or base == path:
                return
            _add(edges, base, DIRECT + hops)
            path = base

    def _bindings_of(self, path: str) -> dict[str, tuple[Imported, str]]:
        known = self._bindings.get(path)
        if known is None:
            known = {
                alias or name: (imported, name)
                for imported in sorted(self._files[path].imports, key=lambda item: (item.level, item.module))
                for name, alias in imported.names
            }
            self._bindings[path] = known
        return known

    def _base(self, path: str, imported: Imported) -> str | None:
        """The file of the module that names are taken from."""
        if not imported.level:
            return self._find(imported.module, path)
        folder = self._folder(path, imported.level)
        inner = imported.module.replace(".", "/")
        return self._module("/".join(part for part in (folder, inner) if part))

    def _submodule(self, path: str, imported: Imported, base: str | None, name: str) -> str | None:
        if base is not None:
            return self._module(f"{_module_path(base)}/{name}") if base.endswith("__init__.py") else None
        if imported.level:
            inner = imported.module.replace(".", "/")
            return self._module("/".join(part for part in (self._folder(path, imported.level), inner, name) if part))
        return self._find(f"{imported.module}.{name}", path)

    def _folder(self, path: str, level: int) -> str:
        for _ in range(level):
            path = path.rpartition("/")[0]
        return path

    def _module(self, module_path: str) -> str | None:
        for path in (f"{module_path}/__init__.py" if module_path else "__init__.py", f"{module_path}.py"):
            if path in self._files:
                return path
        return None

    def _find(self, name: str, importer: str) -> str | None:
        candidates = self._by_name.get(name)
        if not candidates:
            return None
        folder = importer.rpartition("/")[0]
        if name.partition(".")[0] in sys.stdlib_module_names:
            candidates = [path for path in candidates if path.rpartition("/")[0] == folder and "." not in name]
            return candidates[0] if candidates else None
        if len(candidates) == 1:
            return candidates[0]
        return min(candidates, key=lambda path: (-_shared(path, importer), len(path), path))

    def _add_packages(self, path: str, name: str, edges: dict[str, int]) -> None:
        while "." in name:
            name = name.rpartition(".")[0]
            package = self._find(name, path)
            if package is not None:
                _add(edges, package, IMPLICIT)


def _add(edges: dict[str, int], target: str, cost: int) -> None:
    if cost < edges.get(target, cost + 1):
        edges[target] = cost


def _import_root(folder: str, packages: set[str]) -> str:
    """The folder that has to be on sys.path for what is in `folder`: the first one above it that is no package."""
    while folder in packages and folder:
        folder = folder.rpartition("/")[0]
    return folder


def _names(path: str, roots: set[str]) -> list[str]:
    module = _module_path(path)
    names = []
    root = path
    while root:
        root = root.rpartition("/")[0]
        if root in roots:
            name = module[len(root) + 1 :] if root else module
            if name:
                names.append(name.replace("/", "."))
    return names


def _module_path(path: str) -> str:
    return path.removesuffix("/__init__.py") if path.endswith("/__init__.py") else path.removesuffix(".py")


def _shared(path: str, other: str) -> int:
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count
