"""The history in memory gives the same counts as git, whatever its shape and wherever it is read from."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.git.cli import Git
from app.git.commitgraph import read_commit_graphs
from app.git.configuration import read_configuration
from app.git.counts import Counts
from app.git.graph import History, extend, load
from app.git.repository import Layout, read_layout
from tests.git.repos import Place, Repo

FORMATS = ("none", "single", "stale", "split", "alternate", "alternate split")


async def layout_of(repo: Repo) -> Layout:
    git = Git(repo.path)
    return await read_layout(git, await read_configuration(git))


def fast_import(repo: Repo, parents: list[list[int]]) -> list[str]:
    """Commits with these parents, by their place in the list; their ids."""
    marks = repo.path / "marks"
    lines = []
    for number, known in enumerate(parents):
        lines.append(f"reset refs/made/{number}\ncommit refs/made/{number}\nmark :{number + 1}\n")
        lines.append(f"committer Ada <ada@example.test> {1_700_000_000 + number // 3} +0000\ndata 5\n{number:05}\n")
        lines += [f"{'from' if place == 0 else 'merge'} :{parent + 1}\n" for place, parent in enumerate(known)]
        lines.append("\n")
    repo.git("fast-import", "--quiet", f"--export-marks={marks}", input="".join(lines).encode())
    ids = dict(line.split() for line in marks.read_text().splitlines())
    return [ids[f":{number + 1}"] for number in range(len(parents))]


def expected(repo: Repo, one: str, other: str) -> tuple[int, int]:
    left, right = repo.git("rev-list", "--left-right", "--count", f"{one}...{other}").split()
    return int(left), int(right)


def random_history(rng: random.Random, count: int) -> list[list[int]]:
    """Chains, merges, octopuses, criss-crosses and several roots."""
    parents: list[list[int]] = []
    for number in range(count):
        kind = rng.random()
        wanted = 0 if kind < 0.04 else 1 if kind < 0.6 else 2 if kind < 0.9 else rng.randint(3, 6)
        near = range(max(0, number - rng.choice((2, 5, 30))), number)
        parents.append(rng.sample(near, min(wanted, len(near))))
    return parents


@st.composite
def histories(draw: st.DrawFn) -> list[list[int]]:
    """Small histories of any shape, in a form that can be made smaller."""
    count = draw(st.integers(1, 14))
    return [
        draw(st.lists(st.integers(0, number - 1), max_size=4, unique=True)) if number else [] for number in range(count)
    ]


def made_of(parents: list[list[int]]) -> tuple[History, list[str]]:
    """A history without a repository, and its ids."""
    ids = [f"{number + 1:040x}" for number in range(len(parents))]
    history = History()
    history.add([" ".join((ids[n], *(ids[p] for p in known))).encode() + b"\n" for n, known in enumerate(parents)])
    return history, ids


def ancestors(parents: list[list[int]], number: int) -> set[int]:
    """By definition."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += parents[at]
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parents=histories())
def test_counts_by_definition(parents: list[list[int]]) -> None:
    history, ids = made_of(parents)
    behind = [ancestors(parents, number) for number in range(len(parents))]
    for base in range(len(parents)):
        counts = Counts(history, ids[base])
        for one in range(len(parents)):
            assert counts.against_base(ids[one]) == (len(behind[one] - behind[base]), len(behind[base] - behind[one]))
            assert counts.has(ids[one]) == (one in behind[base])
            for other in range(len(parents)):
                wanted = (len(behind[one] - behind[other]), len(behind[other] - behind[one]))
                assert counts.between(ids[one], ids[other]) == wanted


@settings(max_examples=200, deadline=None)
@given(parents=histories(), data=st.data())
def test_a_base_that_moves(parents: list[list[int]], data: st.DataObject) -> None:
    """Commits and bases come one after the other; what is kept from before never shows."""
    ids = [f"{number + 1:040x}" for number in range(len(parents))]
    history = History()
    counts: Counts | None = None
    for number, known in enumerate(parents):
        history.add([" ".join((ids[number], *(ids[parent] for parent in known))).encode()])
        base = data.draw(st.integers(0, number))
        if counts is None or not counts.advance(ids[base]):
            counts = Counts(history, ids[base])
        behind = ancestors(parents, base)
        for one in range(number + 1):
            mine = ancestors(parents, one)
            assert counts.against_base(ids[one]) == (len(mine - behind), len(behind - mine))


