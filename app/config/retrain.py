"""`[[feedback.retrain]]`: who trains on decided rows, and when they get some."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from app.config.fields import Number, Section, Whole
from app.config.secrets import is_reference
from app.feedback.retrain import schedule

SECRET_LEAST = 16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
_ADDRESS = re.compile(r"https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")
_PLACES = ("{run}", "{pipeline}", "{manifest}", "{data}")
_DAYS = 36_500


class RetrainSettings(Section):
    """One pipeline, as written; `app.settings.retrain_pipelines` makes its folder absolute. Thresholds of 0 are off."""

    name: str
    folder: Path = Path()
    combine: Literal["any", "all"] = "any"
    rows: Literal["accepted", "decided"] = "accepted"
    accepted_rows: Whole = Field(default=100, ge=0, le=100_000)
    labels: tuple[str, ...] = ()
    label_rows: Whole = Field(default=0, ge=0, le=100_000)
    reject_rise: Number = Field(default=0.0, ge=0, le=1)
    psi_above: Number = Field(default=0.0, ge=0, le=100)
    ks_above: Number = Field(default=0.0, ge=0, le=1)
    window_days: Number = Field(default=7.0, gt=0, le=_DAYS)
    baseline_days: Number = Field(default=30.0, gt=0, le=_DAYS)
    least_sample: Whole = Field(default=50, ge=1, le=10_000)
    max_age_days: Number = Field(default=0.0, ge=0, le=_DAYS)
    schedule: str = ""
    timezone: str = ""
    least_rows: Whole = Field(default=1, ge=1, le=100_000)
    most_rows: Whole = Field(default=100_000, ge=1, le=1_000_000)
    cooldown_s: Number = Field(default=3600.0, ge=0, le=_DAYS * 86_400)
    min_agreement: Number = Field(default=0.0, ge=0, le=1)
    free_mb: Whole = Field(default=500, ge=0)
    command: tuple[str, ...] = ()
    webhook: str = ""
    secret: SecretStr = SecretStr("")
    result: Literal["report", "exit"] = "report"
    timeout_s: Number = Field(default=600.0, gt=0, le=_DAYS * 86_400)
    attempts: Whole = Field(default=8, ge=1, le=1000)
    back_off_s: Number = Field(default=30.0, gt=0, le=3600)
    report_within_s: Number = Field(default=86_400.0, gt=0, le=_DAYS * 86_400)
    test_share: Number = Field(default=0.1, ge=0, lt=1)
    split_seed: Whole = 0

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("expected at most 60 letters, digits and . _ - that begin with a letter or digit")
        return name

    @field_validator("label_rows")
    @classmethod
    def _of_labels(cls, number: int, info: ValidationInfo) -> int:
        labels = info.data.get("labels")
        if number and labels is not None and not labels:
            raise ValueError('expected labels beside it, such as labels = ["accepted", "tone"]')
        if number and "rejected" in (labels or ()) and info.data.get("rows") == "accepted":
            raise ValueError('expected rows = "decided" beside the label "rejected": else no rejected row is taken')
        return number

    @field_validator("schedule")
    @classmethod
    def _known_form(cls, text: str) -> str:
        if text:
            schedule.parse(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        schedule.zone_of(name)
        return name

    @field_validator("command")
    @classmethod
    def _a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and (not command[0].strip() or any("\0" in argument for argument in command)):
            raise ValueError('expected a program and its arguments, such as ["python", "train.py", "{manifest}"]')
        if len(command) == 1 and " " in command[0].strip() and not Path(command[0]).expanduser().exists():
            raise ValueError("expected the program and each argument by itself; no program has this name")
        for name in (name for argument in command for name in re.findall(r"\{\w*\}", argument)):
            if name not in _PLACES:
                raise ValueError(f"expected only {', '.join(_PLACES)} in braces; {name} is none of them")
        return command

    @field_validator("webhook")
    @classmethod
    def _address(cls, address: str, info: ValidationInfo) -> str:
        if address and not _ADDRESS.fullmatch(address):
            raise ValueError("expected an address that begins with https:// (http:// only of this machine)")
        if address and info.data.get("command"):
            raise ValueError("expected either a command or a webhook; give the other one a pipeline of its own")
        return address

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        given = secret.get_secret_value()
        if 0 < len(given) < SECRET_LEAST and not is_reference(given):
            raise ValueError(f"expected at least {SECRET_LEAST} characters; write a random text, or leave it empty")
        return secret
