"""Whether a folder lies on a file system that other machines write to."""

from __future__ import annotations

import os
from pathlib import Path

_SHARED = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "vboxsf", "prl_fs", "fuse.vmhgfs-fuse"),
    }
)


def shared_type(path: str, table: str = "/proc/self/mountinfo") -> str:
    """The type of the shared file system that `path` is on; empty when it is local, or cannot be told."""
    try:
        lines = Path(table).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    path = os.path.realpath(path)
    longest, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape") if "\\" in line else fields[4]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one place, the later one is seen.
        if inside and len(point) >= longest:
            longest, kind = len(point), after.split()[0]
    return kind if kind in _SHARED else ""
