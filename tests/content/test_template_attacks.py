"""Whatever a template tries ends with an error that names its file and line, here and in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.content.context.registry import made
from app.content.model import ContextPart, Template
from app.content.templates import child
from app.content.templates.fill import fill
from app.errors import UserError
from tests.content.template_attacks import ENDLESS, FILES, FOREIGN, HARMLESS, TOO_LONG
from tests.content.template_attacks_more import MORE

LINE = 7
ALL = {**TOO_LONG, **ENDLESS, **FOREIGN, **MORE}
MOST_MB = 300
NOW = datetime(2026, 11, 21, tzinfo=UTC)
NOTHING = {"git": made("git", None, NOW, "there is none")}
PROGRAM = """
import sys
from pathlib import Path
from app.errors import UserError
from tests.content.test_template_attacks import ALL, template
from app.content.templates.fill import fill
from tests.memory import peak_kb
for body in ALL.values():
    try:
        fill(template(Path(sys.argv[1]), body), {"title": "T"}, {})
        raise SystemExit(f"filled: {body[:80]}")
    except UserError:
        pass
print(peak_kb() // 1024)
"""


def template(root: Path, body: str, *, trusted: bool = True) -> Template:
    """A template whose body begins on line 7 of its file."""
    return Template(
        id="a",
        kind="a",
        title="a",
        help="",
        fields=(),
        body=body,
        path=str(root / "a.md"),
        hash="",
        context=("git",),
        root=str(root),
        line=LINE,
        trusted=trusted,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of templates, with a secret beside it."""
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "outside" / "secret.md")
    (folder / "linked").symlink_to(tmp_path / "outside")
    return folder


def refused(root: Path, body: str, *, trusted: bool) -> UserError:
    """The error that filling ends with."""
    with pytest.raises(UserError) as caught:
        fill(template(root, body, trusted=trusted), {"title": "T"}, NOTHING)
    return caught.value


@pytest.mark.parametrize("name", ALL)
def test_an_attack_ends_with_its_place(root: Path, name: str) -> None:
    error = refused(root, ALL[name], trusted=True)
    file, _, line = error.where.rpartition(":")
    assert Path(file).parent == root
    assert int(line) >= (LINE if file.endswith("a.md") else 1)
    assert error.fix
    assert "secret" not in str(error).replace("secret.md", "")
    assert len(str(error)) < 700


@pytest.mark.parametrize(
    "name", ["four loops", "nested lists", "replace", "climb", "link", "macro", "brackets", "class"]
)
def test_an_attack_of_somebody_else_ends_in_its_own_process(root: Path, name: str) -> None:
    error = refused(root, ALL[name], trusted=False)
    assert error.where.startswith(f"{root}/a.md:")
    assert str(error) == str(refused(root, ALL[name], trusted=True))


def test_all_attacks_together_take_little_memory(root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-500:] + ended.stdout
    assert int(ended.stdout) < MOST_MB


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", HARMLESS)
def test_what_templates_are_for_works(root: Path, name: str, trusted: bool) -> None:
    body, text = HARMLESS[name]
    assert fill(template(root, body, trusted=trusted), {"title": "T"}, NOTHING) == text


def test_the_line_is_that_of_the_file(root: Path) -> None:
    assert refused(root, "one\n\ntwo {{ nosuch }}\n", trusted=True).where == f"{root}/a.md:{LINE + 2}"
    (root / "part.md").write_text("---\ntitle: x\n---\n\n{{ nosuch }}")
    assert refused(root, "{% include 'part.md' %}", trusted=True).where == f"{root}/part.md:5"


class Orm:
    """What must never come into a template."""

    secret = "hidden"


@pytest.mark.parametrize("value", [Orm(), Orm, str, {"a": [Orm()]}, {1: "a"}, lambda: 1, b"x", float("nan"), {"a"}])
def test_only_plain_data_comes_into_a_template(root: Path, value: Any) -> None:
    with pytest.raises(UserError, match="cannot go into a template"):
        fill(template(root, "{{ title.secret }}"), {"title": value}, {})
    with pytest.raises(UserError, match="cannot go into a template"):
        fill(template(root, "{{ git }}"), {}, {"git": ContextPart("git", value, NOW, "")})


def test_the_process_of_foreign_templates_has_little(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda kind, most: limits.update({kind: most}))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AttributeError):
        child.main()
    assert limits[resource.RLIMIT_AS][0] <= MOST_MB * 1024 * 1024
    assert limits[resource.RLIMIT_CPU][0] <= 2


def test_a_process_that_dies_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.content.templates.fill.COMMAND", ("-c", "import os; os.kill(os.getpid(), 9)"))
    assert "was stopped" in refused(root, "x", trusted=False).what
    monkeypatch.setattr("app.content.templates.fill.COMMAND", ("-c", "while True: pass"))
    monkeypatch.setattr("app.content.templates.fill.WAIT_S", 0.3)
    assert "took too long" in refused(root, "x", trusted=False).what
