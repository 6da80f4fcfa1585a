"""When a server takes the place of the embedded database: offers to bring along what was stored before, and does it.

The copy is `qd db copy --from embedded --merge --keep` in a process of its own: it takes nothing from the screen, can
be ended at any moment, and goes on at the next start with what is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from pathlib import Path

from sqlalchemy import Connection, Table, func, inspect, select

from app.db import urls
from app.db.engine import Database
from app.db.types import Ulid, Word
from app.errors import UserError
from app.events import Bus, DataMove
from app.files import replace_text

log = logging.getLogger(__name__)

END_S = 5.0
LEAST_CHANGE_S = 0.5


class Moving:
    """Knows whether there is something to bring along. `memory` is the file that remembers the user's answer."""

    def __init__(self, db: Database, *, bus: Bus, memory: Path, config: Path | None = None) -> None:
        self._db = db
        self._bus = bus
        self._memory = memory
        self._config = config
        self._looking: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._cancelled = False
        self.state = DataMove("none")

    def open(self) -> None:
        """Look in the background whether to offer the copy."""
        self._looking = asyncio.create_task(self._look(), name="moving")

    def start(self) -> None:
        """Copy, or go on with a copy."""
        if self.state.state in {"offered", "failed"}:
            self._cancelled = False
            self._tell(DataMove("running", total=self.state.total))
            self._running = asyncio.create_task(self._copy(), name="moving")

    async def cancel(self) -> None:
        """Stop the copy; what has arrived stays."""
        self._cancelled = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    def decline(self) -> None:
        """Do not offer it for this server again."""
        if self.state.state in {"offered", "failed"}:
            self._remember("declined")
            self._tell(DataMove("none"))

    async def close(self) -> None:
        """End what is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self.cancel()

    async def _look(self) -> None:
        """Once the server answers, which it need not when the app starts: it may not even have the database yet."""
        up = asyncio.Event()
        unwatch = self._db.watch(lambda there, _: up.set() if there else None)
        try:
            rows = None
            while rows is None:
                up.clear()
                try:
                    rows = await asyncio.to_thread(self._to_bring_along)
                except UserError as error:
                    log.info("whether there is data to copy is not known yet: %s", error)
                    await up.wait()
        except Exception:
            log.exception("whether there is data to copy is not known")
            return
        finally:
            unwatch()
        if rows:
            self._remember("open")
            self._tell(DataMove("offered", total=rows))

    def _to_bring_along(self) -> int:
        """Rows of the embedded database, 0 when there is nothing to offer."""
        if self._db.url.drivername == "sqlite" or not urls.embedded_path().exists():
            return 0
        answer = self._remembered()
        if answer in {"done", "declined"}:
            return 0
        from app.db.copying.state import find

        embedded = Database("")
        try:
            rows = _rows(embedded)
            if not rows:
                return 0
            begun = self._db.look(find)
            ours = begun is not None and begun.source_key == urls.identity(embedded.url)
            return rows if answer == "open" or ours or not _brought(embedded, self._db) else 0
        finally:
            embedded.close()

    async def _copy(self) -> None:
        # `-P`: the current folder may have a package `app` of its own.
        arguments = ["-P", "-m", "app", "db", "copy", "--from", "embedded", "--merge", "--keep", "--json", "--progress"]
        if self._config is not None:
            arguments += ["--config", str(self._config)]
        total = self.state.total
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            reading = asyncio.create_task(process.stdout.read())
            said = await self._follow(process.stderr)
            answer = await reading
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            self._tell(DataMove("offered", total=total))
            raise
        if code in (0, 1):
            found = json.loads(answer)
            self._remember("done")
            notes = len(found["notes"])
            text = (
                f"{notes} rows could not be stored as they were: `qd db copy --from embedded --merge`" if notes else ""
            )
            self._tell(DataMove("done", rows=found["rows"], total=found["rows"], text=text))
        else:
            self._tell(DataMove("failed", total=total, text=said or f"it ended with code {code}"))

    async def _follow(self, lines: asyncio.StreamReader) -> str:
        """Publish the progress; answers with what else was said."""
        said: list[str] = []
        last = 0.0
        async for line in lines:
            text = line.decode(errors="replace").strip()
            try:
                found = json.loads(text)
                event = DataMove("running", found["rows"], found["total"], found["left_s"])
            except (ValueError, KeyError, TypeError):
                said.append(text.removeprefix("quarterdeck: "))
                continue
            now = asyncio.get_running_loop().time()
            if now - last > LEAST_CHANGE_S:
                last = now
                self._tell(event)
        return "; ".join(said[-3:])

    def _tell(self, state: DataMove) -> None:
        self.state = state
        self._bus.publish(state)

    def _remembered(self) -> str:
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
            return str(found["answer"]) if found["database"] == urls.identity(self._db.url) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _remember(self, answer: str) -> None:
        with contextlib.suppress(OSError):
            replace_text(self._memory, json.dumps({"database": urls.identity(self._db.url), "answer": answer}))


def _rows(db: Database) -> int:
    """All rows of our tables, whatever revision they are of."""

    def count(conn: Connection) -> int:
        return sum(int(conn.execute(select(func.count()).select_from(table)).scalar_one()) for table in _present(conn))

    return db.look(count)


def _brought(embedded: Database, server: Database) -> bool:
    """The server has what was stored last in one of the embedded tables.

    That it has rows says little: the app writes some as soon as it is open, and others may work with the same server.
    """

    def newest(conn: Connection) -> dict[str, str]:
        tables = [table for table in _present(conn) if "id" in table.c and isinstance(table.c.id.type, (Ulid, Word))]
        found = {table.name: conn.scalar(select(func.max(table.c.id))) for table in tables}
        return {name: identity for name, identity in found.items() if identity is not None}

    samples = embedded.look(newest)

    def there(conn: Connection) -> bool:
        return any(
            conn.scalar(select(table.c.id).where(table.c.id == samples[table.name])) is not None
            for table in _present(conn)
            if table.name in samples
        )

    return server.look(there) if samples else bool(_rows(server))


def _present(conn: Connection) -> list[Table]:
    """Our tables that the database has."""
    from app.db.tables import all_tables

    names = set(inspect(conn).get_table_names())
    return [table for table in all_tables().sorted_tables if table.name in names]


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
