"""`python -m tests.bench [app] [save] … [--quick] [--check]`: all sections, or those that are named."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import (
    app,
    content,
    copying,
    decisions,
    editor,
    git,
    importing,
    millions,
    notes,
    notes_folder,
    overhead,
    receiver,
    save,
    style,
)
from tests.bench.figures import Report
from tests.bench.projects import ROOT, STORE
from tests.bench.scale import FULL, QUICK, Scale

SECTIONS: dict[str, Callable[[Scale, Callable[[str], None]], Report]] = {
    "app": app.run,
    "save": save.run,
    "overhead": overhead.run,
    "git": git.run,
    "copy": copying.run,
    "receiver": receiver.run,
    "feedback": importing.run,
    "style": style.run,
    "notes": notes.run,
    "folder": notes_folder.run,
    "editor": editor.run,
    "content": content.run,
    "review": millions.run,
    "decisions": decisions.run,
}
FOREWORD = (
    "Everything here is measured by `make bench`, side by side in one run. Absolute times depend on the machine and on "
    "what else it does; the ratios are what to look at."
)
DOCUMENT = ROOT / "docs" / "benchmarks.md"
RESULTS = STORE / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the sections, print them, and keep the figures unless they are quick ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="show that everything works; judge and write nothing")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.sections if name not in SECTIONS]:
        parser.error(f"no such section: {', '.join(unknown)}")
    missed = []
    for name in options.sections or SECTIONS:
        began = time.monotonic()
        report = SECTIONS[name](QUICK if options.quick else FULL, partial(_say_of, name))
        _say(f"{name}: took {time.monotonic() - began:.0f} s")
        print(f"\n{report.markdown()}\n", flush=True)
        for one in report.judged:
            print(one, flush=True)
        missed += [one for one in report.judged if not one.met]
        if not options.quick:
            RESULTS.mkdir(parents=True, exist_ok=True)
            (RESULTS / f"{name}.json").write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1), "utf-8")
    if not options.quick:
        before = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
        DOCUMENT.write_text(document(kept(), before), "utf-8")
        _say(f"written: {DOCUMENT.relative_to(ROOT)}")
    if missed:
        _say(f"{len(missed)} target{'s' if len(missed) > 1 else ''} missed")
    return 1 if missed and options.check else 0


def kept() -> list[Report]:
    """The latest report of each section."""
    paths = [RESULTS / f"{name}.json" for name in SECTIONS]
    return [Report.from_json(json.loads(path.read_text("utf-8"))) for path in paths if path.exists()]


def document(reports: list[Report], before: str = "") -> str:
    """The whole of `docs/benchmarks.md`. Sections of the document `before` stay, at its end, where no report is."""
    parts = {report.title: report.markdown().removeprefix("## ") for report in reports}
    for part in re.split(r"^## ", before, flags=re.MULTILINE)[1:]:
        parts.setdefault(part.partition("\n")[0], part.strip())
    head = [
        "# Benchmarks",
        FOREWORD,
        f"Machine: {machine()}.",
    ]
    return "\n\n".join([*head, *(f"## {part}" for part in parts.values())]) + "\n"


def machine() -> str:
    """What the figures were measured on, without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores{_model()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return f" ({', '.join(sorted(names))})" if names else ""


def _say_of(section: str, text: str) -> None:
    _say(f"{section}: {text}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
