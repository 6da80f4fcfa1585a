"""The typed tree of settings. Every key, its type, its bounds and its default stand here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.config.content import ContentSettings
from app.config.fields import Flag, Number, Section, Whole
from app.config.retrain import RetrainSettings
from app.config.secrets import is_reference
from app.git.names import ref_problem, template_fields

_BACKENDS = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql", "sqlite", "sqlite+pysqlite")
_ADDRESS = '"mysql://user:password@host:3306/quarterdeck"'
FETCH_LEAST_S = 60.0
"""Seconds; asking a server more often than that is no courtesy."""
SECRET_LEAST = 16
"""Characters of a secret that signs requests; shorter ones can be guessed."""
_PROJECT_NAME = re.compile(r"\w[\w .+-]{0,59}")


class UiSettings(Section):
    """`[ui]`: how the app looks and where it starts."""

    theme: str = "quarterdeck"
    start: str = ""
    editor: str = ""
    clock: Flag = True


class DatabaseSettings(Section):
    """`[database]`: where results are kept. Without a URL, in a file of our own."""

    url: SecretStr = SecretStr("")
    pool_size: Whole = Field(default=4, ge=1, le=64)
    connect_timeout_s: Number = Field(default=5.0, gt=0, le=300)
    read_timeout_s: Number = Field(default=30.0, gt=0, le=3600)
    recycle_s: Whole = Field(default=1800, ge=1)

    @field_validator("url")
    @classmethod
    def _known_backend(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value().strip()
        if text:
            _check_address(text)
        return url


def _check_address(text: str) -> None:
    """Messages quote no part of the address: it may hold a password."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _BACKENDS:
        raise ValueError(
            f"expected an address that begins with mysql://, mariadb:// or sqlite:///; write {_ADDRESS}, "
            'or "" for the embedded database'
        )
    server, _, database = rest.rpartition("@")[2].partition("/")
    if not scheme.startswith("sqlite") and not database.partition("?")[0]:
        raise ValueError(f"the address names no database; write {_ADDRESS}")
    port = server.rpartition("]")[2].partition(":")[2]
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(
            f"the address has no right port; write {_ADDRESS}, and characters such as @ : / of the password "
            "as %40 %3A %2F"
        )


