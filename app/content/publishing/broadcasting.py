"""The Git area's summaries go to the targets of publishing, by their names.

They are ordered and sent like every text, with leases and attempts; only the style guide is not asked: it is no rule
for the subjects of other people's commits. Secrets still stop a summary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.content.publishing.model import Text
from app.errors import UserError
from app.git import broadcast

if TYPE_CHECKING:
    from app.settings import Loaded

FLUSH_S = 10.0


def join(loaded: Loaded) -> None:
    """Make the configured targets known to `qd git broadcast` and to what tells of pushes."""
    for given in loaded.settings.content.targets:
        broadcast.register(given.name, partial(_made, given.name, loaded))


def _made(name: str, loaded: Loaded, rest: str, base: Path) -> broadcast.Target:
    if rest:
        raise UserError(f"the target {name} takes nothing after its name", fix=f"write {name}")
    return _Published(name, loaded)


@dataclass(frozen=True, slots=True)
class _Published:
    """One target, as the Git area knows it."""

    name: str
    loaded: Loaded

    async def deliver(self, text: str) -> None:
        """Publish it now. Raises UserError where it did not arrive, or nobody knows whether it did."""
        from app.content.publishing.configured import publisher
        from app.events import Bus
        from app.storage import Storage

        async with Storage.opened(self.loaded.settings) as storage:
            storage.spool.start(storage.db, Bus())
            publishing = publisher(self.loaded, storage.db, storage.spool)
            preview = await publishing.preview(_text(text, self.loaded), publishing.target(self.name))
            asked = tuple(problem for problem in preview.problems if problem.kind != "style")
            identity = await publishing.order(replace(preview, problems=asked))
            if not await storage.spool.flush(FLUSH_S):
                fix = "it goes out when it is back and `qd content dispatch` or the app runs"
                raise UserError("the database is away", where=self.name, fix=fix)
            await publishing.dispatcher.once()
            found = (await publishing.find(identity)).publication
        if found.state != "sent":
            what = f"{found.state}: {found.error}" if found.error else str(found.state)
            raise UserError(what, where=self.name, fix=f"see `qd content deliveries`; its id is {identity}")


def _text(text: str, loaded: Loaded) -> Text:
    """A summary with its first line as title, and its page."""
    from app.content.render.html import to_html
    from app.content.render.text import to_text
    from app.content.templates.page import About, page
    from app.db.types import utc_now

    title = to_text(text.lstrip().partition("\n")[0]).strip() or "Summary"
    about = About(title, "summary", "Summary", utc_now().date().isoformat(), len(text.split()))
    return Text(title, text, page(to_html(text, foreign=True), about), loaded.settings.content.author)
