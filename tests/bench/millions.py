"""Reviewing with millions of rows: keys, opening the screen, first pages of filters, and ending what takes long."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sqlalchemy.engine import make_url

from app.db.engine import Database
from app.feedback import finding, store
from app.feedback.filters import parse
from tests.bench import rows
from tests.bench.copying import servers
from tests.bench.cuttable import Cuttable
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale
from tests.e2e import processes
from tests.e2e.program import qd
from tests.e2e.terminal import Terminal

GIVEN = "QUARTERDECK_BENCH_ROWS"
METHOD = (
    "Rows of six sources, 36 models and seven tags as `python -m tests.bench.rows` makes them: six of ten wait, four "
    "have a decision. The app runs in a pseudo-terminal of 160×48. A key's time runs from writing `a`, `x` or `s` to "
    "the frame that shows the next row's question; the screen is opened from another area by an app that has "
    "just been started. To the servers the app speaks through a proxy; where it is cut, and after the app has found "
    "out, the same keys decide rows that were read before."
)
LISTS = (
    "First pages are asked of the app's own reader in another process, 100 rows each, every filter twice, one after "
    "the other: the first time, most of what is read comes from the disk, page by page, and its time is the disk's; "
    "what is judged is the slowest second time of those that an index answers. A search for words that no row has is "
    "cancelled while its statement runs; its time runs until the connection serves another one."
)
QUESTION = re.compile(r"Question (\d+)")
KEYS = "axaasaaxaa"
READY = 25
"""Rows that surely wait in memory."""
KEY_GAP_S = 0.1
INDEXED = (
    *("", "state:waiting", "state:rejected", "source:discord", "source:beta", "source:be*", "source:discord,webhook"),
    *("model:v03", "model:desk-small", "model:v*", "version:v35", "tag:tone", "tag:legal", "tag:tone,late", "tag:t*"),
    *("score:<0", "score:-1", "score:>0.9", "uncertainty:>0.9", "decided_after:2026-10-01", "before:2025-04-01"),
    *(
        "after:2026-10-01",
        "after:2025-03-01 before:2025-03-02",
        "event:evt-00000000",
        "reviewer:mara",
        "reviewer:guest",
    ),
    *("id:01K00000000000000000000100", "source:discord score:-1", "source:discord tag:late score:<0"),
    *("model:v* source:beta", "tag:legal model:v35", "state:waiting tag:legal", "-source:discord", "-tag:tone"),
    *("tag:legal source:beta", "source:email tag:format", "source:email score:<0", "tag:tone score:<0"),
    *("source:beta score:-1", "source:beta uncertainty:>0.9", "score:<0 uncertainty:>0.9", "tag:late after:2026-10-01"),
    *("model:desk-small tag:legal", "tag:tone decided_after:2026-10-01", "source:discord reviewer:mara"),
    *(
        "tag:tone score:-1",
        "tag:tone uncertainty:>0.999",
        "tag:legal reviewer:guest",
        "source:app,cli score:1 after:2026-03-01 before:2026-03-10",
    ),
)
RARE = (
    *("source:discord reviewer:guest", "tag:tone reviewer:guest", "source:email tag:late -model:v2* score:<0"),
    *("model:v1* score:<0 tag:tone before:2026-01-01", "model:v03 decided_before:2025-06-01"),
)
"""Terms that are each frequent, or of which the index of one knows nothing of the other, and rarely found together."""
OTHERS = ("language:en", "has:correction", "comment:late", "thanks")
ENDLESS = "zebras are not in here"


@dataclass(slots=True)
class Found:
    """Seconds, where nothing else is said."""

    rows: int = 0
    opened: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    pages: dict[str, float] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)
    others_again: dict[str, float] = field(default_factory=dict)
    progress: float = 0.0
    ended: float = 0.0
    rss_mb: float = 0.0


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure with each kind of database."""
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        place = Path(folder)
        for name, url in filled(place, scale.review_rows, say):
            say(f"pages of {name}")
            one = found[name] = Found()
            asyncio.run(_pages(url, one))
            say(f"slowest first page: {max((took, text) for text, took in one.again.items())}")
            say(f"keys of {name}")
            _use(url, place / f"app on {name}", one, scale)
    return told(found)


