"""What a template says about style holds wherever its texts are checked; the configuration has the last word."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content.publishing.configured import _check
from app.content.styling import style_of
from app.errors import UserError
from app.settings import Loaded, load

TEMPLATE = "---\ntitle: Loud\nstyle:\n{style}---\ntext\n"
OWN = "  off: [exclamation]\n  severity: {hedges: error}\n"


def loaded(tmp_path: Path, style: str = OWN, configured: str = "") -> Loaded:
    """A configuration whose folder of templates has one with a style of its own."""
    folder = tmp_path / "templates"
    folder.mkdir(exist_ok=True)
    (folder / "loud.md").write_text(TEMPLATE.format(style=style))
    config = tmp_path / "config.toml"
    config.write_text(f'[content]\ntemplates = "{folder}"\n{configured}\n')
    return load(config)


def found(given: Loaded, template: str) -> list[tuple[str, str]]:
    """Rules and severities of what is wrong with a loud text."""
    findings = style_of(given, template).check("One! Two! Really.\n").findings
    return [(finding.rule, finding.severity) for finding in findings]


def test_it_holds_for_texts_of_that_template_alone(tmp_path: Path) -> None:
    given = loaded(tmp_path)
    assert found(given, "loud") == [("hedges", "error")]
    others = [("exclamation", "warn"), ("hedges", "info")]
    assert [found(given, name) for name in ("devlog", "", "gone")] == [others] * 3


def test_it_holds_at_the_gate(tmp_path: Path) -> None:
    check = _check(loaded(tmp_path), "loud", "chat")
    assert [(finding.rule, finding.severity) for finding in check("Really.\r\nYes! No!\n")] == [("hedges", "error")]


def test_the_configuration_has_the_last_word(tmp_path: Path) -> None:
    override = '[[content.style.overrides]]\ntemplate = "loud"\non = ["exclamation"]\nseverity = { hedges = "warn" }'
    assert found(loaded(tmp_path, configured=override), "loud") == [("exclamation", "warn"), ("hedges", "warn")]


def test_a_rule_that_there_is_not_is_told_with_the_file_of_the_template(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        style_of(loaded(tmp_path, "  off: [exclamatio]\n"), "loud")
    assert error.value.where.startswith(f"{tmp_path}/templates/loud.md:")
    assert 'did you mean "exclamation"?' in str(error.value)
    wrong = '[[content.style.overrides]]\ntemplate = "loud"\non = ["x"]'
    with pytest.raises(UserError) as error:
        style_of(loaded(tmp_path, configured=wrong), "loud")
    assert error.value.where == "content.style.overrides[0].on"
