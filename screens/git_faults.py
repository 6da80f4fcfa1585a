"""What went wrong, in words for the place where it went wrong."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


def told(error: Exception) -> str:
    """The message of an error that users can mend; of any other, its kind, with the traceback in the log."""
    from app.errors import UserError

    if isinstance(error, UserError):
        text = f"{error.where}: {error.what}" if error.where else error.what
        return f"{text}\n{error.fix}" if error.fix else text
    log.error("a request of the Git screen failed", exc_info=error)
    return f"{type(error).__name__}: {error}\nthe traceback is in the log"
