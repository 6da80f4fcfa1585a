"""git's commit-graph files, read directly: single ones, split chains, and those of alternates.

A commit-graph holds every ancestor of each of its commits. What cannot be used for any reason (another hash, damage, a
later format) is as if it were not there: everything in it can be had from git, only more slowly.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

NONE = 0x70000000
"""Stands in the place of a parent that is not there."""
_MORE = 0x80000000
"""Marks a second parent that is a position in the list of further parents, and the last entry of such a list."""
_SIGNATURE, _VERSION = b"CGPH", 1
_HASHES = {"sha1": (1, 20, hashlib.sha1), "sha256": (2, 32, hashlib.sha256)}
_CHUNK = struct.Struct(">4sQ")
_ALTERNATES_DEPTH = 5


class UnusableError(Exception):
    """The file is not what it should be."""


class GraphFile:
    """One file: its commits are numbered by their place in it, on from `base`, the commits of the files below it."""

    __slots__ = ("_fanout", "_oids", "_size", "base", "count", "extra", "first", "second")

    def __init__(self, data: bytes, object_format: str, base: int = 0, below: int = 0) -> None:
        version, self._size, algorithm = _HASHES[object_format]
        if len(data) < 8 + 12 + self._size or data[:4] != _SIGNATURE or data[4] != _VERSION or data[5] != version:
            raise UnusableError("not a commit-graph of this repository's kind")
        if data[7] != below:
            raise UnusableError("not at its place in the chain")
        if algorithm(memoryview(data)[: -self._size]).digest() != data[-self._size :]:
            raise UnusableError("damaged")
        chunks = self._chunks(data, data[6])
        fanout, oids, commits = (chunks.get(name, b"") for name in (b"OIDF", b"OIDL", b"CDAT"))
        self._fanout = _words(fanout)
        self.base, self.count = base, self._fanout[255] if len(self._fanout) == 256 else -1
        width = self._size // 4 + 4
        values = _words(commits)
        if len(oids) != self.count * self._size or len(values) != self.count * width:
            raise UnusableError("parts of the wrong size")
        self._oids = oids
        self.first = values[self._size // 4 :: width]
        self.second = values[self._size // 4 + 1 :: width]
        self.extra = self._octopuses(_words(chunks.get(b"EDGE", b"")))
        total = base + self.count
        if any(parent >= total and parent != NONE for column in (self.first, self.second) for parent in set(column)):
            raise UnusableError("a parent outside")

    def _chunks(self, data: bytes, count: int) -> dict[bytes, bytes]:
        if len(data) < 8 + _CHUNK.size * (count + 1):
            raise UnusableError("cut short")
        table = [_CHUNK.unpack_from(data, 8 + _CHUNK.size * index) for index in range(count + 1)]
        return {name: data[start:end] for (name, start), (_, end) in pairwise(table)}

    def _octopuses(self, edges: array[int]) -> dict[int, tuple[int, ...]]:
        """Third and further parents by the commit's number; the second parents are put in their place."""
        extra: dict[int, tuple[int, ...]] = {}
        if not edges:
            return extra
        total = self.base + self.count
        for index, parent in enumerate(self.second):
            if parent & _MORE:
                parents, at = [], parent & ~_MORE
                while True:
                    if at >= len(edges) or edges[at] & ~_MORE >= total:
                        raise UnusableError("further parents outside")
                    parents.append(edges[at] & ~_MORE)
                    if edges[at] & _MORE:
                        break
                    at += 1
                self.second[index] = parents[0]
                extra[self.base + index] = tuple(parents[1:])
        return extra

    def find(self, oid: bytes) -> int | None:
        """A commit's number among all files."""
        low, high = (self._fanout[oid[0] - 1] if oid[0] else 0), self._fanout[oid[0]]
        size, oids = self._size, self._oids
        at = bisect_left(range(high), oid, low, high, key=lambda index: oids[index * size : index * size + size])
        return self.base + at if at < high and oids[at * size : at * size + size] == oid else None

    def oid(self, index: int) -> bytes:
        """The id of the commit of this number in this file, not counting those below."""
        return self._oids[index * self._size : index * self._size + self._size]


def read_commit_graphs(objects: Path, object_format: str) -> list[GraphFile]:
    """The files that belong together, lowest first; none where git would use none or one is not usable."""
    if object_format not in _HASHES:
        return []
    folders = list(dict.fromkeys((objects, *_alternates(objects))))
    for folder in folders:
        try:
            single = _read(folder / "info" / "commit-graph")
            if single is not None:
                return [GraphFile(single, object_format)]
            chain = _read(folder / "info" / "commit-graphs" / "commit-graph-chain")
            if chain is not None:
                return _read_chain(chain.decode("ascii").split(), folders, object_format)
        except (UnusableError, UnicodeDecodeError, OSError):
            return []
    return []


def _read_chain(names: list[str], folders: list[Path], object_format: str) -> list[GraphFile]:
    files: list[GraphFile] = []
    base = 0
    for below, name in enumerate(names):
        parts = (_read(folder / "info" / "commit-graphs" / f"graph-{name}.graph") for folder in folders)
        data = next((part for part in parts if part is not None), None)
        if data is None:
            raise UnusableError("a file of the chain is missing")
        files.append(GraphFile(data, object_format, base, below))
        base += files[-1].count
    return files


def _alternates(objects: Path, depth: int = 0) -> Iterator[Path]:
    """Other object databases that this one names, in git's order."""
    listed = _read(objects / "info" / "alternates")
    if listed is None or depth >= _ALTERNATES_DEPTH:
        return
    for line in listed.decode("utf-8", "surrogateescape").splitlines():
        if line and not line.startswith(("#", '"')):
            other = objects / line
            yield other
            yield from _alternates(other, depth + 1)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _words(data: bytes) -> array[int]:
    """Unsigned 32-bit numbers, as they are in memory here."""
    values = array("I")
    if values.itemsize != 4 or len(data) % 4:
        raise UnusableError("parts of the wrong size")
    values.frombytes(data)
    if sys.byteorder == "little":
        values.byteswap()
    return values
