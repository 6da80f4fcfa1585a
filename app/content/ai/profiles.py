"""The profiles of the configuration as endpoints that can be asked."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

from app.config.ai import AiProfileSettings, AiSettings
from app.config.secrets import revealed
from app.content.ai.model import Profile
from app.content.ai.wires import URLS
from app.errors import UserError

OPENAI = "api.openai.com"
HOW = "add [[content.ai.profiles]] to the configuration with name, kind, model and key; docs/content.md shows how"


def choose(settings: AiSettings, name: str = "") -> Profile:
    """The profile of this name, else the configured one, else the first. Raises UserError where there is none, or
    where its key is not known."""
    if not settings.profiles:
        raise UserError("no AI is configured", fix=HOW)
    wanted = name or settings.profile
    for given in settings.profiles:
        if not wanted or given.name.casefold() == wanted.casefold():
            return _profile(given)
    known = ", ".join(given.name for given in settings.profiles)
    where = "--profile" if name else "content.ai.profile"
    raise UserError(f"there is no AI profile {wanted[:60]!r}", where=where, fix=f"there are {known}")


def check_key(profile: Profile) -> None:
    """Raise UserError where the endpoint takes no question without a key and the profile has none."""
    if profile.key or (profile.kind != "anthropic" and urlsplit(profile.url).hostname != OPENAI):
        return
    name = "ANTHROPIC_API_KEY" if profile.kind == "anthropic" else "OPENAI_API_KEY"
    fix = (
        f'store it with `python -m keyring set quarterdeck {profile.name}` and write key = "keyring:{profile.name}" in '
        f'its [[content.ai.profiles]], or key = "env:{name}"'
    )
    raise UserError("no key is configured", where=f"{profile.name} ({profile.url})", fix=fix)


def _profile(given: AiProfileSettings) -> Profile:
    url = given.url or URLS[given.kind]
    length = {"anthropic": "max_tokens", "ollama": "num_predict"}.get(given.kind, "max_tokens")
    if given.kind == "openai" and urlsplit(url).hostname == OPENAI:
        length = "max_completion_tokens"
    known = bool(given.price_in or given.price_out)
    return Profile(
        name=given.name,
        kind=given.kind,
        url=url,
        model=given.model,
        key=revealed(given.key.get_secret_value()),
        max_tokens=given.max_tokens,
        length_field=given.length_field or length,
        temperature=None if given.temperature < 0 else given.temperature,
        price_in=Decimal(str(given.price_in)) if known else None,
        price_out=Decimal(str(given.price_out)) if known else None,
        timeout_s=given.timeout_s,
    )
