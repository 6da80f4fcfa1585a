"""Publishing as the configuration has it."""

from __future__ import annotations

import getpass
import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from app.config.secrets import is_reference, revealed
from app.content.publishing.model import Adapter, Target, Text
from app.content.publishing.publisher import Publisher
from app.settings import Loaded, absolute

if TYPE_CHECKING:
    from app.content.model import Draft
    from app.content.publishing.gate import Check
    from app.content.style.model import Finding
    from app.db.engine import Database
    from app.db.spool import Spool

_TOKEN = re.compile(r"/webhooks/\d+/([\w-]+)")
_CHANNEL = {
    "discord": ("url", "thread_id"),
    "notion": ("token",),
    "email": ("host", "user", "sender"),
    "files": ("folder",),
    "apprise": ("url",),
}
"""What tells the channels of a kind apart."""


def targets(loaded: Loaded) -> tuple[Target, ...]:
    """The targets of `[[content.targets]]`, relative folders from the configuration's."""
    found = []
    for given in loaded.settings.content.targets:
        options: dict[str, Any] = {}
        missing = ""
        for name in type(given).model_fields:
            value = getattr(given, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
                missing = value if is_reference(value) else missing
            options[name] = value
        if given.folder:
            options["folder"] = str(absolute(given.folder, loaded.base))
        told = "\0".join(str(options[name]) for name in _CHANNEL[given.kind])
        queue = f"{given.kind}:{hashlib.sha256(told.encode()).hexdigest()[:24]}"
        found.append(Target(given.name, given.kind, queue, options, missing))
    return tuple(found)


def open_target(target: Target) -> Adapter:
    """What speaks to a target; its kind is loaded here. Raises UserError where a secret of it is not known."""
    revealed(target.missing)
    timeout_s = float(target.options["timeout_s"])
    if target.kind == "discord":
        from app.content.publishing.targets.discord import Discord

        return Discord(target, timeout_s=timeout_s)
    if target.kind == "notion":
        from app.content.publishing.targets.notion import Notion

        return Notion(target, timeout_s=timeout_s)
    if target.kind == "email":
        from app.content.publishing.targets.email import Email

        return Email(target, timeout_s=timeout_s)
    if target.kind == "apprise":
        from app.content.publishing.targets.apprise import Apprise

        return Apprise(target)
    from app.content.publishing.targets.files import Files

    return Files(target)


def publisher(loaded: Loaded, db: Database, spool: Spool) -> Publisher:
    """The publisher of a configuration. Opens nothing yet."""
    return Publisher(
        db, spool, targets(loaded), open_target, partial(_check, loaded), secrets=_secrets(loaded), user=_user()
    )


def text_of(draft: Draft, loaded: Loaded) -> Text:
    """A draft's latest text, with its page."""
    from app.content.asking import templates_folder
    from app.content.templates.drafted import page_of

    page = page_of(draft, draft.body, templates_folder(loaded.settings, loaded.base))
    return Text(draft.title, draft.body, page, loaded.settings.content.author)


def _check(loaded: Loaded, template: str, target: str) -> Check:
    def check(text: str) -> Iterable[Finding]:
        from app.content.styling import style_of

        return style_of(loaded, template, target).check(text.replace("\r\n", "\n")).findings

    return check


def _secrets(loaded: Loaded) -> tuple[str, ...]:
    """All secrets of the configuration, and the tokens inside the addresses of webhooks."""
    known = loaded.secrets()
    return (*known, *(token for secret in known for token in _TOKEN.findall(secret)))


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()[:200]
    return ""
