"""What git is configured to do in one repository, read in one call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.git.cli import Git

_THREAD_BYTES = 50_000
"""A longer configuration, of a thousand branches and more, is taken apart beside the event loop."""
_TRUE = ("true", "yes", "on", "1")
_WEB = re.compile(r"^(?P<scheme>https?|ftps?)://(?P<user>[^/@]*@)", re.IGNORECASE)
_OTHER = re.compile(r"^(?P<before>[a-z][a-z0-9+.-]*://[^/@:]*):[^/@]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `own` says that it stands in the repository itself rather than in the user's or system's files."""

    value: str | None
    """None where the key stands alone, which means true."""
    own: bool


@dataclass(frozen=True, slots=True)
class BranchSettings:
    """`branch.NAME.*`: `remote` may be `.` for this repository; `merge` is a full name on the remote."""

    remote: str = ""
    merge: str = ""
    push_remote: str = ""


_BRANCH_FIELDS = {"remote": "remote", "merge": "merge", "pushremote": "push_remote"}
_UNSET = BranchSettings()


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """`remote.NAME.*`, addresses rewritten as git rewrites them and still with their credentials."""

    name: str
    urls: tuple[str, ...] = ()
    push_urls: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    promisor: bool = False
    mirror: bool = False


@dataclass(frozen=True)
class Configuration:
    """All settings that are in force. Sections and variables are in lower case, what stands between them as written."""

    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)

    def get(self, key: str, default: str = "") -> str:
        """The value that counts: the last."""
        found = self.settings.get(key)
        return default if not found else found[-1].value or ""

    def all(self, key: str) -> tuple[str, ...]:
        """All values of a key that may be given several times."""
        return tuple(setting.value or "" for setting in self.settings.get(key, ()))

    def flag(self, key: str, default: bool = False) -> bool:
        """A value that is true or false."""
        found = self.settings.get(key)
        return default if not found else found[-1].value is None or found[-1].value.lower() in _TRUE

    def names(self, section: str) -> tuple[str, ...]:
        """The names between a section and its variables, such as those of all remotes, in the order of the files."""
        prefix = f"{section}."
        found = (key[len(prefix) :].rpartition(".")[0] for key in self.settings if key.startswith(prefix))
        return tuple(dict.fromkeys(name for name in found if name))

    def branch(self, name: str) -> BranchSettings:
        """What is set for a local branch."""
        return self._branches.get(name, _UNSET)

    @cached_property
    def _branches(self) -> dict[str, BranchSettings]:
        """All at once: there may be thousands."""
        found: dict[str, dict[str, str]] = {}
        for key, values in self.settings.items():
            if key.startswith("branch."):
                name, _, variable = key[len("branch.") :].rpartition(".")
                if variable in _BRANCH_FIELDS:
                    found.setdefault(name, {})[_BRANCH_FIELDS[variable]] = values[-1].value or ""
        return {name: BranchSettings(**fields) for name, fields in found.items()}

    def remote(self, name: str) -> RemoteSettings:
        """What is set for a remote."""
        section = f"remote.{name}"
        urls = self.all(f"{section}.url")
        push_urls = tuple(self._rewritten(url, "insteadof") for url in self.all(f"{section}.pushurl"))
        if not push_urls:
            rewritten = tuple(self._rewritten(url, "pushinsteadof") for url in urls)
            push_urls = rewritten if rewritten != urls else ()
        return RemoteSettings(
            name,
            tuple(self._rewritten(url, "insteadof") for url in urls),
            push_urls,
            self.all(f"{section}.fetch"),
            self.flag(f"{section}.promisor"),
            self.flag(f"{section}.mirror"),
        )

    @cached_property
    def remotes(self) -> tuple[str, ...]:
        """The names of all remotes that have an address."""
        return tuple(name for name in self.names("remote") if f"remote.{name}.url" in self.settings)

    @cached_property
    def partial(self) -> bool:
        """Whether objects may be missing here that a remote has promised."""
        return bool(self.get("extensions.partialclone")) or any(
            self.flag(f"remote.{name}.promisor") for name in self.names("remote")
        )

    @cached_property
    def harmless(self) -> dict[str, str]:
        """Settings for one call that keep the programs from running which this repository itself names.

        Filters from the user's own files stay, since a working tree looks changed without them. Merge drivers go
        altogether: a merge that would need one counts as a conflict. How merges are done is the same for everybody.
        """
        quiet = {"merge.renormalize": "false", "merge.directoryRenames": "true"}
        for key, values in self.settings.items():
            section, _, variable = key.rpartition(".")
            if section.startswith("filter.") and variable in ("clean", "smudge", "process") and values[-1].own:
                quiet[key] = ""
                quiet[f"{section}.required"] = "false"
            elif section.startswith("merge.") and variable == "driver":
                quiet[key] = "exit 1"
        return quiet

    def _rewritten(self, url: str, variable: str) -> str:
        best, base = "", ""
        for known, prefix, replacement in self._rewritings:
            if known == variable and len(prefix) > len(best) and url.startswith(prefix):
                best, base = prefix, replacement
        return base + url[len(best) :] if best else url

    @cached_property
    def _rewritings(self) -> list[tuple[str, str, str]]:
        """Variable, beginning of an address, and what git puts in its place."""
        found = []
        for key, values in self.settings.items():
            base, _, variable = key.rpartition(".")
            if base.startswith("url."):
                found += [(variable, setting.value or "", base[len("url.") :]) for setting in values]
        return found


async def read_configuration(git: Git) -> Configuration:
    """The configuration in force, with includes. Raises GitError."""
    said = await git.run("config", "--list", "--show-scope", "-z")
    if len(said.stdout) > _THREAD_BYTES:
        return await asyncio.to_thread(parse, said.records)
    return parse(said.records)


def parse(fields: Iterable[str]) -> Configuration:
    """From what `git config --list --show-scope -z` prints: scopes and settings in turn."""
    settings: dict[str, list[Setting]] = {}
    iterator = iter(fields)
    for scope, entry in zip(iterator, iterator, strict=False):
        key, separator, value = entry.partition("\n")
        settings.setdefault(key, []).append(Setting(value if separator else None, scope in ("local", "worktree")))
    return Configuration({key: tuple(values) for key, values in settings.items()})


def without_credentials(url: str) -> str:
    """An address that can be shown: no user or password for the web, no password anywhere."""
    shown = _WEB.sub(r"\g<scheme>://", url)
    shown = _OTHER.sub(r"\g<before>@", shown)
    from app.redact import redact

    return redact(shown)
