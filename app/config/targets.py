"""`[[content.targets]]`: where texts are published."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from app.config.fields import Flag, Number, Section, Whole
from app.config.secrets import is_reference
from app.content.model import TargetKind

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
_LOCAL = r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?"
_ADDRESS = re.compile(rf"(?:https://|{_LOCAL})\S*")
_WEBHOOK = re.compile(
    rf"(?:https://(?:ptb\.|canary\.)?discord(?:app)?\.com|{_LOCAL})/api(?:/v\d+)?/webhooks/\d{{1,20}}/[\w-]{{1,200}}/?"
    r"(?:\?thread_id=\d{1,20})?"
)
_NEEDED: dict[str, tuple[str, ...]] = {
    "discord": ("url",),
    "notion": ("token", "parent"),
    "email": ("host", "sender", "to"),
    "files": ("folder",),
    "apprise": ("url",),
}
_CALLED = ("users", "roles", "everyone")


class TargetSettings(Section):
    """One target, as written. Each kind reads the keys that concern it."""

    name: str
    kind: TargetKind
    url: SecretStr = Field(default=SecretStr(""), validate_default=True)
    thread_id: str = Field(default="", pattern=r"^[0-9]{0,20}$")
    username: str = Field(default="", max_length=80)
    mentions: tuple[str, ...] = ()
    embed: Flag = False
    token: SecretStr = Field(default=SecretStr(""), validate_default=True)
    parent: str = Field(default="", validate_default=True)
    parent_kind: Literal["page", "data_source"] = "page"
    id_property: str = Field(default="", max_length=200)
    blocks: Flag = False
    api: str = "https://api.notion.com/v1"
    host: str = Field(default="", validate_default=True)
    port: Whole = Field(default=587, ge=1, le=65_535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(default="", validate_default=True)
    to: tuple[str, ...] = Field(default=(), max_length=100, validate_default=True)
    folder: str = Field(default="", validate_default=True)
    format: Literal["both", "markdown", "html"] = "both"
    address: str = ""
    title: str = Field(default="", max_length=200)
    timeout_s: Number = Field(default=20.0, gt=0, le=50)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("expected at most 60 letters, digits and . _ - that begin with a letter or digit")
        if name.casefold() in ("file", "stdout"):
            raise ValueError(f'expected another name: "{name}" is a kind of target of `qd git broadcast`')
        return name

    @field_validator("url")
    @classmethod
    def _right_address(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        given = url.get_secret_value()
        if is_reference(given):
            return url
        if given and info.data.get("kind") == "discord" and not _WEBHOOK.fullmatch(given):
            raise ValueError(
                "expected the address of a webhook, as Discord shows it: https://discord.com/api/webhooks/…"
            )
        return url

    @field_validator("username")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if any(word in name.casefold() for word in ("clyde", "discord")):
            raise ValueError('expected a name without "clyde" and "discord", which Discord refuses')
        return name

    @field_validator("api", "address")
    @classmethod
    def _web_address(cls, address: str) -> str:
        if address and not _ADDRESS.fullmatch(address):
            raise ValueError("expected an address that begins with https:// (http:// only of this machine)")
        return address

    @field_validator("tls")
    @classmethod
    def _not_open(cls, tls: str, info: ValidationInfo) -> str:
        if tls == "none" and info.data.get("host") not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError('expected "starttls" or "implicit": only a server of this machine is spoken to openly')
        return tls

    @field_validator("sender", "to")
    @classmethod
    def _mail_addresses(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not given:
            return given
        # Needed by few configurations, and slow to load.
        from email.errors import MessageError
        from email.headerregistry import Address

        for address in (given,) if isinstance(given, str) else given:
            try:
                fine = bool(Address(addr_spec=address).domain)
            except (MessageError, ValueError, IndexError):
                fine = False
            if not fine:
                raise ValueError(f"expected addresses such as anna@example.org, got {address[:80]!r}")
        return given

    @field_validator("mentions")
    @classmethod
    def _who_is_called(cls, mentions: tuple[str, ...]) -> tuple[str, ...]:
        if any(mention not in _CALLED for mention in mentions):
            raise ValueError('expected some of "users", "roles" and "everyone"')
        return mentions

    @field_validator("url", "token", "parent", "host", "sender", "to", "folder")
    @classmethod
    def _needed(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind", "")
        given = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not given and info.field_name in _NEEDED.get(kind, ()):
            raise ValueError(f"expected a value: a target of the kind {kind} needs it")
        return value


assert set(_NEEDED) == set(get_args(TargetKind))
