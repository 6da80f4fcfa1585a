"""How long rows wait, told anew while they do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from app.feedback.model import QueueItem
from app.feedback.queue import RUN_OF

_WAITS = re.compile(r"\bwaits \d+ [smhd]$")


def aged(item: QueueItem, now: datetime) -> QueueItem:
    """The item with its age as it is now, where its reason tells one; the very same item where it tells the same."""
    why = _WAITS.sub(lambda _: RUN_OF["oldest"].why(item.row, now), item.why)
    return item if why == item.why else replace(item, why=why)
