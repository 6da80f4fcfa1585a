"""E-mail over SMTP: plain text with an HTML form whose styles are written into it."""

from __future__ import annotations

import asyncio
import email.utils
import smtplib
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from app.content.model import Part, Publication
from app.content.publishing.model import Change, Final, Outcome, Problem, Target, Text
from app.content.render.html import for_mail
from app.content.render.text import to_text

COLUMNS = 72
SUBJECT_LONGEST = 900
LARGEST = 10 * 1024 * 1024
"""Bytes; many servers take no more."""


class Email:
    """One server with its list of readers."""

    def __init__(self, target: Target, *, timeout_s: float = 20.0) -> None:
        options = target.options
        self._host, self._port, self._tls = str(options["host"]), int(options["port"]), str(options["tls"])
        self._user, self._password = str(options["user"]), str(options["password"])
        self._sender, self._to = str(options["sender"]), tuple(options["to"])
        self._timeout_s = timeout_s

    def final(self, text: Text) -> Final:
        """One mail."""
        body = to_text(text.body, COLUMNS)
        data = {"html": for_mail(text.page) if text.page else "", "author": text.author}
        return Final(text.title, (Part(body, data),) if body.strip() else (), text.body, titled=True)

    def problems(self, final: Final) -> list[Problem]:
        """A mail needs a subject of one line, and has a largest size."""
        found = []
        if not final.title.strip():
            found.append(Problem("empty", "it has no title, which is the mail's subject"))
        if len(final.title) > SUBJECT_LONGEST or "\n" in final.title or "\r" in final.title:
            found.append(Problem("limit", f"the subject is not one line of at most {SUBJECT_LONGEST} characters"))
        size = sum(len(part.text.encode()) + len(str(part.data["html"]).encode()) for part in final.parts)
        if size > LARGEST:
            found.append(Problem("length", f"the mail has {size:,} bytes, at most {LARGEST:,} are sent"))
        return found

    def refuses(self, change: Change) -> str:
        """Mails can be neither changed nor taken back."""
        return f"a mail that was sent cannot be {'changed' if change == 'edit' else 'taken back'}"

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Hand it to the server. Its Message-ID follows from the publication: sent again it is known by it."""
        try:
            message = self._message(publication, part)
        except (MessageError, ValueError) as error:
            return Outcome("permanent", f"it cannot be written as a mail: {error}")
        return await asyncio.to_thread(self._handed, message)

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Mails cannot be changed."""
        return Outcome("permanent", self.refuses("edit"))

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Mails cannot be taken back."""
        return Outcome("permanent", self.refuses("delete"))

    async def close(self) -> None:
        """Nothing is open."""

    def _message(self, publication: Publication, part: Part) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(str(part.data.get("author") or ""), addr_spec=self._sender)
        message["To"] = tuple(Address(addr_spec=address) for address in self._to)
        message["Subject"] = publication.title
        message["Date"] = email.utils.format_datetime(publication.due_at)
        message["Message-ID"] = f"<{publication.id}@{self._sender.rpartition('@')[2]}>"
        message.set_content(part.text)
        if part.data["html"]:
            message.add_alternative(str(part.data["html"]), subtype="html")
        return message

    def _handed(self, message: EmailMessage) -> Outcome:
        try:
            server = self._connected()
        except smtplib.SMTPResponseException as error:
            return _answered(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            return Outcome("permanent", f"the server cannot do what is asked: {error}")
        except ssl.SSLCertVerificationError as error:
            return Outcome("permanent", f"the server's certificate is wrong: {error.verify_message}")
        except (OSError, smtplib.SMTPException) as error:
            # Nothing of the mail was sent yet.
            return Outcome("retry", f"the mail server was not reached: {error}")
        try:
            return self._delivered(server, message)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        try:
            if self._tls == "starttls":
                server.starttls(context=context)
            server.ehlo()
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _delivered(self, server: smtplib.SMTP, message: EmailMessage) -> Outcome:
        identity = str(message["Message-ID"])
        try:
            refused = server.send_message(message, self._sender, self._to)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            told = "; ".join(_told(address, reply) for address, reply in error.recipients.items())
            return _answered(min(codes, default=550), told.encode())
        except smtplib.SMTPResponseException as error:
            return _answered(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            return Outcome("permanent", f"the server cannot do what is asked: {error}")
        except (smtplib.SMTPException, OSError) as error:
            return Outcome("unknown", f"the connection was lost while it was sent ({error}); it may have arrived")
        error_text = "; ".join(_told(address, reply) for address, reply in refused.items())
        told = f"not taken for some readers: {error_text}" if refused else ""
        return Outcome("accepted", told, 250, remote_id=identity)


def _answered(code: int, text: bytes | str) -> Outcome:
    """4xx: later perhaps. 5xx: never as it is."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    told = f"the mail server refuses: {code} {' '.join(words.split())[:500]}"
    if code in (530, 534, 535):
        return Outcome("disabled", f"{told} (user or password are wrong)", code)
    if 400 <= code < 500:
        return Outcome("retry", told, code)
    return Outcome("permanent", told, code)


def _told(address: str, reply: tuple[int, bytes]) -> str:
    return f"{address}: {reply[0]} {reply[1].decode('utf-8', 'replace')}"
