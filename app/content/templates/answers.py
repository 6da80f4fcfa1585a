"""The last answers to each template's fields: what they are asked with next time. Losing them costs little."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.content.model import Template
from app.content.templates.values import remembers
from app.files import replace_text

FILE = "content/answers.json"


def recall(folder: Path, template: Template) -> Mapping[str, Any]:
    """The last answers to this template."""
    found = _read(folder / FILE).get(template.id)
    return found if isinstance(found, dict) else {}


def keep(folder: Path, template: Template, values: Mapping[str, Any]) -> None:
    """Remember the answers of the fields that are remembered."""
    kept = {field.name: values[field.name] for field in template.fields if remembers(field) and field.name in values}
    everything = {**_read(folder / FILE), template.id: kept}
    with contextlib.suppress(OSError):
        replace_text(folder / FILE, json.dumps(everything, ensure_ascii=False))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
