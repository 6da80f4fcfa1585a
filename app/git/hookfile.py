"""The text of an installed hook: runs our check, then the hook that was there before, with the same input."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

MARK = "# Quarterdeck hook, version 1."
BEFORE = ".before-quarterdeck"
"""Added to the name of a hook that was there before; it stays beside ours."""

_TEXT = """\
#!/bin/sh
{mark} `qd git hooks uninstall` puts back what was here before.
{made}here="$(pwd -P):{name}"
case "|$QUARTERDECK_HOOKS|" in *"|$here|"*) exit 0 ;; esac
QUARTERDECK_HOOKS="$QUARTERDECK_HOOKS|$here"
export QUARTERDECK_HOOKS
before="${{0%/*}}/{name}{before}"
{body}"""
# What is read to the end is given whole to both; the x keeps line ends that $( ) would drop.
_WITH_INPUT = """\
input=$(cat; printf x)
input=${{input%x}}
if [ -x {first} ]; then
  printf '%s' "$input" | {program} {name}{options} --git-pid="$PPID" -- "$@" || exit $?
else
  echo "qd: "{first}" is gone, so nothing was checked; qd git hooks install or uninstall mends it" >&2
fi
[ -x "$before" ] || exit 0
printf '%s' "$input" | {chain} "$@"
"""
_WITHOUT_INPUT = """\
if [ -x {first} ]; then
  {program} {name}{options} </dev/null || exit $?
else
  echo "qd: "{first}" is gone, so nothing was checked; qd git hooks install or uninstall mends it" >&2
fi
[ -x "$before" ] || exit 0
{chain} "$@"
"""
_MADE = "# It made this folder.\n"
_SHEBANG = re.compile(
    rb"#![ \t]*(?:/usr)?(?:/local)?/bin/(?:env[ \t]+)?(?P<shell>sh|bash|dash|ash)(?P<flags>(?:[ \t]+-\w+)*)[ \t]*\r?\n"
)


def text(
    name: str, program: Sequence[str], options: Sequence[str] = (), *, before: bytes = b"", made: bool = False
) -> str:
    """The hook `name`. `before` is the beginning of the hook that was there, empty without one.

    A shell script is read in by a shell that calls itself as the hook is called, since many find their parts by that
    name; any other program is run under its new name.
    """
    chain = '"$before"'
    match = _SHEBANG.match(before)
    if match:
        shell, flags = match["shell"].decode(), match["flags"].decode()
        chain = f'QUARTERDECK_BEFORE="$before" {shell}{flags} -c \'. "$QUARTERDECK_BEFORE"\' "$0"'
    body = (_WITH_INPUT if name == "pre-push" else _WITHOUT_INPUT).format(
        first=shlex.quote(program[0]),
        program=shlex.join(program),
        name=name,
        options="".join(f" {shlex.quote(option)}" for option in options),
        chain=chain,
    )
    return _TEXT.format(mark=MARK, made=_MADE if made else "", name=name, before=BEFORE, body=body)


def options(content: bytes) -> tuple[str, ...]:
    """The options that a hook of ours calls our check with, besides those that every one has."""
    for line in content.decode("utf-8", "replace").split("\n"):
        if " --git-pid=" in line or line.endswith(" </dev/null || exit $?"):
            words = shlex.split(line)
            return tuple(word for word in words if word.startswith("--config="))
    return ()


def is_ours(content: bytes) -> bool:
    """Whether this is a hook that we have written, of whatever version."""
    return b"\n# Quarterdeck hook, version " in content[:200]


def made_folder(content: bytes) -> bool:
    """Whether the folder was made for this hook."""
    return _MADE.encode() in content[:400]
