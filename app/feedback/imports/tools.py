"""The exports of other tools: their column maps, and what tells them apart. See docs/feedback-imports.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.feedback.imports.maps import Map

_INPUTS = ("input", "prompt", "instruction", "question", "query", "text")
_OUTPUTS = ("output", "response", "answer", "completion", "generation", "prediction")


def _under(prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names)


ARGILLA = Map(
    {
        "source_event_id": ("_server_id", "id"),
        "captured_at": ("inserted_at", "updated_at"),
        "input": (*_under("fields", _INPUTS), *_INPUTS),
        "output": (*_under("fields", _OUTPUTS), *_OUTPUTS),
        "author": ("responses.*.*.user_id",),
        "model": ("metadata.model", "suggestions.*.agent"),
        "model_version": ("metadata.model_version",),
        "prompt_version": ("metadata.prompt_version",),
        "score": ("responses.rating.*.value", "responses.score.*.value"),
        "tags": ("responses.label.*.value", "responses.labels.*.value", "suggestions.label.value"),
        "comment": ("responses.comment.*.value", "responses.feedback.*.value"),
    },
    {"source": "argilla"},
    scale=(1, 5),
    utc=True,
)
LABEL_STUDIO = Map(
    {
        "source_event_id": ("id",),
        "captured_at": ("annotations.*.created_at", "created_at"),
        "input": (*_under("data", _INPUTS), *_INPUTS),
        "output": (*_under("data", _OUTPUTS), *_OUTPUTS),
        "author": ("annotations.*.completed_by.email", "annotations.*.completed_by", "annotator"),
        "model": ("data.model",),
        "model_version": ("predictions.*.model_version", "data.model_version"),
        "prompt_version": ("data.prompt_version",),
        "score": ("annotations.*.result.*.value.rating", "rating"),
        "tags": ("annotations.*.result.*.value.choices", "choice", "sentiment", "label"),
        "comment": ("annotations.*.result.*.value.text", "comment"),
    },
    {"source": "label-studio"},
    scale=(1, 5),
    utc=True,
)
LANGFUSE = Map(
    {
        "source_event_id": ("id",),
        "captured_at": ("timestamp", "start_time", "startTime", "created_at", "createdAt"),
        "input": ("input",),
        "output": ("output",),
        "author": ("user_id", "userId"),
        "model": ("provided_model_name", "model", "metadata.model"),
        "model_version": ("version", "release"),
        "prompt_version": ("prompt_version", "promptVersion"),
        "score": ("scores.*.value",),
        "tags": ("tags", "trace_tags", "traceTags"),
        "comment": ("scores.*.comment",),
    },
    {"source": "langfuse"},
    scale=(0, 1),
    utc=True,
)
TOOLS: Mapping[str, Map] = {"argilla": ARGILLA, "label-studio": LABEL_STUDIO, "langfuse": LANGFUSE}


def of(row: Mapping[str, Any]) -> str:
    """The tool that a row comes from, told by its keys; empty where it is none of them."""
    keys = row.keys()
    if "source" in keys and "input" in keys:
        return ""
    if "fields" in keys and keys & {"responses", "suggestions", "_server_id"}:
        return "argilla"
    if "data" in keys and keys & {"annotations", "predictions", "completions"}:
        return "label-studio"
    if keys & {"annotation_id", "lead_time"} and "id" in keys:
        return "label-studio"
    langfuse = {"traceId", "trace_id", "sessionId", "session_id", "observations", "userId", "user_id"}
    if {"id", "input", "output"} <= keys and keys & langfuse:
        return "langfuse"
    return ""
