"""Fetching: real remotes, one that asks for a password, one that never answers, two fetches at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.git import fetching
from app.git.cli import Git
from app.git.fetching import Fetcher, progress_in
from tests.git.repos import Place, Repo
from tests.waiting import until


class Told(list[tuple[str, str]]):
    def __call__(self, name: str, busy: str) -> None:
        self.append((name, busy))


@pytest.fixture
def asking() -> Iterator[str]:
    """An HTTP remote that wants a password."""

    class Asks(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asks)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/project.git"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_new_and_deleted_branches_arrive(place: Place, repo: Repo) -> None:
    other = place.clone(repo.origin, "other")
    other.topic("feat/new", "work", push=True)
    repo.topic("feat/old", "work", push=True)
    other.fetch()
    other.push_delete("feat/old")
    told = Told()
    assert await Fetcher(told).fetch("work", Git(repo.path), ("origin",)) is None
    names = repo.refs("refs/remotes/origin")
    assert "refs/remotes/origin/feat/new" in names
    assert "refs/remotes/origin/feat/old" not in names
    assert told[0] == ("work", "waiting to fetch")
    assert ("work", "fetching origin") in told
    assert told[-1] == ("work", "")
    assert not (repo.git_dir / "FETCH_HEAD").exists()


async def test_a_remote_that_asks_is_refused_and_left_alone_after_a_while(repo: Repo, asking: str) -> None:
    repo.git("remote", "add", "locked", asking)
    fetcher = Fetcher(Told())
    fetcher.follow("work", every_s=0.000001)
    for _ in range(2):
        await until(lambda: fetcher.due() == ("work",))
        error = await fetcher.fetch("work", Git(repo.path), ("locked",))
        assert error is not None
        assert error.kind == "credentials"
        assert "terminal" in error.fix
    assert fetcher.needs_credentials("work")
    assert fetcher.due() == ()
    assert await fetcher.fetch("work", Git(repo.path), ("origin",)) is None
    assert not fetcher.needs_credentials("work")


async def test_one_remote_that_fails_keeps_no_other_from_being_fetched(place: Place, repo: Repo) -> None:
    other = place.clone(repo.origin, "other")
    other.topic("feat/new", "work", push=True)
    repo.git("remote", "add", "away", str(place.root / "nowhere.git"))
    error = await Fetcher(Told()).fetch("work", Git(repo.path), ("away", "origin"))
    assert error is not None
    assert "refs/remotes/origin/feat/new" in repo.refs("refs/remotes/origin")


async def test_asking_twice_is_one_fetch(repo: Repo) -> None:
    told = Told()
    fetcher = Fetcher(told)
    git = Git(repo.path)
    assert await asyncio.gather(*(fetcher.fetch("work", git, ("origin",)) for _ in range(3))) == [None] * 3
    assert told.count(("work", "fetching origin")) == 1


async def test_a_fetch_that_never_ends_is_stopped(repo: Repo) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    repo.git("remote", "add", "silent", f"http://127.0.0.1:{port}/x.git")
    told = Told()
    fetcher = Fetcher(told)
    asked = asyncio.create_task(fetcher.fetch("work", Git(repo.path), ("silent",)))
    await until(lambda: ("work", "fetching silent") in told)
    fetcher.cancel("work")
    error = await asked
    assert error is not None
    assert error.kind == "stopped"
    assert told[-1] == ("work", "")
    server.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Receiving objects:  42% (420/1000), 1.2 MiB | 3 MiB/s", "receiving 42 %"),
        ("remote: Counting objects: 100% (9/9), done.", "counting 100 %"),
        ("From github.com:owner/project", ""),
        (" * [new branch]      x -> origin/x", ""),
    ],
)
def test_progress(line: str, said: str) -> None:
    assert progress_in(line) == said


async def test_where_every_remote_wants_a_password_nothing_is_due(repo: Repo, asking: str) -> None:
    repo.git("remote", "set-url", "origin", asking)
    fetcher = Fetcher(lambda *_: None)
    fetcher.follow("work", 60.0)
    for _ in range(fetching.REFUSALS):
        assert fetcher.next_due() < float("inf")
        error = await fetcher.fetch("work", Git(repo.path), ("origin",), by_itself=True)
        assert error is not None
        assert error.kind == "credentials"
    assert (fetcher.due(), fetcher.next_due(), fetcher.needs_credentials("work")) == ((), float("inf"), True)
