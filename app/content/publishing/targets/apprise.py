"""Any address that the library Apprise knows; it is an extra of the installation."""

from __future__ import annotations

import asyncio
from typing import Any

from app.content.model import Part, Publication
from app.content.publishing.model import Change, Final, Outcome, Problem, Target, Text
from app.content.render.text import to_text
from app.errors import UserError

INSTALL = 'pip install "quarterdeck[apprise]"'


class Apprise:
    """One address. Raises UserError where Apprise is not installed, or does not know it."""

    def __init__(self, target: Target) -> None:
        self._url = str(target.options["url"])
        self._service = _made(self._url, target.name)

    def final(self, text: Text) -> Final:
        """Markdown, or plain text where the service has no Markdown."""
        plain = str(getattr(self._service, "notify_format", "text")).rpartition(".")[2].lower() != "markdown"
        body = to_text(text.body) if plain else text.body
        data = {"format": "text" if plain else "markdown"}
        return Final(text.title, (Part(body, data),) if body.strip() else (), text.body, titled=True)

    def problems(self, final: Final) -> list[Problem]:
        """What the service would cut off."""
        most = int(getattr(self._service, "body_maxlen", 0))
        long = [part for part in final.parts if most and len(part.text) > most]
        return [Problem("length", f"it has {len(part.text)} characters, the service takes {most}") for part in long]

    def refuses(self, change: Change) -> str:
        """Apprise sends only."""
        return f"what was sent through Apprise cannot be {'changed' if change == 'edit' else 'taken back'}"

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Send it. Apprise does not say why something failed, nor whether it arrived."""
        sent = await asyncio.to_thread(self._notify, publication.title, part)
        if sent:
            return Outcome("accepted", remote_id=publication.id)
        return Outcome("unknown", "the service reports a failure; whether it arrived is not known")

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Apprise sends only."""
        return Outcome("permanent", self.refuses("edit"))

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Apprise sends only."""
        return Outcome("permanent", self.refuses("delete"))

    async def close(self) -> None:
        """Nothing is open."""

    def _notify(self, title: str, part: Part) -> bool:
        import apprise

        sender = apprise.Apprise()
        sender.add(self._service)
        return bool(sender.notify(body=part.text, title=title, body_format=part.data["format"]))


def _made(url: str, name: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise UserError("Apprise is not installed", where=name, fix=f"install it: {INSTALL}") from None
    made = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if made is None:
        raise UserError("Apprise does not know this address", where=name, fix="correct the url of the target")
    return made
