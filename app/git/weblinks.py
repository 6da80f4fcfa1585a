"""Pages of a host for commits, branches and tags, from nothing but the address of a remote.

Users, passwords and the ports of ssh are left out. A host whose pages are not known has no links rather than wrong
ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

Host = Literal["github", "gitlab", "bitbucket", "gitea", "sourcehut"]

_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>\[[^\]]+\]|[^:/\s]+):(?!//)(?P<path>[^\s].*)")
_KNOWN: tuple[tuple[str, Host], ...] = (
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("bitbucket", "bitbucket"),
    ("codeberg", "gitea"),
    ("gitea", "gitea"),
    ("forgejo", "gitea"),
    ("sr.ht", "sourcehut"),
)
_COMMIT: dict[Host, str] = {
    "github": "commit/{}",
    "gitlab": "-/commit/{}",
    "bitbucket": "commits/{}",
    "gitea": "commit/{}",
    "sourcehut": "commit/{}",
}
_COMPARE: dict[Host, str] = {
    "github": "compare/{}...{}",
    "gitlab": "-/compare/{}...{}",
    "bitbucket": "branches/compare/{1}%0D{0}",
    "gitea": "compare/{}...{}",
    "sourcehut": "log/{1}",
}
_BRANCH: dict[Host, str] = {
    "github": "tree/{}",
    "gitlab": "-/tree/{}",
    "bitbucket": "branch/{}",
    "gitea": "src/branch/{}",
    "sourcehut": "tree/{}",
}
_TAG: dict[Host, str] = {
    "github": "releases/tag/{}",
    "gitlab": "-/tags/{}",
    "bitbucket": "src/{}",
    "gitea": "releases/tag/{}",
    "sourcehut": "refs/{}",
}


@dataclass(frozen=True, slots=True)
class WebLinks:
    """The pages of one repository; `home` is its own, such as `https://github.com/ada/engine`."""

    home: str
    host: Host

    def commit(self, oid: str) -> str:
        """The page of a commit."""
        return self._page(_COMMIT, oid)

    def compare(self, old: str, new: str) -> str:
        """What lies between two commits."""
        return self._page(_COMPARE, old, new)

    def branch(self, name: str) -> str:
        """The page of a branch."""
        return self._page(_BRANCH, name)

    def tag(self, name: str) -> str:
        """The page of a tag."""
        return self._page(_TAG, name)

    def _page(self, forms: dict[Host, str], *names: str) -> str:
        quoted = (quote(name.encode("utf-8", "surrogateescape"), safe="/") for name in names)
        return f"{self.home}/{forms[self.host].format(*quoted)}"


def links(url: str) -> WebLinks | None:
    """The pages of the repository at this address; None where the host, or the address, has none that are known."""
    place = _place(url.strip())
    if place is None:
        return None
    scheme, host, path = place
    kind = next((kind for word, kind in _KNOWN if word in host.split(":")[0]), None)
    path = re.sub(r"/{2,}", "/", path.strip("/")).removesuffix(".git").strip("/")
    if kind is None or not path or "/" not in path or any(part in (".", "..") for part in path.split("/")):
        return None
    safe = quote(path.encode("utf-8", "surrogateescape"), safe="/~@:%")
    return WebLinks(f"{scheme}://{host}/{safe}", kind)


def _place(url: str) -> tuple[str, str, str] | None:
    """Scheme of the pages, host (with a port only for the web) and path."""
    if any(ord(character) < 0x21 or ord(character) == 0x7F for character in url):
        return None
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        if not host or parts.scheme not in ("http", "https", "ssh", "git", "git+ssh", "ssh+git", "git+https"):
            return None
        web = parts.scheme if parts.scheme in ("http", "https") else "https"
        address = f"[{host}]" if ":" in host else host
        return web, address + (f":{port}" if port and parts.scheme == web else ""), parts.path
    match = _SCP.fullmatch(url)
    return ("https", match["host"].lower(), match["path"]) if match else None
