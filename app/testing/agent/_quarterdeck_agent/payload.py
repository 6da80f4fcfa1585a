"""What is asked of a run or of a server: a JSON document of any size behind a descriptor."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List


def read_payload(fd: int) -> Dict[str, Any]:
    """Read the JSON document behind a descriptor from its beginning, and close it."""
    parts: List[bytes] = []
    offset = 0
    try:
        while True:
            part = os.pread(fd, 1 << 20, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
    finally:
        os.close(fd)
    payload: Dict[str, Any] = json.loads(b"".join(parts))
    return payload
