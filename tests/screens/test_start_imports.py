"""What the first frame may load, and what the idle app, counted in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_EXTRA = 60
FORBIDDEN = {
    *("sqlalchemy", "pymysql", "httpx", "jinja2", "alembic", "pydantic", "pydantic_settings", "watchfiles", "click"),
    *("keyring", "pathspec", "pygments.lexers", "plotext", "openai", "anthropic"),
    *("app.runtime", "app.settings", "app.db"),
}
FORBIDDEN_IDLE = {
    *("alembic", "mako", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "pymysql", "httpx", "jinja2", "click"),
    *("keyring", "cryptography", "starlette", "uvicorn", "h11", "pyarrow", "rapidfuzz", "pygments.lexers.python"),
    *("app.db.copying", "app.db.contracts", "app.feedback.capture", "app.feedback.ingest"),
    *("app.feedback.receiver", "app.feedback.discord.poller", "app.feedback.discord.messages", "app.http"),
    *("app.feedback.retrain.control", "app.feedback.retrain.service", "app.feedback.retrain.contract"),
    *("screens.feedback", "screens.git", "screens.content", "screens.palette", "screens.help"),
    *("app.content.desk", "app.content.tables", "app.content.style.linter", "app.content.publishing", "markdown_it"),
}
"""Each comes with its first use: a server as the database, a channel, a pipeline, a capture, a failure to colour."""

MINIMAL = """
import sys
from textual.app import App
from textual.widgets import Footer, Header, Static

class Measured(App):
    def compose(self):
        yield Header()
        yield Static("hello")
        yield Footer()

    def on_ready(self):
        print("loaded", *sys.modules, file=sys.__stdout__)
        self.exit()

Measured().run(headless=True)
"""
OURS = """
import sys
import app.cli
from pathlib import Path
from app.quick import quick
from app.tui import Quarterdeck

class Measured(Quarterdeck):
    def start_engine(self):
        print("loaded", *sys.modules, file=sys.__stdout__)
        self.exit()

config = Path(sys.argv[1])
Measured(quick(config), config=config).run(headless=True)
"""

IDLE = """
import asyncio, sys
import app.cli
from pathlib import Path
from app.quick import quick
from app.tui import Quarterdeck

class Measured(Quarterdeck):
    async def on_ready(self):
        super().on_ready()
        self.run_worker(self.look())

    async def look(self):
        await self.engine_ready.wait()
        while self.shell.bar.state.storage is None or self.runtime.feedback.snapshot().counts is None:
            await asyncio.sleep(0.01)
        print("loaded", *sys.modules, file=sys.__stdout__)
        self.exit()

config = Path(sys.argv[1])
Measured(quick(config), config=config).run(headless=True)
"""


def loaded(code: str, *arguments: str, home: Path) -> set[str]:
    """Names of the modules that are loaded after the first frame."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL", "COVERAGE"))}
    environ |= {"QUARTERDECK_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environ, cwd=home, timeout=100
    )
    _, found, names = done.stdout.partition("loaded ")
    assert found, done.stderr
    return set(names.split())


def test_the_first_frame_loads_little_and_nothing_heavy(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[ui]\nstart = "tests"\n[keys]\n"app.help" = "f1"\n')
    last = tmp_path / "state" / "last"
    last.mkdir(parents=True)
    (last / "tests.json").write_text('{"format": 1, "projects": []}')
    base = loaded(MINIMAL, home=tmp_path)
    ours = loaded(OURS, str(config), home=tmp_path)
    assert "screens.tests" in ours, "the first area is part of the first frame"
    assert sorted(FORBIDDEN & ours) == []
    extra = sorted(ours - base)
    assert len(extra) <= MOST_EXTRA, extra


def test_the_idle_app_has_loaded_only_what_it_uses(tmp_path: Path) -> None:
    """At its first start, too: on an embedded database that has no tables yet."""
    config = tmp_path / "config.toml"
    config.write_text(f'[ui]\nstart = "tests"\n[[projects]]\nname = "small"\npath = "{tmp_path}"\n')
    idle = loaded(IDLE, str(config), home=tmp_path)
    assert "app.feedback.service" in idle, "the areas are there"
    assert sorted(FORBIDDEN_IDLE & idle) == []
