"""`qd-git-hook`: the checks that git runs before a push or a commit, and the pre-commit framework too.

    qd-git-hook pre-push [OPTIONS] REMOTE URL   reads what git's pre-push hook is given on standard input
    qd-git-hook pre-commit [OPTIONS]            the current branch's name, and the files about to be committed
    qd-git-hook branch [OPTIONS]                the current branch's name
    qd-git-hook hygiene [OPTIONS] [--all]       the files about to be committed, or all that are tracked

Options, each stronger than the configuration: --config FILE, --pattern REGEX, --example NAME, --protect GLOB,
--exempt GLOB, --large-mb NUMBER; those for names may be given several times.

It asks nobody, reaches no network, and ends with 0 (go on), 1 (refused, with the commands that mend it) or 2 (called
wrongly). It starts with every push, so it loads only small parts of the standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from app.errors import UserError
from app.git import hook_rules, prepush
from app.git.cli import Git
from app.git.names import HEADS, name_problem, suggestion
from app.git.words import command, shown

REFUSED, USAGE = 1, 2
BY = "qd:"

_GIVEN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""What git tells its hooks about the repository, or the user has told git."""
_VALUED = ("--config", "--pattern", "--example", "--protect", "--exempt", "--large-mb", "--git-pid")


class Call(NamedTuple):
    """A command line, taken apart."""

    action: str
    words: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    everything: bool

    def last(self, name: str) -> str:
        """The last value of an option; empty if it was not given."""
        return self.options.get(name, ("",))[-1]


def main(arguments: list[str] | None = None) -> int:
    """Run one check; the exit code."""
    try:
        call = _parsed(sys.argv[1:] if arguments is None else arguments)
    except ValueError as error:
        _say(f"{BY} {error}", *(__doc__ or "").split("\n")[2:6])
        return USAGE
    if call is None:
        print(__doc__)
        return 0
    try:
        return _run(call)
    except UserError as error:
        _say(
            f"{BY} nothing could be checked: {shown(error.what, 400)}",
            *([f"  {shown(error.fix, 400)}"] if error.fix else []),
        )
        return REFUSED


def _run(call: Call) -> int:
    git, env = Git(Path.cwd()), {name: os.environ[name] for name in _GIVEN if name in os.environ}
    config = call.last("--config")
    found = hook_rules.read(git.path, Path(config) if config else None)
    for note in found.notes:
        _say(f"{BY} {shown(note, 400)}")
    found = found._replace(rules=_overridden(call, found))
    if call.action == "pre-push":
        return _pre_push(call, git, env, found)
    code = 0
    if call.action in ("pre-commit", "branch"):
        code = _branch(git, env, found)
    if call.action in ("pre-commit", "hygiene"):
        from app.git.hygiene.check import check

        code = max(code, check(git, env, found.rules, everything=call.everything, say=_say))
    return code


def _pre_push(call: Call, git: Git, env: Mapping[str, str], found: hook_rules.HookRules) -> int:
    # With a remote on the command line git itself has called, even from inside something that the framework runs.
    framework = "" if call.words else os.environ.get("PRE_COMMIT_REMOTE_BRANCH", "")
    remote, url = (*call.words, "", "")[:2]
    if not remote:
        remote, url = os.environ.get("PRE_COMMIT_REMOTE_NAME", ""), os.environ.get("PRE_COMMIT_REMOTE_URL", "")
    if not remote:
        _say(f"{BY} pre-push needs the name and the address of a remote, as git gives them")
        return USAGE
    alone = sys.stdin is None or sys.stdin.isatty()
    updates = [] if framework or alone else prepush.parse(sys.stdin.buffer.read())
    if not framework and not any(update.branch or update.remote_ref.startswith(prepush.PINS) for update in updates):
        return _accepted(call, found, remote, updates)
    known = prepush.look(git, remote, url, env)
    if found.default_branch:
        known = known._replace(default=found.default_branch)
    if framework:
        updates = [_of_framework(framework, known)]

    def contains(new: str, old: str) -> bool:
        return git.run_sync("merge-base", "--is-ancestor", old, new, env=env, ok=(0, 1, 128)).code == 0

    for update in updates:
        if update.remote_ref.startswith(prepush.PINS) and not update.deletes:
            _say(
                f"{BY} {shown(update.remote_ref)} keeps a deleted branch for undo, and is being published with the rest"
            )
    refusals = prepush.judge(updates, remote, known, found.rules, contains)
    if not refusals:
        return _accepted(call, found, remote, updates)
    branches = sum(1 for update in updates if update.branch)
    count = f"{len(refusals)} of {branches} branches" if branches > 1 else "1 branch"
    _say(f"{BY} this push is refused, nothing has been sent: {count} against the rules.")
    for refusal in refusals:
        _say(f"  {shown(refusal.branch)}: {refusal.why}")
    _say("What mends it (git push --no-verify goes past this check):")
    for arguments in dict.fromkeys(arguments for refusal in refusals for arguments in refusal.commands):
        _say(f"  {_without_password(command(arguments))}")
    return REFUSED


