"""The findings of the style guide as a list: what they say, and what is asked about them."""

from __future__ import annotations

from app.content.style.model import Finding
from tests.widgets.git_lists import controls
from tests.widgets.writing import WritingApp, text_of
from widgets.style_findings import MOST, StyleFindings


def finding(line: int, text: str = "—", replacement: str | None = "...", severity: str = "error") -> Finding:
    return Finding(
        "em_dash", "error" if severity == "error" else "warn", line, 3, line, 4, text, "The house writes none.",
        "safe", replacement,
    )  # fmt: skip


class Host(WritingApp):
    """Remembers what is asked."""

    def __init__(self, shown: StyleFindings) -> None:
        super().__init__(shown)
        self.list = shown
        self.heard: list[tuple[str, int]] = []

    def on_style_findings_wanted(self, event: StyleFindings.Wanted) -> None:
        self.heard.append(("go", event.finding.line))

    def on_style_findings_taken(self, event: StyleFindings.Taken) -> None:
        self.heard.append(("take", event.finding.line))

    def on_style_findings_refused(self, event: StyleFindings.Refused) -> None:
        self.heard.append(("refuse", event.finding.line))


async def test_they_are_told_and_asked_about() -> None:
    app = Host(StyleFindings())
    async with app.run_test(size=(50, 20)) as pilot:
        app.list.show_findings([finding(2), finding(5, "very \x1b[31m", None, "warn")])
        await pilot.pause()
        shown = text_of(app.list)
        assert "✗ 1 error   ⚠ 1 warning" in shown
        assert "→ ..." in shown
        assert controls(shown.split("\n")) == []
        await pilot.press("enter", "a", "j", "x", "a")
        assert app.heard == [("go", 2), ("take", 2), ("refuse", 5)], "there is nothing to take of the second"
        app.list.show_findings([finding(1, "new"), finding(4, "very \x1b[31m", None, "warn")])
        await pilot.press("enter")
        assert app.heard[-1] == ("go", 4), "the cursor stays on its finding"
        app.list.show_findings([])
        await pilot.pause()
        assert "nothing against the style guide" in text_of(app.list)
        app.list.show_findings([finding(n) for n in range(MOST + 5)])
        await pilot.press("G")
        assert "and 5 more" in text_of(app.list)
