"""Migrations in a process of their own: Alembic is needed once, and would stay with its 12 MB for as long as the app
is open."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from sqlalchemy.engine import URL

from app.db import urls
from app.db.faults import UnavailableError

# Not `-m`: that would look for `app` in the current folder first, which is somebody's project.
PROGRAM = "import sys; sys.path[0] = sys.argv[1]; from app.db.apart import main; main()"


class Apart:
    """Brings the tables of one database up to date, in another process."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def upgrade(self) -> None:
        """Wait for the other process. What keeps it from its work is not told: whoever tries then finds it, too.

        Does nothing where Alembic is loaded here already. Raises UnavailableError when the process was ended.
        """
        if "alembic" in sys.modules:
            return
        with self._lock:
            if self._closed:
                raise self._ended()
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[2])],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        # Over the pipe: others can read the arguments and the environment of a process, and the URL has a password.
        self._process.communicate(self._url.render_as_string(hide_password=False))
        if self._process.returncode < 0:
            raise self._ended()

    def close(self) -> None:
        """End what is under way; the next start begins it anew."""
        with self._lock:
            self._closed = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def _ended(self) -> UnavailableError:
        return UnavailableError(
            "the tables were not brought up to date: the process that does it was ended",
            where=urls.masked(self._url),
            fix="try again, or run `qd db upgrade`",
        )


def main() -> None:
    """The other process: takes the URL from its standard input."""
    from app.db.engine import Database

    Database(sys.stdin.read()).upgrade()
