"""`qd feedback next` and `stats` as programs: who reviews and in which order is configured, retraining is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main
from tests.cli.conftest import Qd
from tests.cli.test_feedback_rows import rows, said

CONFIG = """
[feedback]
reviewer = "mara"
order = "worst"

[[feedback.retrain]]
name = "support"
command = ["true"]
accepted_rows = 2
"""


def test_what_is_next_and_how_far_it_is(qd: Qd, tmp_path: Path) -> None:
    config, file = tmp_path / "config.toml", tmp_path / "rows.jsonl"
    config.write_text(CONFIG)
    file.write_text("\n".join(map(json.dumps, rows())) + "\n")
    said(qd, "import", str(file))
    assert said(qd, "stats")["retrain"] is None

    found = said(qd, "next", "--config", str(config))
    assert (found["row"]["input"], found["row"]["captured_at"][-1]) == ("question 0", "Z")
    # What one reviewer holds nobody else gets.
    assert said(qd, "next", "--reviewer", "jo", "--config", str(config))["row"]["input"] == "question 1"
    said(qd, "decide", found["row"]["id"], "--verdict", "accept", "--config", str(config))

    stats = said(qd, "stats", "--config", str(config))
    assert (stats["total"], stats["waiting"], stats["accepted"]) == (10, 9, 1)
    assert stats["retrain"]["ready"] is False
    (condition,) = stats["retrain"]["conditions"]
    assert (condition["pipeline"], condition["id"], condition["threshold"]) == ("support", "rows", 2)
    assert {guard["pipeline"] for guard in stats["retrain"]["guards"]} == {"support"}
    told = qd("feedback", "stats", "--config", str(config)).stdout
    assert "retrain   support:" in told
    assert "until retrain fires" in told


def test_next_says_what_others_have(qd: Qd, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"source": "cli", "input": str(n), "output": "a"}) for n in range(2)) + "\n")
    found = said(qd, "next")
    assert (found["row"], found["claimed"], found["free_at"]) == (None, 0, None)
    said(qd, "import", str(file))
    first, second = said(qd, "next", "--reviewer", "mara"), said(qd, "next", "--reviewer", "jo")
    assert first["claimed"] == 0
    left = said(qd, "next")
    assert (left["row"], left["claimed"], left["free_at"]) == (None, 2, first["claimed_until"])
    told = qd("feedback", "next").stdout
    assert told.startswith("2 rows wait, all of them claimed by jo, mara; the first until ")
    said(qd, "decide", first["row"]["id"], "--verdict", "accept")
    assert qd("feedback", "next").stdout.startswith("1 row waits and is claimed by jo; the first until ")
    said(qd, "decide", second["row"]["id"], "--verdict", "accept")
    assert qd("feedback", "next").stdout == "nothing waits for review\n"


def test_review_opens_the_app_on_its_area(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[tuple[Path | None, str]] = []

    def open_app(config: Path | None, start: str) -> int:
        opened.append((config, start))
        return 0

    monkeypatch.setattr("app.cli.open_app", open_app)
    config = tmp_path / "config.toml"
    config.write_text("")
    assert main(["feedback", "review"]) == 0
    assert main(["feedback", "review", "--config", str(config)]) == 0
    assert opened == [(None, "feedback"), (config, "feedback")]
