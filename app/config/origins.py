"""Where each value came from: a line of the file, a variable of the environment, or neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.config import environment
from app.config.positions import KeyPath
from app.config.problems import Problem
from app.config.reading import Document
from app.config.shape import dotted


class Origins:
    """The place of every path that was given."""

    def __init__(self, document: Document, variables: environment.Variables) -> None:
        self._around = document.where(())
        self._places = {path: document.where(path) for path in document.lines}
        self._references: dict[KeyPath, str] = {}
        for path, value in variables.values.items():
            if not isinstance(value, dict):
                for below in [other for other in self._places if other[: len(path)] == path]:
                    del self._places[below]
            for inside in _paths(value, path):
                self._places[inside] = environment.where(variables.names[path])

    def where(self, path: KeyPath) -> str:
        """The place of a path, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._places:
                return self._places[path[:length]]
        return self._around

    def problem(self, path: KeyPath, text: str) -> Problem:
        """Something wrong with what stands at a path."""
        return Problem(self.where(path), dotted(path), text)

    def resolved(self, path: KeyPath, reference: str) -> None:
        """The value at a path is not the reference that stands there, but what it leads to."""
        self._references[path] = reference

    def table(self) -> dict[str, str]:
        """The origin of each dotted key that was given."""
        return {
            dotted(path): f"{place}, {self._references[path]}" if path in self._references else place
            for path, place in self._places.items()
        }


def in_order(problems: list[Problem]) -> list[Problem]:
    """By line, those of the environment last."""

    def place(problem: Problem) -> tuple[int, int, str]:
        name, _, line = problem.where.rpartition(":")
        return (0, int(line), problem.key) if name and line.isdigit() else (1, 0, problem.where)

    return sorted(problems, key=place)


def _paths(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, element in inside:
        yield from _paths(element, (*path, part))
