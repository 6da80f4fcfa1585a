"""`[content.ai]`: the endpoints that help with writing."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from app.config.fields import Number, Section, Whole
from app.config.secrets import is_reference

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
_ADDRESS = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")
_HERE = re.compile(r"http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/.*)?")


class AiProfileSettings(Section):
    """One `[[content.ai.profiles]]`. An empty `url` and `length_field` are those of the kind."""

    name: str
    kind: Literal["openai", "anthropic", "ollama"]
    model: str = Field(min_length=1, max_length=128)
    url: str = ""
    key: SecretStr = SecretStr("")
    max_tokens: Whole = Field(default=4096, ge=1, le=10_000_000)
    length_field: str = Field(default="", pattern=r"^[A-Za-z_]{0,60}$")
    temperature: Number = Field(default=-1.0, ge=-1, le=2)
    price_in: Number = Field(default=0.0, ge=0, le=1_000_000)
    price_out: Number = Field(default=0.0, ge=0, le=1_000_000)
    timeout_s: Number = Field(default=120.0, gt=0, le=3600)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("expected at most 60 letters, digits and . _ - that begin with a letter or digit")
        return name

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not _ADDRESS.fullmatch(url):
            raise ValueError("expected an address such as https://api.openai.com/v1, without a name or key in it")
        return url.rstrip("/")

    @field_validator("key")
    @classmethod
    def _kept_secret(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        secret = key.get_secret_value()
        if is_reference(secret):
            return key
        if secret and re.fullmatch(r"[\x21-\x7e]+", secret) is None:
            raise ValueError("expected a key without blanks and line ends")
        url = str(info.data.get("url", ""))
        if secret and url.startswith("http://") and not _HERE.fullmatch(url):
            raise ValueError(
                "expected a url that begins with https:// beside it: else everybody on the way reads the key"
            )
        return key


class AiSettings(Section):
    """`[content.ai]`: which endpoint is asked, and what shows it the author's voice."""

    profile: str = ""
    voice: tuple[str, ...] = ()
    profiles: tuple[AiProfileSettings, ...] = ()
