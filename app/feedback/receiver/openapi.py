"""The OpenAPI document of the receiver, made from the contract."""

from __future__ import annotations

from functools import cache
from typing import Any

from app import __version__
from app.feedback.capture import KEYS_KEPT
from app.feedback.contract import FeedbackIn
from app.feedback.receiver.options import BODY_BYTES, KEY_LENGTH, STALE_S, ReceiverOptions

_DESCRIPTION = f"""Takes feedback rows, one a request, of at most {BODY_BYTES} bytes.

202 means that the row would survive a power loss, whether or not the database is up. A row whose `source` and
`source_event_id` (without one: whose content) were seen before is a duplicate. It is quarantined where the one that was
seen before, which `id` names, had other content. Repeat a request whose answer was lost; with `Idempotency-Key` it is
then answered with 200, for {KEYS_KEPT.days} days, and another body under the same key with 409.

`X-Quarterdeck-Signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256, in hexadecimal, over SECONDS, a full stop and the raw
body; SECONDS since 1970 may be off by {STALE_S}. While secrets change there may be several `v1`."""

_TEXT = {"type": "string"}
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}


def document(options: ReceiverOptions) -> dict[str, Any]:
    """The document for a receiver that is set up like this."""
    return _document(bool(options.secrets), bool(options.discord_key))


@cache
def _document(signed: bool, discord: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/v1/feedback": {"post": _feedback(signed)},
        "/v1/health": {"get": _get("health", "Whether the receiver answers.", {"$ref": "#/components/schemas/Health"})},
        "/openapi.json": {"get": _get("openapi", "This document.", {"type": "object"})},
    }
    if discord:
        paths["/v1/discord/interactions"] = {"post": _interactions()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quarterdeck feedback receiver", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "signature": {"type": "apiKey", "in": "header", "name": "X-Quarterdeck-Signature"},
                "github": {"type": "apiKey", "in": "header", "name": "X-Hub-Signature-256"},
                "discord": {"type": "apiKey", "in": "header", "name": "X-Signature-Ed25519"},
            },
        },
    }


def _feedback(signed: bool) -> dict[str, Any]:
    responses = {
        "200": _json("The very request was answered before.", "Taken"),
        "202": _json("The row is kept, or was kept before.", "Taken"),
        "409": _json("The Idempotency-Key came with another body before.", "Error"),
        "422": _json("The row breaks the contract.", "Violations"),
        **_common(),
    }
    operation: dict[str, Any] = {
        "operationId": "takeFeedback",
        "summary": "Take one row.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": r"^[\x21-\x7e]+$"},
            }
        ],
        "requestBody": _body({"$ref": "#/components/schemas/FeedbackIn"}),
        "responses": responses,
    }
    if signed:
        operation["security"] = [{"signature": []}, {"github": []}]
        responses["401"] = _json("No signature that is right and fresh.", "Error")
    else:
        responses["421"] = _json("The request was sent to a name that is not this machine's.", "Error")
    return operation


def _interactions() -> dict[str, Any]:
    return {
        "operationId": "discordInteraction",
        "summary": "Discord's interactions endpoint.",
        "security": [{"discord": []}],
        "parameters": [{"name": "X-Signature-Timestamp", "in": "header", "required": True, "schema": _TEXT}],
        "requestBody": _body({"type": "object"}),
        "responses": {
            "200": _json("The answer to the interaction.", "Interaction"),
            "401": _json("No signature that is right and fresh.", "Error"),
            "422": _json("No interaction that is known.", "Violations"),
            **_common(),
        },
    }


def _common() -> dict[str, Any]:
    return {
        "400": _json("The request makes no sense, or its body is not valid JSON.", "Error"),
        "408": _json("The body did not come in time.", "Error"),
        "411": _json("Content-Length is missing.", "Error"),
        "413": _json(f"More than {BODY_BYTES} bytes.", "Error"),
        "415": _json("Not application/json.", "Error"),
        "429": {**_json("Too many requests.", "Error"), "headers": _RETRY},
        "503": {**_json("The row cannot be kept now.", "Error"), "headers": _RETRY},
    }


def _get(name: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    found = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "summary": summary, "responses": {"200": found}}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _json(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _schemas() -> dict[str, Any]:
    row = FeedbackIn.model_json_schema(ref_template="#/components/schemas/{model}")
    return {
        **row.pop("$defs", {}),
        "FeedbackIn": row,
        "Taken": _object(id=_TEXT, status={"enum": ["created", "duplicate", "quarantined"]}),
        "Error": _object(error=_TEXT),
        "Violations": _object(error=_TEXT, fields={"type": "array", "items": _object(field=_TEXT, reason=_TEXT)}),
        "Interaction": _object(type={"type": "integer"}),
        "Health": _object(status={"const": "ok"}),
    }