def filled(place: Path, number: int, say: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """Databases with so many rows: those that the environment names, or new ones, each until the next is asked for."""
    if given := os.environ.get(GIVEN):
        for url in given.split():
            db = Database(url)
            db.run_now(lambda conn: None)
            kind = {"sqlite": "SQLite", "mariadb": "MariaDB", "mysql": "MySQL"}[db.backend]
            db.close()
            yield kind, url
        return
    for name, url in chain([("SQLite", f"sqlite:///{place / 'rows.db'}")], servers(place)):
        say(f"{number:,} rows for {name}")
        rows.fill(url, number, say)
        yield name, url


async def _pages(url: str, found: Found) -> None:
    db = Database(url)
    found.rows = (await db.run(store.counts)).total
    groups = ((INDEXED, found.pages, found.again), ((*RARE, *OTHERS), found.others, found.others_again))
    for filters, first, again in groups:
        for text in filters:
            asked = parse(text)
            for times in (first, again):
                began = time.perf_counter()
                await finding.page(db, asked, limit=100)
                times[text] = time.perf_counter() - began
    db.close()
    db = Database(url, pool_size=1)
    await db.ready()
    heard = asyncio.Event()
    began = time.perf_counter()
    endless = parse(f'"{ENDLESS}"')
    search = asyncio.create_task(finding.page(db, endless, limit=100, progress=lambda count: heard.set()))
    waiting = asyncio.create_task(heard.wait())
    await asyncio.wait((search, waiting), return_when=asyncio.FIRST_COMPLETED)
    found.progress = time.perf_counter() - began
    waiting.cancel()
    # Into the middle of the next statement.
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    search.cancel()
    await asyncio.gather(search, return_exceptions=True)
    await db.run(lambda conn: None)
    found.ended = time.perf_counter() - began
    db.close()


def _use(url: str, place: Path, found: Found, scale: Scale) -> None:
    place.mkdir()
    with contextlib.ExitStack() as stack:
        wire: Cuttable | None = None
        if not url.startswith("sqlite"):
            parts = make_url(url)
            wire = stack.enter_context(Cuttable(parts.host or "127.0.0.1", parts.port or 3306))
            url = parts.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
        config = place / "config.toml"
        config.write_text(f"[database]\nurl = {url!r}\n", "utf-8")
        command = qd("--config", config, "--start", "tests")
        for _ in range(scale.review_opens - 1):
            with Terminal(command, home=place / "home") as terminal:
                _open(terminal, found, scale)
                terminal.press("q")
                with contextlib.suppress(TimeoutError):
                    terminal.wait(10.0)
        terminal = stack.enter_context(Terminal(command, home=place / "home"))
        _open(terminal, found, scale)
        _rest(terminal, scale.quiet_s)
        _press(terminal, found.keys, scale.keys)
        _rest(terminal, scale.quiet_s)
        if wire is not None:
            wire.cut()
            # The first one finds it out.
            _press(terminal, [], 1)
            terminal.wait_for("database away")
            _rest(terminal, scale.quiet_s)
            _press(terminal, found.down, min(scale.keys, READY - 1))
        found.rss_mb = terminal.usage().processes[0].rss_mb
        if wire is not None:
            wire.mend()
            terminal.wait_gone("database away", 60.0)
        terminal.press("q")
        with contextlib.suppress(TimeoutError):
            terminal.wait(10.0)


def _open(terminal: Terminal, found: Found, scale: Scale) -> None:
    terminal.wait_for("2 Tests")
    _rest(terminal, scale.quiet_s)
    area = re.search(r"(\d) Feedback", terminal.text())
    assert area is not None
    at = time.monotonic()
    terminal.press(area[1])
    found.opened.append(terminal.moment(lambda text: bool(QUESTION.search(text))).at - at)


def _press(terminal: Terminal, times: list[float], number: int) -> None:
    for index in range(number):
        before = QUESTION.search(terminal.text())
        at = time.monotonic()
        terminal.press(KEYS[index % len(KEYS)])
        output = terminal.moment(lambda text, before=before: _is_next(text, before))
        times.append(output.at - at)
        terminal.settle(KEY_GAP_S, 2.0)


def _is_next(text: str, before: re.Match[str] | None) -> bool:
    after = QUESTION.search(text)
    return after is not None and (before is None or after[1] != before[1])


def _rest(terminal: Terminal, quiet_s: float) -> None:
    terminal.settle(0.3)
    processes.quiet(terminal.pid, quiet_s=quiet_s, limit_s=30.0, busy=0.05)
    terminal.text()


def told(found: dict[str, Found]) -> Report:
    """The report."""
    number = max((one.rows for one in found.values()), default=0)
    report = Report(
        "review",
        f"Reviewing with {number:,} rows: {', '.join(found)}",
        text=[METHOD, LISTS],
        commands=[f"python -m tests.bench.rows {number:_} URL", f"{GIVEN}=URL python -m tests.bench review"],
    )
    lines: list[tuple[str, ...]] = []
    slow: list[tuple[str, ...]] = []
    for name, one in found.items():
        keys = [_ms(percentile(one.keys, share)) for share in (0.5, 0.95)]
        down = [_ms(percentile(one.down, share)) if one.down else "" for share in (0.5, 0.95)]
        lines.append((name, *keys, *down, _ms(one.opened[0]), _ms(max(one.opened)), f"{one.rss_mb:.0f} MB"))
        worst = sorted(one.pages, key=lambda text: -one.pages[text])
        slow += [(f"{name}: `{text}`", _ms(one.pages[text]), _ms(one.again[text])) for text in worst[:5]]
        for text, took in one.others.items():
            kind = "rare together" if text in RARE else "no index"
            slow.append((f"{name}: `{text}`, {kind}", _ms(took), _ms(one.others_again[text])))
        slow.append((f"{name}: a search through all rows, first word of progress", _ms(one.progress), ""))
        slow.append((f"{name}: the same, cancelled until its statement has ended", _ms(one.ended), ""))
        page = max(one.again.values()) * 1000
        report.judged += [
            Judged(f"key → next row, p95 ({name})", percentile(one.keys, 0.95) * 1000, "at most", 50.0, " ms", 1),
            Judged(f"opening the screen ({name})", max(one.opened) * 1000, "at most", 300.0, " ms", 0),
            Judged(f"first page of an indexed filter ({name})", page, "at most", 200.0, " ms", 0),
        ]
        if one.down:
            took = percentile(one.down, 0.95) * 1000
            report.judged.append(Judged(f"key, database away, p95 ({name})", took, "at most", 50.0, " ms", 1))
    header = ("database", "key p50", "p95", "away p50", "p95", "opened first", "slowest", "memory (RSS)")
    report.tables.append(Table(header, tuple(lines)))
    report.tables.append(Table(("first pages, the slowest", "asked first", "again"), tuple(slow)))
    return report


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
