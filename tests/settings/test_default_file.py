"""`config.toml` at the top level and the code say the same."""

from __future__ import annotations

import tomllib
from typing import Any

from app.config import toml
from app.config.ai import AiProfileSettings
from app.config.content import StyleOverrideSettings, StyleRuleSettings
from app.config.lookup import default_file
from app.config.positions import KeyPath
from app.config.shape import leaves, shape_at
from app.config.targets import TargetSettings
from app.settings import ProjectSettings, RepositorySettings, RetrainSettings, Settings, load, project_specs

TEXT = default_file().read_text("utf-8")
LISTED = (
    ProjectSettings,
    RepositorySettings,
    RetrainSettings,
    AiProfileSettings,
    StyleRuleSettings,
    StyleOverrideSettings,
    TargetSettings,
)
PROJECT_KEYS = {name for table in LISTED for name in table.model_fields}


def _written(data: dict[str, Any], path: KeyPath = ()) -> dict[KeyPath, Any]:
    found: dict[KeyPath, Any] = {}
    for name, value in data.items():
        here = (*path, name)
        shape = shape_at(here)
        if isinstance(value, dict) and shape is not None and shape.kind == "table":
            found |= _written(value, here)
        else:
            found[here] = value
    return found


def test_every_key_of_the_code_is_in_the_file_with_its_default_and_no_other() -> None:
    written = _written(tomllib.loads(TEXT))
    defaults = {path: shape.default for path, shape in leaves()}
    # A list of tables without one cannot be written above other tables: it is there as an example.
    assert defaults.pop(("repositories",)) == ()
    assert defaults.pop(("feedback", "retrain")) == ()
    assert defaults.pop(("content", "ai", "profiles")) == ()
    assert defaults.pop(("content", "style", "rules")) == ()
    assert defaults.pop(("content", "style", "overrides")) == ()
    assert defaults.pop(("content", "targets")) == ()
    assert "\n# [[repositories]]\n" in TEXT
    assert "\n# [[feedback.retrain]]\n" in TEXT
    assert "\n# [[content.ai.profiles]]\n" in TEXT
    assert "\n# [[content.style.rules]]\n" in TEXT
    assert "\n# [[content.style.overrides]]\n" in TEXT
    assert "\n# [[content.targets]]\n" in TEXT
    assert set(written) == set(defaults)
    for path, default in defaults.items():
        if path == ("projects",):
            continue
        plain = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        plain = list(plain) if isinstance(plain, tuple) else plain
        assert written[path] == plain, toml.key(str(path[-1]))
        assert type(written[path]) is type(plain)


def test_the_file_is_valid_and_watches_this_repository() -> None:
    loaded = load(default_file(), {})
    assert loaded.settings.model_copy(update={"projects": ()}) == Settings()
    (spec,) = project_specs(loaded.settings, loaded.base)
    assert (spec.name, spec.path) == ("quarterdeck", default_file().parent)
    assert spec.args == ("-m", "not slow and not server and not e2e")


def test_the_projects_come_last_and_all_their_keys_are_explained() -> None:
    before, _, after = TEXT.partition("\n[[projects]]\n")
    assert "[" not in after.replace('["', "").replace("\n", "")
    explained = {line.removeprefix("#   ").split()[0] for line in before.split("\n") if line.startswith("#   ")}
    assert explained >= PROJECT_KEYS


def test_every_key_has_a_comment_above_it() -> None:
    for block in TEXT.partition("\n[[projects]]\n")[0].split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith("[")]
        if any("=" in line and not line.startswith("#") for line in lines):
            assert lines[0].startswith("# "), block


def test_the_commented_examples_are_valid() -> None:
    tables = (
        "repositories",
        "feedback.retrain",
        "content.ai.profiles",
        "content.style.rules",
        "content.style.overrides",
        "content.targets",
        "projects",
    )
    starts = (TEXT.index(f"# [[{table}]]") for table in tables)
    example = "\n".join(TEXT[start : TEXT.index("\n\n", start)].replace("# ", "") for start in starts)
    keys = [line.removeprefix("# ") for line in TEXT.split("\n") if line.startswith('# "')]
    assert len(keys) >= 2
    data = tomllib.loads("\n".join(["[keys]", *keys, example]))
    settings = Settings(**data)
    assert settings.projects[0].name == "trading"
    assert settings.repositories[0].name == "notes"
    assert settings.content.style.rules[0].changes() == {"id": "sentence-length", "most": 25}