class LogSettings(Section):
    """`[log]`: the app's own log file."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_mb: Whole = Field(default=5, ge=1, le=1000)
    files: Whole = Field(default=3, ge=1, le=100)


class TestsSettings(Section):
    """`[tests]`: how all projects are run and watched."""

    __test__ = False

    run: Literal["all", "affected"] = "all"
    on_start: Flag = True
    warm: Flag = True
    timeout_s: Number = Field(default=600.0, ge=0)
    memory_mb: Whole = Field(default=0, ge=0)
    output_kb: Whole = Field(default=256, ge=1, le=102_400)
    verify: Flag = True
    verify_every_s: Number = Field(default=3600.0, ge=60)
    verify_idle_s: Number = Field(default=300.0, ge=0)
    polling: Literal["auto", "always", "never"] = "auto"
    poll_s: Number = Field(default=1.0, ge=0.1, le=3600)
    keep_runs: Whole = Field(default=2000, ge=1)


def _plain_name(name: str) -> str:
    if not _PROJECT_NAME.fullmatch(name):
        raise ValueError(
            "expected a name of at most 60 letters, digits, spaces and . _ + - that begins with a letter or digit"
        )
    return name


def _some_path(path: object) -> object:
    if isinstance(path, str) and (not path.strip() or "\0" in path):
        raise ValueError('expected a folder; write "~/code/trading", or "." for the folder of this file')
    return path


class ProjectSettings(Section):
    """`[[projects]]`: one project to watch, as written; `app.settings.project_specs` makes its paths absolute."""

    name: str
    path: Path
    python: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    watch: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    _plain_name = field_validator("name")(_plain_name)
    _some_path = field_validator("path", mode="before")(_some_path)

    @field_validator("env")
    @classmethod
    def _names_of_variables(cls, env: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in env.items():
            if not name or "=" in name or "\0" in name + value:
                raise ValueError(f"no variable of the environment can be called {name!r} or hold a NUL")
        return env


class NamingSettings(Section):
    """`[git.naming]`: how branches are to be called. Without a pattern every name is right."""

    pattern: str = ""
    template: str = ""
    examples: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _right_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"expected a regular expression ({error})") from None
        return pattern

    @field_validator("template")
    @classmethod
    def _known_parts(cls, template: str, info: ValidationInfo) -> str:
        try:
            fields = template_fields(template)
        except ValueError as error:
            raise ValueError(f"expected a template; {error}") from None
        pattern = info.data.get("pattern")
        if pattern:
            groups = re.compile(pattern).groupindex
            for name in fields:
                if name not in groups:
                    raise ValueError(f"expected parts that the pattern names; write (?P<{name}>…) in the pattern")
        return template

    @field_validator("examples")
    @classmethod
    def _examples_follow_the_rule(cls, examples: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        pattern = info.data.get("pattern")
        for example in examples:
            why = ref_problem(example)
            if why:
                raise ValueError(f'expected names that git takes; "{example}" is none: {why}')
            if pattern and not re.fullmatch(pattern, example):
                raise ValueError(f'expected names that the pattern fits; "{example}" is none')
        return examples


class BroadcastSettings(Section):
    """`[git.broadcast]`: what is told of pushes, merges and tags, and to whom. Without a target, nothing."""

    to: tuple[str, ...] = ()
    events: tuple[str, ...] = ("push", "merge", "tag")
    branches: tuple[str, ...] = ("**",)
    templates: str = ""

    @field_validator("to")
    @classmethod
    def _some_target(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for target in to:
            scheme, separator, rest = target.partition(":")
            if scheme == "file" or separator:
                fine = bool(scheme and rest)
            else:
                fine = _PROJECT_NAME.fullmatch(scheme) is not None
            if not fine:
                known = 'expected targets such as "file:~/broadcast.md" or "stdout"'
                raise ValueError(f"{known}, or the name of one of [[content.targets]]")
        return to

    @field_validator("events")
    @classmethod
    def _known_event(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        if not {"push", "merge", "tag"}.issuperset(events):
            raise ValueError('expected some of "push", "merge" and "tag"')
        return events


class GitSettings(Section):
    """`[git]`: what holds for all repositories."""

    fetch_every_s: Number = 0.0
    stale_days: Whole = Field(default=60, ge=1, le=36_500)
    protected: tuple[str, ...] = ("main", "master")
    large_file_mb: Number = Field(default=5.0, gt=0, le=1_000_000)
    naming: NamingSettings = NamingSettings()
    broadcast: BroadcastSettings = BroadcastSettings()

    @field_validator("fetch_every_s")
    @classmethod
    def _not_too_often(cls, seconds: float) -> float:
        if seconds and seconds < FETCH_LEAST_S:
            raise ValueError(f"expected 0 (only when asked) or at least {FETCH_LEAST_S:g}")
        return seconds


class ReceiverSettings(Section):
    """`[feedback.receiver]`: where `qd feedback serve` listens, and for whom."""

    host: str = "127.0.0.1"
    port: Whole = Field(default=8474, ge=0, le=65535)
    secret: SecretStr = SecretStr("")
    previous_secret: SecretStr = SecretStr("")
    rate_per_s: Number = Field(default=1000.0, gt=0, le=1_000_000)
    burst: Whole = Field(default=2000, ge=1, le=1_000_000)

    @field_validator("secret", "previous_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        given = secret.get_secret_value()
        if 0 < len(given) < SECRET_LEAST and not is_reference(given):
            raise ValueError(f"expected at least {SECRET_LEAST} characters; write a random text, or leave it empty")
        return secret


class DiscordSettings(Section):
    """`[feedback.discord]`: the channels that feedback is read from, and the application whose buttons give it."""

    token: SecretStr = SecretStr("")
    channels: tuple[str, ...] = ()
    poll_s: Number = Field(default=60.0, ge=5, le=86_400)
    history: Whole = Field(default=100, ge=1, le=100_000)
    good: tuple[str, ...] = ("👍",)
    bad: tuple[str, ...] = ("👎",)
    names: Flag = False
    public_key: str = ""
    api: str = "https://discord.com/api/v10"

    @field_validator("channels")
    @classmethod
    def _ids(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if any(re.fullmatch(r"[0-9]{1,20}", channel) is None for channel in channels):
            raise ValueError('expected ids of channels, such as ["1009876543210987654"]')
        return channels

    @field_validator("public_key")
    @classmethod
    def _key(cls, key: str) -> str:
        if key and re.fullmatch(r"[0-9a-fA-F]{64}", key) is None:
            raise ValueError("expected the application's public key: 64 hexadecimal digits")
        return key

    @field_validator("api")
    @classmethod
    def _address(cls, api: str) -> str:
        if re.fullmatch(r"https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?", api) is None:
            raise ValueError("expected an address that begins with https://")
        return api


class FeedbackSettings(Section):
    """`[feedback]`: where feedback comes from, and where it goes."""

    reviewer: str = Field(default="", max_length=128)
    rubric_version: str = Field(default="", max_length=128)
    order: Literal["oldest", "worst", "uncertain", "cluster", "newest_model"] = "oldest"
    reshow_share: Number = Field(default=0.04, ge=0, le=0.5)
    receiver: ReceiverSettings = ReceiverSettings()
    discord: DiscordSettings = DiscordSettings()
    retrain: tuple[RetrainSettings, ...] = ()


class RepositorySettings(Section):
    """`[[repositories]]`: one repository to follow, as written; `app.settings.repository_specs` makes it absolute."""

    name: str
    path: Path
    remote: str = ""
    default_branch: str = ""
    fetch_every_s: Number = 0.0

    _plain_name = field_validator("name")(_plain_name)
    _some_path = field_validator("path", mode="before")(_some_path)

    @field_validator("default_branch")
    @classmethod
    def _branch_name(cls, name: str) -> str:
        why = ref_problem(name) if name else ""
        if why:
            raise ValueError(f"expected the name of a branch without refs/heads/; {why}")
        return name

    @field_validator("fetch_every_s")
    @classmethod
    def _not_too_often(cls, seconds: float) -> float:
        if seconds not in (0, -1) and seconds < FETCH_LEAST_S:
            raise ValueError(f"expected 0 (as [git] says), -1 (only when asked) or at least {FETCH_LEAST_S:g}")
        return seconds


class Settings(BaseSettings):
    """The whole configuration. `Settings()` is all defaults; `app.settings.load` reads the file and the environment."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, env_prefix="QUARTERDECK_", env_nested_delimiter="__"
    )

    ui: UiSettings = UiSettings()
    keys: Mapping[str, str] = {}
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings = LogSettings()
    tests: TestsSettings = TestsSettings()
    git: GitSettings = GitSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    content: ContentSettings = ContentSettings()
    repositories: tuple[RepositorySettings, ...] = ()
    projects: tuple[ProjectSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values come in from `load`, which remembers where each stood; nothing is read behind its back."""
        return (init_settings,)
