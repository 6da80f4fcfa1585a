"""Names for people that are always the same and lead back to nobody."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

FILE = "pseudonyms.key"
_BYTES = 32


class Pseudonyms:
    """Gives every account one name, made with a key that stays on this machine."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def in_folder(cls, folder: Path) -> Pseudonyms:
        """With the key in this folder, which is made where there is none."""
        path = folder / FILE
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{FILE}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_bytes(os.urandom(_BYTES))
            try:
                # Two processes may both make one: the first one counts.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return cls(path.read_bytes())

    def of(self, account: str) -> str:
        """The name of an account of Discord."""
        digest = hmac.new(self._key, f"discord:{account}".encode(), hashlib.sha256).hexdigest()
        return f"discord-{digest[:16]}"
