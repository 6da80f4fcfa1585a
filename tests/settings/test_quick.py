"""The first frame's few settings agree with the whole ones, and no mistake keeps the app from opening."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.quick import Quick, QuickLog, quick
from app.settings import Settings, load
from tests.settings.conftest import Write

RIGHT = {
    "nothing": ("", {}),
    "file": (
        "ui = { theme = 'nord', start = 'tests', clock = false }\nkeys.'app.quit' = 'Q'\nlog = { level = 'DEBUG' }",
        {},
    ),
    "environment": (
        "[ui]\ntheme = 'nord'\n[keys]\na = 'b'",
        {
            "QUARTERDECK_UI__THEME": "gruvbox",
            "QUARTERDECK_UI__CLOCK": "off",
            "QUARTERDECK_LOG": '{"level": "ERROR"}',
            "QUARTERDECK_LOG__MAX_MB": "9",
            "QUARTERDECK_KEYS": '{"c": "d"}',
        },
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_agrees_with_the_whole_settings(case: str, write: Write) -> None:
    text, environ = RIGHT[case]
    path = write(text)
    fast, whole = quick(path, environ), load(path, environ).settings
    assert (fast.theme, fast.start, fast.clock) == (whole.ui.theme, whole.ui.start, whole.ui.clock)
    assert dict(fast.keys) == dict(whole.keys)
    assert (fast.log.level, fast.log.max_mb, fast.log.files) == (whole.log.level, whole.log.max_mb, whole.log.files)
    assert fast.config_path == path


def test_defaults_are_those_of_the_tree() -> None:
    whole = Settings()
    assert Quick(theme=whole.ui.theme, start=whole.ui.start, clock=whole.ui.clock, keys=dict(whole.keys)) == Quick()
    assert QuickLog(whole.log.level, whole.log.max_mb, whole.log.files) == QuickLog()


@pytest.mark.parametrize(
    "text",
    [
        "[ui",
        "ui = 3\nkeys = 'x'\nlog = []",
        "[ui]\ntheme = 3\nstart = []\nclock = 'big'\n[log]\nlevel = 'LOUD'\nmax_mb = 0\nfiles = 'x'\n[keys]\na = 1",
        f"a = {'[' * 5000}",
    ],
)
def test_what_is_wrong_is_default(text: str, write: Write) -> None:
    path = write(text)
    environ = {"QUARTERDECK_UI": "[", "QUARTERDECK_LOG__MAX_MB": "x"}
    assert quick(path, environ) == Quick(config_path=path)


@pytest.mark.parametrize("path", [Path("nope.toml"), Path()])
def test_a_file_that_cannot_be_read_is_no_file(path: Path) -> None:
    assert quick(path, {}) == Quick()


def test_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    assert quick(tmp_path / "config.toml", {}) == Quick(config_path=tmp_path / "config.toml")


def test_loads_nothing_but_the_standard_library() -> None:
    code = "import sys, app.quick; app.quick.quick()\n"
    code += "names = {name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
    code += "print(sorted(name for name in names if not name.startswith('_')))"
    # -S: without site-packages a library could not be found either.
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "['app']"
