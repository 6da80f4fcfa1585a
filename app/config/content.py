"""`[content]`: how texts are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from app.config.ai import AiSettings
from app.config.fields import Flag, Section, Whole
from app.config.targets import TargetSettings

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")


class StyleRuleSettings(Section):
    """One `[[content.style.rules]]`: a rule of the user's own, or what is different about a shipped one."""

    id: str
    kind: Literal["", "replace", "ban", "limit", "require", "tone"] = ""
    message: str = ""
    severity: Literal["", "error", "warn", "info"] = ""
    fix: Literal["", "safe", "suggest", "none"] = ""
    scope: tuple[str, ...] = ()
    using: str = ""
    pattern: str = ""
    replacement: str = ""
    swap: Mapping[str, str] = {}
    words: tuple[str, ...] = ()
    inflect: Flag = False
    allowed: tuple[str, ...] = ()
    exact: Flag = False
    most: Whole = Field(default=0, ge=0, le=100_000)
    keys: tuple[str, ...] = ()

    @field_validator("id")
    @classmethod
    def _plain_id(cls, name: str) -> str:
        if not _ID.fullmatch(name):
            raise ValueError("expected a name of small letters, digits and . _ - such as sentence-length")
        return name

    @field_validator("pattern")
    @classmethod
    def _right_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"expected a regular expression ({error})") from None
        return pattern

    def changes(self) -> Mapping[str, Any]:
        """What is written there, and no defaults."""
        return self.model_dump(exclude_unset=True)


class StyleOverrideSettings(Section):
    """One `[[content.style.overrides]]`: what is different for a template's texts or for a target."""

    template: str = ""
    target: str = ""
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}


class EmDashSettings(Section):
    """`[content.style.em_dash]`."""

    replacement: Literal["ellipsis", "comma", "colon", "period"] = "ellipsis"


class EllipsisSettings(Section):
    """`[content.style.ellipsis]`."""

    form: Literal["...", "…"] = "..."


class StyleSettings(Section):
    """`[content.style]`: the style guide, where it differs from the house style."""

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}
    emoji: tuple[str, ...] = ("✅", "❌", "⚠️")
    quotes: Flag = True
    vale: Flag = True
    em_dash: EmDashSettings = EmDashSettings()
    ellipsis: EllipsisSettings = EllipsisSettings()
    rules: tuple[StyleRuleSettings, ...] = ()
    overrides: tuple[StyleOverrideSettings, ...] = ()


class NotesSettings(Section):
    """`[content.notes]`."""

    folder: str = ""


class ContentSettings(Section):
    """`[content]`: texts, the templates they are made of, and the style they are written in."""

    templates: str = ""
    author: str = Field(default="", max_length=120)
    time_zone: str = ""
    ai: AiSettings = AiSettings()
    notes: NotesSettings = NotesSettings()
    style: StyleSettings = StyleSettings()
    targets: tuple[TargetSettings, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            if name:
                ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            raise ValueError("expected the name of a time zone, such as Europe/Berlin") from None
        return name
