"""What the receiver answers, always as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from app.feedback import texts
from app.feedback.model import Violation
from app.feedback.receiver.intake import Taken

FIELDS_TOLD = 50
RETRY_S = 5


def taken(answer: Taken) -> Response:
    """202 where something was taken in, 200 where the very request was answered before."""
    status = 200 if answer.repeated else 202
    return JSONResponse({"id": answer.id, "status": answer.status}, status)


def error(status: int, text: str, *, headers: Mapping[str, str] | None = None, close: bool = False) -> Response:
    """An error; `close` ends the connection, on which the rest of a request may be under way."""
    return JSONResponse({"error": text}, status, {**(headers or {}), **({"Connection": "close"} if close else {})})


def later(seconds: float, text: str, status: int = 429) -> Response:
    """Come back in so many seconds."""
    wait = max(1, ceil(seconds))
    return error(status, text, headers={"Retry-After": str(wait)})


def violations(found: Sequence[Violation]) -> Response:
    """422 with every field that broke the contract."""
    fields = [{"field": each.field, "reason": each.reason} for each in found[:FIELDS_TOLD]]
    return JSONResponse({"error": "the row breaks the contract", "fields": fields}, 422)


def invalid(problem: ValidationError) -> Response:
    """400 where the body is no JSON, else 422."""
    details = problem.errors(include_url=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return error(400, texts.clean(f"the body is not valid JSON: {_reason(details[0])}"))
    return violations([Violation(_place(detail), _reason(detail)) for detail in details])


def _place(detail: Mapping[str, Any]) -> str:
    return texts.clean(".".join(str(part) for part in detail["loc"]))[:200]


def _reason(detail: Mapping[str, Any]) -> str:
    kind = detail["type"]
    if kind == "json_invalid":
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    if kind == "extra_forbidden":
        return "is no field of the contract"
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return "expected a JSON object"
    message = str(detail["msg"])
    return texts.clean(message[:1].lower() + message[1:])