def _of_framework(branch: str, known: prepush.Known) -> prepush.Update:
    """The one ref that the pre-commit framework tells its hooks about."""
    local = os.environ.get("PRE_COMMIT_LOCAL_BRANCH", "")
    there = known.on_remote.get(branch.removeprefix(HEADS), "")
    return prepush.Update(local, os.environ.get("PRE_COMMIT_TO_REF", ""), branch, there)


def _accepted(call: Call, found: hook_rules.HookRules, remote: str, updates: list[prepush.Update]) -> int:
    """Let it go on; with `[git.broadcast]` it is told about once the server has it."""
    if found.broadcasting.to and call.last("--git-pid").isdecimal() and updates:
        from app.git.broadcast_later import begin

        begin(int(call.last("--git-pid")), remote, updates, found)
    return 0


def _branch(git: Git, env: Mapping[str, str], found: hook_rules.HookRules) -> int:
    ref = git.run_sync("symbolic-ref", "-q", "HEAD", env=env, ok=(0, 1)).line
    name = ref.removeprefix(HEADS)
    if not ref.startswith(HEADS):
        return 0
    output = git.run_sync("for-each-ref", "--format=%(refname)%00%(symref)", "refs/heads", "refs/remotes", env=env)
    pairs = [line.partition("\0") for line in output.text.split("\n")]
    defaults = [symref.split("/", 3)[3] for ref, _, symref in pairs if ref.endswith("/HEAD") and symref.count("/") > 2]
    why = name_problem(name, found.rules, found.default_branch or None, *defaults)
    if not why:
        return 0
    heads = [ref.removeprefix(HEADS) for ref, _, _ in pairs if ref.startswith(HEADS)]
    new = suggestion(name, found.rules, heads) or "NEW-NAME"
    _say(f"{BY} the branch {shown(name)} is refused: {shown(why, 400)}", "What mends it:")
    _say(f"  {command(('git', 'branch', '-m', '--', name, new))}")
    return REFUSED


def _overridden(call: Call, found: hook_rules.HookRules) -> hook_rules.Checked:
    rules, options = found.rules, call.options
    if call.last("--pattern"):
        rules = rules._replace(pattern=call.last("--pattern"), examples=())
    rules = rules._replace(
        examples=options.get("--example", rules.examples),
        protected=options.get("--protect", rules.protected),
        exempt=options.get("--exempt", rules.exempt),
    )
    return rules._replace(large_file_mb=float(call.last("--large-mb"))) if call.last("--large-mb") else rules


def _parsed(arguments: list[str]) -> Call | None:
    """The command line; None when help is asked for. Raises ValueError for what makes no sense."""
    if any(argument in ("-h", "--help") for argument in arguments[:1]):
        return None
    action, *rest = arguments or [""]
    if action not in ("pre-push", "pre-commit", "branch", "hygiene"):
        raise ValueError(f"expected pre-push, pre-commit, branch or hygiene, got {shown(action) or 'nothing'}; usage:")
    words: list[str] = []
    options: dict[str, tuple[str, ...]] = {}
    everything = False
    while rest:
        argument = rest.pop(0)
        name, separator, value = argument.partition("=")
        if argument == "--all":
            everything = True
        elif argument == "--":
            words += rest
            break
        elif name in _VALUED:
            if not separator and not rest:
                raise ValueError(f"{name} needs a value; usage:")
            options[name] = (*options.get(name, ()), value if separator else rest.pop(0))
        elif argument.startswith("--"):
            raise ValueError(f"there is no option {shown(argument)}; usage:")
        else:
            words.append(argument)
    _check_values(options)
    return Call(action, tuple(words), options, everything)


def _check_values(options: Mapping[str, tuple[str, ...]]) -> None:
    import re

    try:
        re.compile(options.get("--pattern", ("",))[-1])
    except re.error as error:
        raise ValueError(f"--pattern is no regular expression ({error}); usage:") from None
    try:
        right = float(options.get("--large-mb", ("1",))[-1]) > 0
    except ValueError:
        right = False
    if not right:
        raise ValueError("--large-mb is no number above zero; usage:")


def _without_password(text: str) -> str:
    if "://" not in text:
        return text
    from app.redact import redact

    return redact(text)


def _say(*lines: str) -> None:
    """On standard error, whatever the terminal's encoding."""
    sys.stderr.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
