"""Findings of Vale, which checks prose by rules of its own, where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from app.content.style.model import Finding, Severity
from app.errors import UserError

TIMEOUT_S = 60.0
_SEVERITIES: dict[str, Severity] = {"error": "error", "warning": "warn", "suggestion": "info"}


def installed() -> str:
    """Where Vale is; empty where it is not."""
    return shutil.which("vale") or ""


def check(program: str, path: str, text: str) -> tuple[Finding, ...]:
    """What Vale finds in a text, which it gets on its standard input. `path` tells it the format, by its ending.

    Raises `UserError` when it does not answer as it should, for instance because it has no configuration.
    """
    suffix = "." + path.rpartition(".")[2] if "." in path.rpartition("/")[2] else ".md"
    command = [program, "--output=JSON", "--no-exit", f"--ext={suffix}"]
    try:
        done = subprocess.run(
            command, input=text.encode("utf-8", "replace"), capture_output=True, timeout=TIMEOUT_S, check=False
        )
        document = json.loads(done.stdout or b"null")
    except subprocess.TimeoutExpired:
        raise _failed(f"it has not answered within {TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise _failed(error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise _failed(_first_line(done.stdout or done.stderr)) from None
    if not isinstance(document, dict) or "Code" in document:
        told = document.get("Text") if isinstance(document, dict) else None
        raise _failed(_first_line(str(told).encode() if told else done.stderr) or f"exit code {done.returncode}")
    lines = text.split("\n")
    return tuple(_findings(document, lines))


def _findings(document: dict[str, Any], lines: Sequence[str]) -> Iterator[Finding]:
    for alerts in document.values():
        for alert in alerts if isinstance(alerts, list) else ():
            try:
                yield _finding(alert, lines)
            except (KeyError, TypeError, ValueError, IndexError):
                raise _failed("its answer is not in the known form") from None


def _finding(alert: dict[str, Any], lines: Sequence[str]) -> Finding:
    line = int(alert["Line"])
    first, last = (int(column) for column in alert["Span"])
    action = alert.get("Action") or {}
    params = [str(param) for param in action.get("Params") or ()]
    text = lines[line - 1][first - 1 : last]
    # Of several words to choose from none follows by itself.
    one = action.get("Name") == "replace" and len(params) == 1
    replacement = params[0] if one else "" if action.get("Name") == "remove" else None
    return Finding(
        rule=f"vale.{alert['Check']}",
        severity=_SEVERITIES.get(str(alert["Severity"]), "warn"),
        line=line,
        column=first,
        end_line=line,
        end_column=last + 1,
        text=text,
        message=str(alert["Message"]),
        fix="none" if replacement is None else "suggest",
        replacement=replacement,
    )


def _failed(why: str) -> UserError:
    fix = "mend its configuration (.vale.ini), or set vale = false in [content.style]"
    return UserError(f"Vale could not check: {why}", fix=fix)


def _first_line(raw: bytes) -> str:
    return next((line.strip()[:200] for line in raw.decode("utf-8", "replace").split("\n") if line.strip()), "")
