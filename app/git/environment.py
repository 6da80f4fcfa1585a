"""How git is called so that it asks nobody, says the same everywhere and speaks of the repository in its folder.

Part of the hooks' import path: small parts of the standard library only.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

# fmt: off
_READING = frozenset((
    "cat-file", "check-attr", "check-ignore", "check-ref-format", "cherry", "config", "count-objects", "describe",
    "diff", "diff-files", "diff-index", "diff-tree", "for-each-ref", "hash-object", "log", "ls-files", "ls-tree",
    "merge-base", "merge-tree", "name-rev", "patch-id", "rev-list", "rev-parse", "show", "show-ref", "status",
    "symbolic-ref", "var", "version",
))
# fmt: on
"""Commands that need neither the network nor a program of the repository's own."""
_NETWORK = frozenset(("clone", "fetch", "ls-remote", "pull", "push", "remote", "submodule"))
_DIFFING = frozenset(("diff", "diff-files", "diff-index", "diff-tree", "log", "show"))
_ALWAYS = ("--no-pager", "-c", "color.ui=false", "-c", "log.showSignature=false")
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GCM_INTERACTIVE": "never",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_FLUSH": "0",
    "LC_ALL": "C",
}
# fmt: off
_FOREIGN = frozenset((
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX",
    "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS",
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_DEFAULT_HASH",
    "GIT_QUARANTINE_PATH", "GIT_REFLOG_ACTION",
))
# fmt: on
"""Variables that would make git speak of another repository than the one in its folder, or differently of it."""


def command(args: tuple[str, ...], *, fsmonitor: bool = False) -> list[str]:
    """The whole command line. With `fsmonitor` a daemon that the user already runs may be asked."""
    name, *rest = args
    # `git config` starts nothing, and would tell of this value instead of the user's.
    quiet = ("-c", "core.fsmonitor=false") if name in _READING and name != "config" and not fsmonitor else ()
    plain = ("--no-ext-diff", "--no-textconv") if name in _DIFFING else ()
    return ["git", *_ALWAYS, *quiet, name, *plain, *rest]


def environment(
    args: tuple[str, ...], env: Mapping[str, str] | None = None, config: Mapping[str, str] | None = None
) -> dict[str, str]:
    """All variables of a call; `config` are values of the configuration for this call alone."""
    variables = {
        name: value for name, value in os.environ.items() if name not in _FOREIGN and not name.startswith("GIT_TRACE")
    }
    variables.update(_QUIET)
    if args[0] in _READING:
        # No transport is allowed at all, which is what keeps an old git from filling in a partial clone.
        variables.update(GIT_ALLOW_PROTOCOL="none", GIT_NO_LAZY_FETCH="1")
    if config:
        _add_config(variables, config)
    variables.update(env or {})
    return variables


def uses_network(args: tuple[str, ...]) -> bool:
    """Whether the command may speak to a remote."""
    return args[0] in _NETWORK


def _add_config(variables: dict[str, str], config: Mapping[str, str]) -> None:
    """Through variables: names may hold `=`, which `-c` would cut at, and the user may have given some already."""
    given = variables.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    for index, (key, value) in enumerate(config.items(), first):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    variables["GIT_CONFIG_COUNT"] = str(first + len(config))


def ssh_command(variables: Mapping[str, str], configured: str) -> str:
    """The user's own ssh, told not to ask; empty where git is left to its choice.

    Programs that are not OpenSSH by their name may not know the option. They find no terminal to ask at either.
    """
    command = variables.get("GIT_SSH_COMMAND") or configured
    if not command:
        command = shlex.quote(variables["GIT_SSH"]) if variables.get("GIT_SSH") else "ssh"
    try:
        program = Path(shlex.split(command)[0]).name
    except (ValueError, IndexError):
        return ""
    return f"{command} -oBatchMode=yes" if program.removesuffix(".exe") in ("ssh", "autossh") else ""
