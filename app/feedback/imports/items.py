"""What a reader of files yields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.feedback.contract import RAW_BYTES
from app.feedback.model import Violation


@dataclass(slots=True)
class Item:
    """One row of a file: at `line` (from 1), with the file's position after it (bytes, or rows where a format has no
    such positions). `value` is the row where the format is not JSON lines; `fault` says that it could not be read.

    `raw` is the row as it stood, cut where `size` says that there was more.
    """

    line: int
    end: int
    raw: bytes
    value: Mapping[str, Any] | None = None
    fault: Violation | None = None
    size: int = 0
    digest: str = ""

    def kept(self) -> tuple[bytes, int, str]:
        """Raw bytes, size and SHA-256 for the quarantine."""
        if self.digest:
            return self.raw[:RAW_BYTES], self.size, self.digest
        return self.raw[:RAW_BYTES], len(self.raw), hashlib.sha256(self.raw).hexdigest()
