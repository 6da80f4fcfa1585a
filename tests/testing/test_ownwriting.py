"""A change counts as the tests' own by what their processes have said, however late its event is noticed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.testing.ownwriting import AFTERMATH_S, OwnWriting
from app.testing.watch import Batch, Change


def batch(*paths: Path) -> Batch:
    return Batch(tuple(Change(path, path.name, "modified") for path in paths), at=0.0)


async def nothing_to_hear() -> None:
    return


async def test_the_word_of_a_process_is_waited_for(tmp_path: Path) -> None:
    wrote: set[str] = set()
    file = tmp_path / "generated.py"

    async def hear() -> None:
        wrote.add(str(file))

    own = OwnWriting(hear)
    own.began(wrote)
    saved = tmp_path / "saved.py"
    assert [change.path for change in await own.others(batch(file, saved))] == [saved]


async def test_a_file_of_the_run_before_is_noticed_during_the_next(tmp_path: Path) -> None:
    file = tmp_path / "generated.py"
    own = OwnWriting(nothing_to_hear)
    own.began({str(file)})
    file.write_text("X = 1")
    own.ended()
    own.began(set())
    assert await own.others(batch(file)) == ()


async def test_a_save_after_the_run_is_a_save(tmp_path: Path) -> None:
    file = tmp_path / "generated.py"
    own = OwnWriting(nothing_to_hear)
    own.began({str(file)})
    own.ended()
    file.write_text("X = 2")
    later = time.time() + 1
    os.utime(file, (later, later))
    assert len(await own.others(batch(file))) == 1


async def test_a_file_removed_by_the_run_is_its_own_for_a_moment(tmp_path: Path) -> None:
    file = tmp_path / "generated.py"
    own = OwnWriting(nothing_to_hear)
    own.began({str(file)})
    own.ended()
    assert await own.others(batch(file)) == ()
    own._ended -= AFTERMATH_S + 1
    assert len(await own.others(batch(file))) == 1
