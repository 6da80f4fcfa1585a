"""Pages of drafts: the shared style sheet, its components, the frames."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.content.model import Draft
from app.content.render.html import for_mail, to_html
from app.content.templates.drafted import page_of
from app.content.templates.fill import shipped
from app.content.templates.page import About, page
from app.errors import UserError

FOLDER = shipped() / "html"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ABOUT = About("A <title>", "devlog", "Devlog", "2026-11-21", 700, "Ada & co")
BODY = "# First\n\nSome {{ braces }} and `code`.\n\n```python\nx = 1\n```\n\n" + "".join(
    f"## Part {n}\n\n" for n in range(4)
)
DRAWN_BY_MARKDOWN = {
    "task-list-item",
    "footnotes",
    "footnotes-sep",
    "footnote-ref",
    "align-right",
    "align-center",
    "highlight",
}


def style() -> str:
    """The shared style sheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", (FOLDER / "style.css").read_text("utf-8"), flags=re.DOTALL)


def blocks(opening: str) -> str:
    """What stands between the braces of a rule."""
    begin = style().index(opening) + len(opening)
    return style()[begin : style().index("}", begin)]


def test_the_component_page_shows_every_component() -> None:
    shown = (FOLDER / "components.html").read_text("utf-8")
    used = {name for names in re.findall(r'class="([^"]+)"', shown) for name in names.split()}
    ruled = set(re.findall(r"\.([a-z][a-z-]*)", re.sub(r"\{[^{}]*\}", "{}", style())))
    assert ruled - used - DRAWN_BY_MARKDOWN == set()
    assert used - ruled == {"sample", "highlight"}
    assert 'href="style.css"' in shown


def test_colours_are_variables_in_light_and_dark() -> None:
    light = set(re.findall(r"(--[\w-]+):", blocks(":root {")))
    dark = set(re.findall(r"(--[\w-]+):", blocks("(prefers-color-scheme: dark) {\n  :root {")))
    colours = {name for name in light if re.search(rf"{name}: #", blocks(":root {"))}
    assert colours - dark == set()
    used = set(re.findall(r"var\((--[\w-]+)", style()))
    assert used - light == set()
    behind = style()[style().index("*, *::before") : style().index("@media print")]
    assert not re.search(r"#[0-9a-f]{3,6}\b", behind)
    for part in ("@media print", "@media (max-width", "prefers-reduced-motion", "prefers-color-scheme: dark"):
        assert part in style()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(scheme: str) -> None:
    given = blocks(":root {") if scheme == "light" else blocks("(prefers-color-scheme: dark) {\n  :root {")
    colours = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", given))
    pairs = [
        (name, "--sheet") for name in ("--ink", "--soft", "--faint", "--accent", "--good", "--warn", "--bad", "--info")
    ]
    pairs += [(f"--{name}", f"--{name}-soft") for name in ("good", "warn", "bad", "info", "accent")]
    pairs += [(name, "--code-paper") for name in colours if name.startswith("--code-") and name != "--code-paper"]
    pairs += [("--faint", "--paper"), ("--accent", "--paper"), ("--ink", "--paper")]
    assert {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < 4.5
    } == {}


def contrast(one: str, two: str) -> float:
    """The ratio of the lights of two colours, as accessibility counts it."""
    lights = sorted(_light(colour) for colour in (one, two))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("frame", ["page", "monologue"])
def test_a_page_is_whole(frame: str) -> None:
    made = page(to_html(BODY), ABOUT, frame)
    assert made.startswith("<!doctype html>")
    assert "<title>A &lt;title&gt;</title>" in made
    assert "Ada &amp; co" in made
    assert "{{ braces }}" in made
    assert "--paper: #fbf8f2" in made
    assert ".highlight .k" in made
    assert made.count("<h1") == 1
    assert made.index("<h1") < made.index("<h2")
    assert "\x02" not in made
    assert 'href="http' not in made
    assert f'<body class="{"monologue" if frame == "monologue" else "devlog"}">' in made
    mailed = for_mail(made)
    assert "var(" not in mailed.partition("<body")[2]


def test_contents_come_with_four_parts() -> None:
    assert '<a href="#part-0">Part 0</a>' in page(to_html(BODY), ABOUT)
    assert "<nav" not in page(to_html("# One\n\n## Two"), ABOUT)


def test_the_users_frames_and_style_come_first(tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "style.css").write_text("p { color: red } </style><script>")
    (tmp_path / "html" / "page.html").write_text(
        '{% extends "_frame.html" %}{% block main %}[{{ body }}]{% endblock %}'
    )
    made = page(to_html("x"), ABOUT, "page", tmp_path)
    assert "[<p>x</p>" in made
    assert "p { color: red }" in made
    assert "</style><script>" not in made
    (tmp_path / "html" / "page.html").write_text("\n{{ page.nosuch }}")
    with pytest.raises(UserError) as caught:
        page(to_html("x"), ABOUT, "page", tmp_path)
    assert caught.value.where == f"{tmp_path}/html/page.html:2"
    with pytest.raises(UserError, match="no template 'gone\\.html'"):
        page(to_html("x"), ABOUT, "gone", tmp_path)


def test_a_draft_whose_template_is_gone_has_a_plain_page() -> None:
    draft = Draft("A", "gone", "", "story", "T", "# T\n\nwords", "draft", 1, 1, NOW, NOW)
    made = page_of(draft, draft.body)
    assert "21 November 2026" in made
    assert "story" in made
    assert made == page_of(draft, draft.body)


def test_a_page_takes_drafts_of_megabytes() -> None:
    body = "word " * 600_000
    assert len(page(to_html(body), ABOUT)) > len(body)
