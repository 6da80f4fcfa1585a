"""Actions from the question to the text that keeps the style."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.config.ai import AiProfileSettings, AiSettings
from app.content.ai.assistant import Assistant, Result
from app.content.ai.hunks import apply
from app.content.ai.model import ACTIONS, Call
from app.content.ai.profiles import check_key, choose
from app.content.ai.prompts import Prompts, Task
from app.content.style.model import Options
from app.content.style.service import StyleService
from app.errors import UserError
from tests.content.ai_endpoints import Endpoint, Script, endpoint, error, openai
from tests.waiting import until

TEXT = '---\ntitle: "One"\n---\n\n# Hello\n\nThe first line.\n\nThe second line.\n'
OPTIONS = Options()


def _assistant(fake: Endpoint, calls: list[Call], options: Options = OPTIONS, **profile: Any) -> Assistant:
    async def record(call: Call) -> None:
        calls.append(call)

    return Assistant(fake.profile(**profile), Prompts(options), partial(StyleService, options), record)


async def _run(task: Task, *scripts: Script) -> tuple[Result, Endpoint, list[Call]]:
    calls: list[Call] = []
    async with endpoint(*scripts) as fake:
        return await _assistant(fake, calls).run(task), fake, calls


def _said(*texts: str) -> Script:
    return Script(openai(*texts))


def _of(part: str) -> tuple[int, int]:
    return TEXT.index(part), TEXT.index(part) + len(part)


@pytest.mark.parametrize(
    ("action", "selection", "after"),
    [
        ("rewrite", None, TEXT.partition("# Hello")[0] + "New text.\n"),
        ("draft", (5, 9), TEXT.partition("# Hello")[0] + "New text.\n"),
        ("shorten", _of("The first line.\n"), TEXT.replace("The first line.", "New text.")),
        ("continue", _of("The first line.\n"), TEXT.replace("first line.\n", "first line.\n\nNew text.\n")),
        ("continue", None, f"{TEXT}\nNew text.\n"),
    ],
)
async def test_where_a_reply_goes(action: Any, selection: tuple[int, int] | None, after: str) -> None:
    result, _, calls = await _run(Task(action, TEXT, selection), _said("\n\nNew ", "text.\n"))
    assert (result.before, result.after, result.reply, result.outcome) == (TEXT, after, "New text.", "complete")
    assert apply(TEXT, result.changes, range(len(result.changes))) == after
    assert [(call.action, call.outcome, call.profile) for call in calls] == [(action, "complete", "fake")]


async def test_a_text_of_nothing_is_begun() -> None:
    for action in ("draft", "continue"):
        result, _, _ = await _run(Task(action, "", title="One"), _said("New text."))
        assert result.after == "New text.\n"


async def test_titles_leave_the_text_as_it_is() -> None:
    said = '1. One title\n2) "Another title"\n\n- One title\n* 3 ways home'
    result, _, _ = await _run(Task("titles", TEXT), _said(said))
    assert result.titles == ("One title", "Another title", "3 ways home")
    assert (result.after, result.changes) == (TEXT, ())


async def test_safe_fixes_need_no_second_round_and_a_fence_around_it_is_taken_off() -> None:
    said = "```markdown\r\nThe engine — the new one — works.\r\n```"
    result, fake, _ = await _run(Task("rewrite", TEXT, _of("The first line.")), _said(said))
    assert result.reply == "The engine, the new one, works."
    assert (result.fixed > 0, len(fake.asked)) == (True, 1)


BAD = "We delve into it. It is late."
GOOD = "We look into it. It is late."


async def test_one_round_mends_what_is_left() -> None:
    result, fake, calls = await _run(Task("rewrite", TEXT, title="One"), _said(BAD), _said(GOOD))
    assert (result.reply, result.findings, len(calls)) == (GOOD, (), 2)
    first, second = (asked.body["messages"] for asked in fake.asked)
    assert second[: len(first)] == first
    assert second[2] == {"role": "assistant", "content": BAD}
    assert '"delve"' in second[3]["content"]
    assert "Title: One" in first[1]["content"]


@pytest.mark.parametrize(
    "second",
    [
        _said("We delve and leverage — it is groundbreaking."),
        _said(BAD),
        error(400, "no"),
        Script(openai("We look", finish=None, done=False)),
    ],
)
async def test_a_second_round_that_is_no_better_changes_nothing(second: Script) -> None:
    result, fake, calls = await _run(Task("rewrite", TEXT), _said(BAD), second)
    assert (result.reply, result.outcome) == (BAD, "complete")
    assert [finding.rule for finding in result.findings] == ["banned-words"]
    assert len(fake.asked) == len(calls) == 2


async def test_a_reply_that_broke_off_is_kept_and_not_mended_by_another() -> None:
    result, fake, calls = await _run(Task("rewrite", TEXT), Script(openai(BAD, finish=None, done=False)))
    assert (result.reply, result.outcome, len(fake.asked)) == (BAD, "partial", 1)
    assert "broke off" in result.why
    assert calls[0].outcome == "partial"


async def test_a_failed_call_is_recorded_too() -> None:
    calls: list[Call] = []
    async with endpoint(error(401, "no")) as fake:
        with pytest.raises(UserError, match="not accepted"):
            await _assistant(fake, calls).run(Task("rewrite", TEXT))
    assert [(call.outcome, call.tokens_in) for call in calls] == [("failed", None)]


async def test_what_came_stays_when_it_is_stopped() -> None:
    calls: list[Call] = []
    shown: list[str] = []
    async with endpoint(Script(openai("What came", finish=None, done=False), hold=(hold := asyncio.Event()))) as fake:
        assistant = _assistant(fake, calls)
        running = asyncio.ensure_future(assistant.run(Task("continue", TEXT), shown.append))
        await until(lambda: shown)
        assistant.stop()
        result = await running
        assert (result.outcome, result.after) == ("stopped", f"{TEXT}\nWhat came\n")
        # One that is cancelled from outside is recorded as well.
        shown.clear()
        running = asyncio.ensure_future(assistant.run(Task("continue", TEXT), shown.append))
        await until(lambda: shown)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
        hold.set()
    assert [(call.outcome, call.estimated) for call in calls] == [("stopped", True), ("stopped", True)]


async def test_the_preview_is_what_is_sent() -> None:
    task = Task(
        "rewrite", TEXT, _of("The first line."), "shorter", "One", "devlog", {"git": {"commits": ["a {{ text }}"]}}
    )
    calls: list[Call] = []
    async with endpoint(_said("x.")) as fake:
        assistant = _assistant(fake, calls)
        prompt, sent = await assistant.preview(task)
        assert fake.asked == []
        await assistant.run(task)
        asked = fake.asked[0]
    assert asked.body == sent.body
    assert sent.url.endswith(asked.path)
    assert "sk-secret-key" not in str(sent) + str(dict(sent.shown))
    assert sent.shown["authorization"] == "Bearer ***"
    assert "The author asks: shorter" in prompt.user
    assert "<text>\nThe first line.\n</text>" in prompt.user
    assert "a {{ text }}" in prompt.context
    assert "The second line." in prompt.context
    assert "{{" not in prompt.system + prompt.user


async def test_a_local_text_is_not_even_shown_to_a_remote_endpoint() -> None:
    calls: list[Call] = []
    async with endpoint(_said("x.")) as fake:
        assistant = _assistant(fake, calls)
        assistant.profile = replace(assistant.profile, url="https://192.0.2.1/v1")
        for act in (assistant.preview, assistant.run):
            with pytest.raises(UserError, match="stays on this machine"):
                await act(Task("rewrite", TEXT, local=True))
    assert (fake.asked, calls) == ([], [])


def test_prompts_of_the_user_replace_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "rewrite.md").write_text("Mach es besser: {{text}}{{unknown}}")
    (tmp_path / "voice.md").write_text("I write like this.")
    prompts = Prompts(OPTIONS, tmp_path, [tmp_path / "voice.md"])
    prompt = prompts.build(Task("rewrite", "One."))
    assert prompt.user == "Mach es besser: One.{{unknown}}"
    assert prompt.system.endswith("I write like this.")
    for action in ACTIONS:
        built = prompts.build(Task(action, "One.", wish="warm"))
        assert built.user
        assert len(built.system) < 2000
    (tmp_path / "prompts" / "system.md").write_bytes(b"\xff")
    for broken in (prompts, Prompts(OPTIONS, None, [tmp_path / "none.md"])):
        with pytest.raises(UserError, match="cannot be read"):
            broken.build(Task("rewrite", "One."))


def test_tasks_that_say_too_little() -> None:
    for task, told in ((Task("tone", "One."), "which tone"), (Task("shorten", "---\na: 1\n---\n \n"), "no text")):
        with pytest.raises(UserError, match=told):
            Prompts(OPTIONS).build(task)


def test_profiles() -> None:
    with pytest.raises(UserError, match="no AI is configured"):
        choose(AiSettings())
    one = AiProfileSettings(name="one", kind="openai", model="m", price_in=2.5)
    two = AiProfileSettings(name="two", kind="anthropic", model="m")
    three = AiProfileSettings(name="three", kind="ollama", model="m", temperature=0.0)
    settings = AiSettings(profiles=(one, two, three), profile="Two")
    assert choose(settings).name == "two"
    assert choose(AiSettings(profiles=(one,))).length_field == "max_completion_tokens"
    local = choose(settings, "three")
    assert (local.url, local.length_field, local.temperature, local.price_in) == (
        "http://127.0.0.1:11434",
        "num_predict",
        0.0,
        None,
    )
    with pytest.raises(UserError, match="there are one, two, three"):
        choose(settings, "four")
    check_key(local)
    for name in ("one", "two"):
        with pytest.raises(UserError, match="keyring set quarterdeck"):
            check_key(choose(settings, name))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "https://user:pass@x"},
        {"url": "http://192.0.2.1/v1", "key": "sk-1"},
        {"key": "a b"},
        {"name": "../x"},
        {"model": ""},
        {"max_tokens": 0},
        {"temperature": 3.0},
        {"length_field": 'x"'},
    ],
)
def test_profiles_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        AiProfileSettings(**{"name": "x", "kind": "openai", "model": "m", **wrong})
