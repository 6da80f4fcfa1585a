"""The files that a fix writes: a `.gitignore` after what is in the repository, and a licence."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PYTHON = (
    "__pycache__/",
    "*.py[cod]",
    "*.egg-info/",
    "/.venv/",
    "/dist/",
    "/.pytest_cache/",
    "/.mypy_cache/",
    "/.ruff_cache/",
)
_KINDS = (
    (("pyproject.toml", "setup.py", "requirements.txt"), (".py",), _PYTHON),
    (("package.json",), (".js", ".ts"), ("node_modules/", "npm-debug.log*")),
    (("Cargo.toml",), (".rs",), ("/target/",)),
    (("pom.xml", "build.gradle", "build.gradle.kts"), (".java", ".kt"), ("*.class", "/build/", "/.gradle/")),
    (("CMakeLists.txt", "Makefile"), (".c", ".cpp"), ("*.o", "/build/")),
)
_ALWAYS = (".DS_Store", "*.swp")

_MIT = """\
MIT License

Copyright (c) {year} {holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def gitignore(paths: Iterable[str]) -> str:
    """Lines for the languages that the tracked files are in; none that would ignore one of them."""
    listed = list(paths)
    names = {path for path in listed if "/" not in path}
    lines = list(_ALWAYS)
    for markers, endings, patterns in _KINDS:
        if names.intersection(markers) or any(path.endswith(endings) for path in listed):
            lines += patterns
    return "".join(f"{line}\n" for line in dict.fromkeys(lines) if not _names_one(line, listed))


def ignore_line(path: str) -> str:
    """The line of a top `.gitignore` that names exactly this path; empty for what no line can hold."""
    if "\n" in path or "\r" in path:
        return ""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", path)
    kept = escaped.rstrip(" ")
    return "/" + kept + "\\ " * (len(escaped) - len(kept))


def mit(holder: str, year: int) -> str:
    """The MIT License."""
    return _MIT.format(year=year, holder=" ".join(holder.split()))


def _names_one(line: str, paths: Iterable[str]) -> bool:
    """Whether a line of ours would ignore a path: each of them is a name, with `*` and a class at most."""
    name = line.strip("/")
    pattern = re.compile(re.escape(name).replace(r"\*", "[^/]*").replace(r"\[cod\]", "[cod]"))
    folder = line.endswith("/")
    for path in paths:
        components = path.split("/")
        candidates = components[:-1] if folder else components
        if line.startswith("/"):
            candidates = candidates[:1]
        if any(pattern.fullmatch(component) for component in candidates):
            return True
    return False
