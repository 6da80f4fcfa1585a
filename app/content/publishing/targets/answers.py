"""What an answer over HTTP says about whether something was accepted."""

from __future__ import annotations

from app.content.publishing.model import Outcome
from app.http import Answer, NotSentError, UnreachableError

RATE_PAUSE_S = 30.0
"""Where a server says that it is asked too often, and not for how long."""
PAUSE_MOST_S = 86_400.0
TEXT_LONGEST = 300


def unreached(error: UnreachableError, *, repeatable: bool = False) -> Outcome:
    """No answer came. What never left here, or does no harm twice, may be tried again."""
    if isinstance(error, NotSentError) or repeatable:
        return Outcome("retry", str(error))
    return Outcome("unknown", f"{error}; whether it arrived is not known")


def busy(answer: Answer) -> Outcome:
    """It asks for patience: certainly nothing was accepted."""
    asked = answer.retry_after_s
    pause = RATE_PAUSE_S if asked is None else min(asked, PAUSE_MOST_S)
    return Outcome("retry", f"the server asks to wait {pause:g} s", answer.status, pause_s=max(pause, 0.05))


def trouble(answer: Answer, *, repeatable: bool = False) -> Outcome:
    """5xx: behind it the text may have been accepted."""
    text = f"the server is in trouble ({answer.status})"
    if repeatable:
        return Outcome("retry", text, answer.status)
    return Outcome("unknown", f"{text}; whether it arrived is not known", answer.status)


def refused(answer: Answer, text: str, *, disabled: bool = False) -> Outcome:
    """It will not be accepted as it is."""
    return Outcome("disabled" if disabled else "permanent", text, answer.status)


def moved(answer: Answer) -> Outcome:
    """Redirects are not followed: they could lead a text, and the secret of its address, to somebody else."""
    return refused(answer, f"it answers from elsewhere ({answer.status}): write its new address", disabled=True)


def words(answer: Answer) -> str:
    """The beginning of an answer that is no JSON, on one line."""
    text = answer.body[: 4 * TEXT_LONGEST].decode("utf-8", "replace")
    return " ".join(text.split())[:TEXT_LONGEST]
