"""The page about retraining: live while it is open, the pipeline that its keys mean in view, and what they ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.events import RetrainChanged
from app.feedback.retrain.model import Evaluation, Guard
from screens.confirm import Confirm
from screens.feedback_retrain import fire_words
from tests.feedback_fakes import FakeFeedback
from tests.retrain_fakes import FakeRetrain, evaluated, run
from tests.screens.feedback_host import Host, settled
from tests.waiting import until

LARGE, SMALL = (160, 48), (80, 24)


@asynccontextmanager
async def opened(service: FakeFeedback, size: tuple[int, int] = LARGE) -> AsyncIterator[Any]:
    async with Host(service).run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


def page_of(pilot: Any) -> str:
    return " ".join(pilot.app.screen.query_one("LinesView").plain.split())


def shown_of(pilot: Any) -> list[str]:
    lines = pilot.app.screen.query_one("LinesView")
    return [strip.text.rstrip() for strip in lines.render_lines(lines.size.region)]


def asked_of(retrain: FakeRetrain) -> list[str]:
    return [text for text in retrain.asked if text != "look"]


def held(reason: str) -> tuple[Any, ...]:
    status = evaluated()
    guards = (Guard("hold", False, f"held: {reason}"), *status.evaluation.guards[1:])
    return (replace(status, evaluation=replace(status.evaluation, guards=guards)),)


async def test_the_page_about_retraining_follows_while_it_is_open() -> None:
    retrain = FakeRetrain((evaluated(),), [run(1)])
    service = FakeFeedback.of(retrain=retrain)
    async with opened(service) as pilot:
        await pilot.press("T")
        await settled(pilot)
        assert "91 of 100 new accepted rows" in page_of(pilot)
        retrain.statuses = (evaluated(97),)
        retrain.runs = [run(0, state="dispatched", result=None), *retrain.runs]
        service.bus.publish(RetrainChanged(retrain.snapshot()))
        await settled(pilot)
        assert "97 of 100 new accepted rows" in page_of(pilot)
        assert "dispatched 100 rows" in page_of(pilot)


async def test_a_pipeline_is_fired_and_held_by_hand() -> None:
    retrain = FakeRetrain((evaluated(), evaluated(12, "fills")), [])
    async with opened(FakeFeedback.of(retrain=retrain)) as pilot:
        await pilot.press("T", "f")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert asked_of(retrain) == []
        await pilot.press("f", "y")
        await settled(pilot)
        assert "support fired: run" in page_of(pilot)
        await pilot.press("h", *"no gpu", "enter")
        await settled(pilot)
        assert "held: no gpu" in page_of(pilot)
        await pilot.press("h")
        await settled(pilot)
        assert "support may fire again" in page_of(pilot)
        await pilot.press("n", "f", "y")
        await settled(pilot)
        assert asked_of(retrain) == ["fire support", "hold support no gpu", "hold support None", "fire fills"]


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_the_pipeline_that_the_keys_mean_is_in_view(size: tuple[int, int]) -> None:
    runs = [run(n, pipeline=name) for name in ("support", "fills", "prices") for n in range(5)]
    retrain = FakeRetrain((evaluated(), evaluated(12, "fills"), evaluated(3, "prices")), runs)
    service = FakeFeedback.of(retrain=retrain)
    async with opened(service, size) as pilot:
        await pilot.press("T")
        await settled(pilot)
        assert shown_of(pilot)[0].startswith("▸ support")
        for name in ("fills", "prices"):
            await pilot.press("n")
            await settled(pilot)
            shown = shown_of(pilot)
            at = next(n for n, line in enumerate(shown) if line.startswith(f"▸ {name}"))
            # Its guards are below it: it is not cut in the middle.
            assert any(line.startswith("guards") for line in shown[at:])
        retrain.runs = [run(7, pipeline="support"), *retrain.runs]
        service.bus.publish(RetrainChanged(retrain.snapshot()))
        await settled(pilot)
        assert any(line.startswith("▸ prices") for line in shown_of(pilot))
        await pilot.press("n")
        await settled(pilot)
        assert shown_of(pilot)[0].startswith("▸ support")
        await pilot.press("escape")
        pilot.app.pane.show_retraining("fills")
        await settled(pilot)
        assert any(line.startswith("▸ fills") for line in shown_of(pilot))


async def test_it_is_measured_when_the_page_opens_and_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.feedback_retraining.LOOK_EVERY_S", 0.05)
    retrain = FakeRetrain((evaluated(),))
    service = FakeFeedback.of(retrain=retrain)

    def looked() -> None:
        # Somebody has held it in another shell.
        retrain.statuses = held("no gpu")
        service.bus.publish(RetrainChanged(retrain.snapshot()))

    retrain.looked = looked
    async with opened(service) as pilot:
        assert retrain.asked == []
        await pilot.press("T")
        await until(lambda: "held: no gpu" in page_of(pilot))
        await until(lambda: retrain.asked.count("look") > 2, what="it is measured again and again")


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_what_somebody_else_holds_is_let_go_after_asking(size: tuple[int, int]) -> None:
    retrain = FakeRetrain(held("labels are being mended, ask jo"))
    async with opened(FakeFeedback.of(retrain=retrain), size) as pilot:
        await pilot.press("T", "h")
        await until(lambda: isinstance(pilot.app.screen, Confirm))
        assert pilot.app.screen._detail == "It was not held from here. Held: labels are being mended, ask jo"
        await pilot.press("n")
        await settled(pilot)
        assert asked_of(retrain) == []
        await pilot.press("h", "y")
        await until(lambda: asked_of(retrain) == ["hold support None"])
        # What was held here is let go at once, also when the page was closed meanwhile.
        await settled(pilot)
        await pilot.press("h", *"no gpu", "enter")
        await settled(pilot)
        await pilot.press("escape", "T", "h")
        await settled(pilot)
        assert asked_of(retrain)[1:] == ["hold support no gpu", "hold support None"]


def asking(**changes: Any) -> Evaluation:
    found = evaluated().evaluation
    guards = tuple(replace(guard, ok=True) for guard in found.guards)
    return replace(found, **{"guards": guards, "corrections": 0, **changes})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            asking(new_rows=1, combine="all", conditions=asking().conditions[:1]),
            "1 new row would go to it. Its conditions are not met yet and are passed over: 9 more accepted rows.",
        ),
        (
            asking(new_rows=0, corrections=2, conditions=()),
            "2 corrections of rows of earlier runs would go to it.",
        ),
        (
            asking(new_rows=100, corrections=1, conditions=evaluated(100).evaluation.conditions),
            "100 new rows and 1 correction of rows of earlier runs would go to it.",
        ),
        (
            asking(
                conditions=(), guards=(Guard("hold", False, "held: no gpu"), Guard("disk", True, "900 MB are free"))
            ),
            "91 new rows would go to it. Guards keep it from firing, also by hand: held: no gpu.",
        ),
    ],
)
def test_what_firing_by_hand_would_do(found: Evaluation, said: str) -> None:
    assert fire_words(found) == said
