"""The one error that a user can cause or mend."""

from __future__ import annotations


class UserError(Exception):
    """What happened, where it happened, and what to do about it.

    The command line prints it on standard error and exits with code 2; the app shows it where it happened.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.fix}" if self.fix else text
