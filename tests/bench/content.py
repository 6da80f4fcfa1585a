"""How long a draft from a template takes with its context, and what templates that attack the machine take of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from app.content.context.registry import Ask
from app.content.drafts.drafts import Drafts
from app.content.making import Maker
from app.content.model import Template
from app.content.templates.catalogue import Catalogue
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.git.model import RepositorySpec
from app.storage import register
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale
from tests.git.repos import START, Place
from tests.testing.test_store import state, summary, write

ROUNDS = 15
COMMITS = 120
TESTS = 3000
RUNS = 5
DRAFT_MOST_MS = 300
ATTACK_MOST_MS = 2000
ATTACK_MOST_MB = 300
NAMES = ("devlog", "morning-update", "standup", "bug-report", "adr")
METHOD = (
    f"A repository with {COMMITS} commits since the last publication, and a database (SQLite) with {RUNS} runs of "
    f"{TESTS:,} tests of which some fail. `new`: the template is read, its sources are gathered, its defaults are "
    "filled, the draft is filled and kept in the journal. Then every attack of `tests/content/template_attacks.py` is "
    "filled, in a process that does nothing else: the longest of them counts, and the memory that the process had at "
    "most, with all that is loaded."
)
ATTACKS = """
import json, resource, sys, time
from pathlib import Path
from app.errors import UserError
from app.content.templates.fill import fill
from tests.content.template_attacks import ENDLESS, FILES, FOREIGN, TOO_LONG
from tests.content.test_template_attacks import template
folder, trusted = Path(sys.argv[1]), sys.argv[2] == "here"
for name, text in FILES.items():
    (folder / name).write_text(text)
took = {}
for name, body in {**TOO_LONG, **ENDLESS, **FOREIGN}.items():
    began = time.perf_counter()
    try:
        fill(template(folder, body, trusted=trusted), {"title": "T"}, {})
        raise SystemExit(f"filled: {name}")
    except UserError:
        took[name] = (time.perf_counter() - began) * 1000
who = resource.RUSAGE_SELF if trusted else resource.RUSAGE_CHILDREN
print(json.dumps({"took": took, "mb": resource.getrusage(who).ru_maxrss / 1024}))
"""


def run(_scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it."""
    report = Report("content", "Drafts from templates", text=[METHOD])
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        took = asyncio.run(_drafts(Path(folder), say))
        rows = tuple(
            (name, *(f"{percentile(times, share):.0f} ms" for share in (0.5, 0.95)), f"{max(times):.0f} ms")
            for name, times in took.items()
        )
        report.tables.append(Table(("new draft", "p50", "p95", "worst"), rows))
        worst = max(percentile(times, 0.95) for times in took.values())
        report.judged.append(Judged("new draft with context, p95", worst, "at most", DRAFT_MOST_MS, " ms", 0))
        for where, called in (("here", "in the app"), ("apart", "in a process of their own")):
            ended = subprocess.run(
                [sys.executable, "-c", ATTACKS, folder, where], capture_output=True, text=True, check=True
            )
            found = json.loads(ended.stdout)
            name, longest = max(found["took"].items(), key=lambda item: item[1])
            say(f"attacks {called}: {longest:.0f} ms ({name}), {found['mb']:.0f} MB")
            what = f"{len(found['took'])} attacks {called}"
            report.judged += [
                Judged(f"{what}, the longest", longest, "at most", ATTACK_MOST_MS, " ms", 0),
                Judged(f"{what}, memory", found["mb"], "at most", ATTACK_MOST_MB, " MB", 0),
            ]
    return report


async def _drafts(folder: Path, say: Callable[[str], None]) -> dict[str, list[float]]:
    repo = Place(folder / "place").repo()
    for number in range(COMMITS):
        repo.commit(f"{'feat' if number % 3 else 'fix'}(part{number % 7}): change {number}")
    now = datetime.fromtimestamp(START, UTC) + timedelta(hours=20)
    db = Database(f"sqlite:///{folder}/qd.db")
    spool = Spool(folder / "spool.db")
    register(spool)
    for number in range(RUNS):
        results = [
            state(f"tests/test_{case % 50}.py::test_{case}", "failed" if (case + number) % 500 == 0 else "passed")
            for case in range(TESTS)
        ]
        write(db, summary(number + 1), results)
    spool.start(db, Bus())

    def ask(template: Template) -> Ask:
        spec = RepositorySpec("work", repo.path)
        return Ask(template.id, now, ZoneInfo("Europe/Berlin"), "Ada", db=db, repositories=(spec,))

    maker = Maker(Catalogue(), Drafts(db, spool), ask, folder / "state")
    took: dict[str, list[float]] = {}
    try:
        for name in NAMES:
            for turn in range(ROUNDS + 1):
                began = time.perf_counter()
                begun = await maker.begin(name, asked=True)
                given = {field.name: "Some words" for field in begun.template.fields if field.required}
                draft = await maker.make(begun, given)
                # The first one loads what it needs.
                if turn:
                    took.setdefault(name, []).append((time.perf_counter() - began) * 1000)
            if "git" in begun.template.context:
                assert draft.context["git"]["data"]["total"] >= COMMITS
            say(f"{name}: {percentile(took[name], 0.5):.0f} ms")
    finally:
        await spool.close()
        db.close()
    return took
