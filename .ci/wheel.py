"""Builds the wheel, installs it into an empty environment outside the checkout, and uses it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = "def test_passes():\n    assert 1 + 1 == 2\n\n\ndef test_fails():\n    assert {'bid': 1}['bid'] == 2\n"


def run(*command: str | Path, cwd: Path, env: dict[str, str], expect: int = 0) -> str:
    """Run a command; its standard output. Ends the check when the exit code is another one."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )
    if done.returncode != expect:
        sys.exit(f"{command}: exit {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def check(condition: bool, what: str) -> None:
    """Say that something holds, or end the check."""
    if not condition:
        sys.exit(f"wheel: {what}: no")
    print(f"wheel: {what}: yes")


def main() -> None:
    """Build, install, use."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-wheel-") as name:
        folder = Path(name)
        env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        env["QUARTERDECK_HOME"] = str(folder / "home")
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist", cwd=ROOT, env=env)
        (wheel,) = (folder / "dist").glob("*.whl")
        run(sys.executable, "-m", "venv", folder / "venv", cwd=folder, env=env)
        python, qd = folder / "venv/bin/python", folder / "venv/bin/qd"
        lock = ROOT / "requirements/run.txt"
        run(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock, cwd=folder, env=env)
        run(python, "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=folder, env=env)

        check(run(qd, "--version", cwd=folder, env=env).startswith("quarterdeck "), "qd --version answers")
        project = folder / "project"
        (project / "tests").mkdir(parents=True)
        (project / "tests/test_sample.py").write_text(SAMPLE)
        run(sys.executable, "-m", "venv", project / ".venv", cwd=folder, env=env)
        told = subprocess.run(
            [qd, "test", "run", "--path", project], cwd=folder, env=env, capture_output=True, text=True
        )
        check(told.returncode == 2 and "-m pip install pytest" in told.stderr, "a project without pytest is told how")
        pytest_python = str(Path(sys.executable))
        out = run(
            qd, "test", "run", "--path", project, "--python", pytest_python, "--json", cwd=folder, env=env, expect=1
        )
        counts = json.loads(out)["counts"]
        check(counts["passed"] == 1 and counts["failed"] == 1, "qd test run gives the outcomes")
        status = json.loads(run(qd, "db", "upgrade", "--json", cwd=folder, env=env))
        check(bool(status), "migrations travel inside")
        usage = run(folder / "venv/bin/qd-git-hook", "--help", cwd=folder, env=env)
        check("pre-push" in usage, "the hook program answers")
        template = "import importlib.resources as r; print(r.files('templates').joinpath('git/push.md.j2').is_file())"
        check(run(python, "-c", template, cwd=folder, env=env).strip() == "True", "templates travel inside")
        run(qd, "init", "--path", project, cwd=folder, env=env)
        run(qd, "config", "check", cwd=folder, env=env)
        probe = ROOT / "tests/e2e/open_app.py"
        seen = run(sys.executable, probe, qd, cwd=folder, env=env)
        check("Tests" in seen and "project" in seen, "the app opens and shows the project")


if __name__ == "__main__":
    main()
