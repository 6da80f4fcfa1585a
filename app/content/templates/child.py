"""The process in which a template that came from somebody else is filled: little memory, little time, no files to
write. Reads one job from standard input and prints its outcome, both as JSON."""

from __future__ import annotations

import json
import resource
import sys

MEMORY = 256 * 1024 * 1024
CPU_S = 2


def main() -> None:
    """Fill what is asked for."""
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_FSIZE: 8 * 1024 * 1024,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    from app.content.templates.fill import work
    from app.errors import UserError

    job = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    try:
        found: dict[str, object] = {"texts": work(job)}
    except UserError as error:
        found = {"error": {"what": error.what, "where": error.where, "fix": error.fix}}
    sys.stdout.buffer.write(json.dumps(found).encode())


if __name__ == "__main__":
    main()
