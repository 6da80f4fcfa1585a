"""The contract of what a run hands to its consumer, and of what the consumer reports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.contract import RecordId, StrictRecord
from app.feedback.contract import FeedbackOut, Text

METRICS = 200

Metric = Annotated[float, Field(allow_inf_nan=False)]
MetricName = Annotated[str, Field(min_length=1, max_length=128)]


class TrainingRow(FeedbackOut):
    """A line of a run's data: the row as it is exported, with the one decision that the run was fired on.

    `split` is the same for rows with the same input, so that nothing of the test part is trained on.
    """

    state: Literal["accepted", "rejected"]
    split: Literal["train", "test"]


class RunReport(StrictRecord):
    """How a run went, as its consumer tells."""

    schema_version: Literal[1] = 1
    run_id: RecordId
    ok: bool
    metrics: Annotated[dict[MetricName, Metric], Field(max_length=METRICS, default_factory=dict)]
    note: Text | None = None
    at: AwareDatetime
