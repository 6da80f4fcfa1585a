"""Find the interpreter that runs a project's tests, and learn what it can do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import UserError
from app.testing.model import ProjectSpec

OLDEST = (3, 8)
_PROBE_TIMEOUT_S = 30.0

# Runs on any Python, however old, so that "too old" can be said with the version.
_PROBE = """
import sys, os
out = {"version": list(sys.version_info[:3]), "prefix": sys.prefix, "pytest": False, "pip": False, "site": []}
try:
    import importlib.util
    out["pytest"] = importlib.util.find_spec("pytest") is not None
    out["pip"] = importlib.util.find_spec("pip") is not None
except ImportError:
    pass
out["site"] = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
out["fork"] = hasattr(os, "fork") and sys.platform.startswith("linux")
import json
sys.stdout.write("\\n" + json.dumps(out))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that was asked and has answered. `path` is never resolved: a link into a venv means that venv."""

    path: str
    version: tuple[int, int, int]
    has_pytest: bool
    has_pip: bool
    site_packages: tuple[str, ...]
    can_fork: bool
    """Whether forking a process that has loaded native libraries is safe on its system."""

    @property
    def install_command(self) -> str:
        """The command that installs pytest for it."""
        if self.has_pip:
            return f"{self.path} -m pip install pytest"
        return f"uv pip install --python {self.path} pytest"


def environment(spec: ProjectSpec, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a project's processes: ours, the project's, and that of one run, the last one winning."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_XDIST_", "COV_CORE_"))}
    # Set by a pytest that we might ourselves be running under; not the user's wish.
    for key in ("PYTEST_CURRENT_TEST", "PYTEST_VERSION"):
        env.pop(key, None)
    if "PWD" in env:
        env["PWD"] = str(spec.path)
    return {**env, **spec.env, **(extra or {})}


async def find(spec: ProjectSpec) -> Interpreter:
    """The configured interpreter, else the project's venv, `$VIRTUAL_ENV`, our own or the first on PATH with pytest.

    Raises UserError when there is none, when it is too old, or when it has no pytest.
    """
    without_pytest: Interpreter | None = None
    for path, certain in _candidates(spec):
        found = await probe(spec, path, certain=certain)
        if found is None:
            continue
        if found.version[:2] < OLDEST:
            if not certain:
                continue
            version = ".".join(map(str, found.version))
            raise UserError(
                f"{path} is Python {version}, which is too old: running tests needs Python 3.8 or later",
                where=_key(spec),
                fix="name a newer interpreter there",
            )
        if found.has_pytest:
            return found
        if certain:
            raise _no_pytest(spec, found)
        without_pytest = without_pytest or found
    if without_pytest is not None:
        raise _no_pytest(spec, without_pytest)
    raise UserError(
        f"no Python interpreter found for {spec.path}",
        where=_key(spec),
        fix="create .venv in the project or name an interpreter there",
    )


def _key(spec: ProjectSpec) -> str:
    return f"projects[{spec.name}].python"


def _no_pytest(spec: ProjectSpec, found: Interpreter) -> UserError:
    return UserError(
        f"pytest is not installed for {found.path}", where=str(spec.path), fix=f"install it: {found.install_command}"
    )


def _candidates(spec: ProjectSpec) -> Iterator[tuple[str, bool]]:
    """Paths to try in order; True where the choice is the user's, so that a fault is told rather than passed over."""
    if spec.python:
        yield _configured(spec), True
        return
    folder = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    for base in (spec.path / ".venv", spec.path / "venv"):
        if (base / folder).exists():
            yield str(base / folder), True
            return
    active = environment(spec).get("VIRTUAL_ENV")
    if active and (Path(active) / folder).exists():
        yield str(Path(active) / folder), False
    yield sys.executable, False
    for entry in environment(spec).get("PATH", "").split(os.pathsep):
        for name in ("python3", "python"):
            path = Path(entry or ".") / name
            if path.is_file() and os.access(path, os.X_OK):
                yield str(path), False


def _configured(spec: ProjectSpec) -> str:
    wanted = Path(spec.python).expanduser()
    inside = Path(os.path.normpath(spec.path / wanted))
    if not inside.exists() and wanted.name == spec.python and (on_path := shutil.which(spec.python)):
        return on_path
    return str(inside)


async def probe(spec: ProjectSpec, path: str, *, certain: bool) -> Interpreter | None:
    """Ask an interpreter about itself. Where it is not `certain` to be the one, a fault means None."""
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "-c",
            _PROBE,
            cwd=spec.path,
            env=environment(spec),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        if not certain:
            return None
        missing = isinstance(error, FileNotFoundError)
        raise UserError(
            f"there is no Python interpreter at {path}" if missing else f"cannot start {path}: {error.strerror}",
            where=_key(spec),
            fix="correct the path"
            if spec.python
            else "create the virtual environment anew or name an interpreter there",
        ) from error
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            output, errors = await process.communicate()
    except TimeoutError:
        output, errors = b"", b"no answer within 30 s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
        answer = json.loads(output.splitlines()[-1])
        major, minor, micro = answer["version"]
        return Interpreter(
            path=path,
            version=(major, minor, micro),
            has_pytest=answer["pytest"],
            has_pip=answer["pip"],
            site_packages=tuple(answer["site"]),
            can_fork=answer["fork"],
        )
    if not certain:
        return None
    said = errors.decode("utf-8", "replace").strip().splitlines()
    raise UserError(
        f"{path} does not work as a Python interpreter" + (f": {said[0].strip()}" if said else ""),
        where=_key(spec),
        fix="create the virtual environment anew or name another interpreter there",
    )
