"""The receiver's web application: what is asked of a request, in which order, and what it is answered."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.errors import UserError
from app.feedback.contract import FeedbackIn
from app.feedback.receiver import answers
from app.feedback.receiver.addresses import is_loopback_name
from app.feedback.receiver.intake import Intake, KeyTakenError
from app.feedback.receiver.interactions import Interactions
from app.feedback.receiver.limits import TokenBuckets, TooLongError, discard_body, read_body
from app.feedback.receiver.openapi import document
from app.feedback.receiver.options import BODY_BYTES, KEY_LENGTH, ReceiverOptions
from app.feedback.receiver.refusals import Refusals
from app.feedback.receiver.signatures import GITHUB, GITHUB_DELIVERY, accepted, accepted_from_discord
from app.feedback.rows import ViolationError

FEEDBACK = "/v1/feedback"
INTERACTIONS = "/v1/discord/interactions"

_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_CHARSET = re.compile(r"""\bcharset\s*=\s*"?([^";\s]*)""")
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_LENGTH}}}", re.ASCII)

Endpoint = Callable[[Request], Awaitable[Response]]


class Receiver:
    """The endpoints. `clock` tells the seconds since 1970 that signatures are held against."""

    def __init__(
        self,
        options: ReceiverOptions,
        intake: Intake,
        interactions: Interactions | None = None,
        clock: Callable[[], float] = time.time,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals or Refusals()
        self._options, self._intake, self._interactions, self._clock = options, intake, interactions, clock
        self._buckets = TokenBuckets(options.rate_per_s, options.burst, time.monotonic)

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route(FEEDBACK, self._told(self._feedback), methods=["POST"]),
            Route("/v1/health", self._health, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
        ]
        if self._interactions is not None:
            routes.append(Route(INTERACTIONS, self._told(self._interaction), methods=["POST"]))
        application = Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})
        application.router.redirect_slashes = False
        return application

    def _told(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, whose refusals are told to whoever runs the receiver."""

        async def answered(request: Request) -> Response:
            response = await endpoint(request)
            self._refusals.note(request.client.host if request.client else "", response)
            return response

        return answered

    async def _feedback(self, request: Request) -> Response:
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        options, headers = self._options, request.headers
        if options.secrets and not accepted(headers, body, options.secrets, self._clock()):
            return answers.error(401, "unauthorized")
        key = headers.get("idempotency-key", headers.get(GITHUB_DELIVERY, "") if GITHUB in headers else "")
        if ("idempotency-key" in headers or key) and _KEY.fullmatch(key) is None:
            return answers.error(400, f"Idempotency-Key: expected 1 to {KEY_LENGTH} visible ASCII characters")
        try:
            row = FeedbackIn.model_validate_json(body)
        except ValidationError as error:
            return answers.invalid(error)
        try:
            taken = await self._intake.take(row, size=len(body), key=key, body_hash=hashlib.sha256(body).hexdigest())
        except ViolationError as error:
            return answers.violations([error.violation])
        except KeyTakenError:
            return answers.error(409, "this Idempotency-Key came with another body before")
        except UserError as error:
            return answers.later(answers.RETRY_S, f"cannot be kept now: {error.what}", status=503)
        return answers.taken(taken)

    async def _interaction(self, request: Request) -> Response:
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        if not accepted_from_discord(request.headers, body, self._options.discord_key, self._clock()):
            return answers.error(401, "unauthorized")
        assert self._interactions is not None
        try:
            return JSONResponse(await self._interactions.answer(body))
        except ViolationError as error:
            return answers.violations([error.violation])
        except UserError as error:
            return answers.later(answers.RETRY_S, f"cannot be kept now: {error.what}", status=503)

    async def _body(self, request: Request) -> bytes | Response:
        """The raw body of a request that may be read; else the answer to one that may not."""
        fault = self._look(request)
        # Also what is refused at once takes its token: reading it to its end costs as much as taking it.
        wait = self._buckets.wait_s(request.client.host if request.client else "")
        refusal = answers.later(wait, "too many requests") if wait else fault
        if refusal is not None:
            if (wait and fault is not None) or not await discard_body(request):
                refusal.headers["Connection"] = "close"
            return refusal
        try:
            return await read_body(request, BODY_BYTES, self._options.body_s)
        except TooLongError:
            return answers.error(413, f"at most {BODY_BYTES} bytes are taken", close=True)
        except TimeoutError:
            return answers.error(408, "the body did not come in time", close=True)
        except ClientDisconnect:
            return answers.error(400, "the body was cut off", close=True)

    def _look(self, request: Request) -> Response | None:
        """What is wrong with a request as far as can be said before its body is read."""
        headers, options = request.headers, self._options
        if not options.secrets and request.url.path == FEEDBACK and not is_loopback_name(headers.get("host", "")):
            # A web page may lead its own name to this machine; only a signature tells its requests from others.
            return answers.error(421, "without a secret, only requests to localhost are taken")
        kind, _, more = headers.get("content-type", "").lower().partition(";")
        if kind.strip() != "application/json":
            return answers.error(415, "expected Content-Type: application/json")
        if (charset := _CHARSET.search(more)) is not None and charset[1] not in ("utf-8", "utf8", "us-ascii"):
            return answers.error(415, "expected JSON in UTF-8")
        if headers.get("content-encoding", "identity") != "identity":
            return answers.error(415, "expected a body without Content-Encoding")
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or _DIGITS.fullmatch(length) is None:
            return answers.error(411, "expected a Content-Length, and no chunks")
        if int(length) > BODY_BYTES:
            return answers.error(413, f"at most {BODY_BYTES} bytes are taken")
        return None

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _openapi(self, _request: Request) -> Response:
        return JSONResponse(document(self._options))


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answers.error(error.status_code, error.detail.lower(), headers=error.headers, close=True)


async def _failed(_request: Request, _error: Exception) -> Response:
    return answers.error(500, "a bug in the receiver; its log says more", close=True)