@pytest.fixture(params=FORMATS)
def shaped(request: pytest.FixtureRequest, place: Place) -> tuple[Repo, list[str]]:
    """A repository with a random history, its commit-graph kept in one of the ways that git has."""
    rng = random.Random(f"{request.param} 7")
    parents = random_history(rng, 160)
    repo = place.init("shaped")
    ids = fast_import(repo, parents)
    write = ("commit-graph", "write", "--stdin-commits")
    early = "\n".join(ids[:90]).encode()
    if request.param == "single":
        repo.git("commit-graph", "write", "--reachable")
    elif request.param == "stale":
        repo.git(*write, input=early)
    elif "split" in request.param:
        for upto in (40, 90, 120):
            repo.git(*write, "--split=no-merge", input="\n".join(ids[:upto]).encode())
    elif request.param == "alternate":
        repo.git(*write, input=early)
    if request.param.startswith("alternate"):
        borrower = place.clone(repo, "borrower", "--shared", "--no-checkout", "--mirror")
        if "split" in request.param:
            borrower.git(*write, "--split=no-merge", input="\n".join(ids[:140]).encode())
        repo = borrower
    return repo, ids


async def test_counts_are_gits(shaped: tuple[Repo, list[str]], request: pytest.FixtureRequest) -> None:
    repo, ids = shaped
    rng = random.Random(3)
    history = load(Git(repo.path), await layout_of(repo), ids)
    assert len(history) == len(ids)
    assert (history.from_file == 0) == (request.node.callspec.params["shaped"] == "none")
    for base in (ids[-1], ids[-7], *rng.sample(ids, 2)):
        counts = Counts(history, base)
        for tip in rng.sample(ids, 25):
            assert counts.against_base(tip) == expected(repo, tip, base)
        for _ in range(8):
            one, other = rng.sample(ids, 2)
            assert counts.between(one, other) == expected(repo, one, other)


async def test_commits_that_come_later(repo: Repo) -> None:
    repo.commits("a", "b", "c")
    repo.git("commit-graph", "write", "--reachable")
    old = repo.oid()
    git = Git(repo.path)
    history = load(git, await layout_of(repo), [old])
    assert history.from_file == len(history) == 4
    assert extend(git, history, [old], []) == 0
    repo.topic("feat", "x", "y")
    repo.merge("feat")
    assert extend(git, history, [repo.oid()], [old]) == 3
    counts = Counts(history, old)
    assert counts.against_base(repo.oid()) == (3, 0)
    assert counts.advance(repo.oid())
    assert counts.against_base(old) == (0, 3)
    assert [history.oid(number) for number in range(len(history)) if history.find(history.oid(number)) != number] == []


async def test_a_commit_graph_that_outlived_its_commits(repo: Repo) -> None:
    gone = repo.topic("gone", "x", "y")
    repo.git("commit-graph", "write", "--reachable")
    repo.delete("gone")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("-c", "gc.writeCommitGraph=false", "gc", "-q", "--prune=now")
    assert repo.attempt("cat-file", "-e", gone)
    repo.commits("a", "b")
    history = load(Git(repo.path), await layout_of(repo), [repo.oid()])
    assert history.from_file
    assert Counts(history, repo.oid()).against_base(repo.oid("HEAD~1")) == (0, 1)


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "chain"])
async def test_a_damaged_commit_graph_is_as_none(repo: Repo, damage: str) -> None:
    repo.commits("a", "b")
    split = ("--split=no-merge",) if damage == "chain" else ()
    repo.git("commit-graph", "write", "--reachable", *split)
    info = repo.common_dir / "objects" / "info"
    layout = await layout_of(repo)
    assert read_commit_graphs(layout.objects, "sha1")
    if damage == "chain":
        shutil.rmtree(info / "commit-graphs")
        (info / "commit-graphs").mkdir()
        (info / "commit-graphs" / "commit-graph-chain").write_text(f"{'0' * 40}\n")
    else:
        path = info / "commit-graph"
        data = bytearray(path.read_bytes())
        path.chmod(0o644)
        data[len(data) // 2] ^= 1
        path.write_bytes({"empty": b"", "short": bytes(data[:200]), "flipped": bytes(data)}[damage])
    assert read_commit_graphs(layout.objects, "sha1") == []
    history = load(Git(repo.path), layout, [repo.oid()])
    assert (len(history), history.from_file) == (3, 0)


async def test_sha256(place: Place) -> None:
    repo = place.init("long", "--object-format=sha256")
    repo.commits("a", "b", "c")
    assert read_commit_graphs(repo.common_dir / "objects", "sha256") == []
    repo.git("commit-graph", "write", "--reachable")
    layout = await layout_of(repo)
    assert read_commit_graphs(layout.objects, "sha1") == []
    history = load(Git(repo.path), layout, [repo.oid()])
    assert history.from_file == 3
    assert Counts(history, repo.oid()).against_base(repo.oid("HEAD~2")) == (0, 2)
    assert read_commit_graphs(Path("/nowhere"), "sha512") == []
