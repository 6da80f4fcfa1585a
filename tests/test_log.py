"""The log: one file for its owner, without secrets, and never in the way."""

from __future__ import annotations

import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import log
from app.quick import QuickLog

logger = logging.getLogger("app.somewhere")


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Logging as it was before, and a log file of this test's own."""
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    root = logging.getLogger()
    before = (root.level, list(root.handlers), threading.excepthook, logging.getLogger("app").level)
    import sys

    unraisable = sys.unraisablehook
    yield tmp_path / "state" / "log" / "quarterdeck.log"
    for handler in [handler for handler in root.handlers if handler not in before[1]]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(before[0])
    threading.excepthook = before[2]
    sys.unraisablehook = unraisable
    logging.captureWarnings(False)
    for name in log.OWN:
        logging.getLogger(name).setLevel(before[3])


def test_the_file_comes_with_the_first_record(own_log: Path) -> None:
    assert log.setup() == own_log
    assert not own_log.exists()
    logger.info("begun with %d tests", 3)
    line = own_log.read_text("utf-8")
    assert line.endswith("Z INFO app.somewhere: begun with 3 tests\n")
    assert line[10] == "T"
    assert log.trouble() == ""


def test_only_the_owner_may_read_it(own_log: Path) -> None:
    own_log.parent.mkdir(parents=True)
    own_log.touch(0o644)
    own_log.chmod(0o644)
    log.setup()
    logger.warning("x")
    assert stat.S_IMODE(own_log.stat().st_mode) == 0o600


def test_libraries_speak_only_when_something_is_wrong(own_log: Path) -> None:
    log.setup(QuickLog(level="DEBUG"))
    logger.debug("ours")
    logging.getLogger("httpx").info("theirs")
    logging.getLogger("httpx").warning("their warning")
    text = own_log.read_text("utf-8")
    assert "ours" in text
    assert "INFO httpx" not in text
    assert "their warning" in text


def test_the_level_is_that_of_the_settings(own_log: Path) -> None:
    log.setup(QuickLog(level="ERROR"))
    logger.warning("quiet")
    logger.error("loud")
    assert "quiet" not in own_log.read_text("utf-8")


def test_old_files_are_kept_up_to_their_number(own_log: Path) -> None:
    log.setup(QuickLog(max_mb=1, files=2))
    for _ in range(45):
        logger.info("x" * 100_000)
    assert sorted(path.name for path in own_log.parent.iterdir()) == [
        "quarterdeck.log",
        "quarterdeck.log.1",
        "quarterdeck.log.2",
    ]
    assert all(path.stat().st_size <= 1_000_000 for path in own_log.parent.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in own_log.parent.iterdir())


def test_a_file_that_another_process_has_rotated_is_left(own_log: Path) -> None:
    log.setup()
    logger.info("before")
    own_log.rename(own_log.with_name("quarterdeck.log.1"))
    logger.info("after")
    assert "before" not in own_log.read_text("utf-8")
    assert "after" in own_log.read_text("utf-8")


def test_secrets_are_left_out_of_tracebacks_too(own_log: Path) -> None:
    log.setup(secrets=["swordfish"])
    try:
        raise ValueError("cannot reach mysql://me:hunter2@db with swordfish")
    except ValueError:
        logger.exception("token=%s", "abcdef")
    text = own_log.read_text("utf-8")
    assert "Traceback" in text
    assert "mysql://me:********@db" in text
    assert not any(secret in text for secret in ("hunter2", "swordfish", "abcdef"))


def test_foreign_text_cannot_forge_a_line_or_drive_a_terminal(own_log: Path) -> None:
    log.setup()
    logger.info("\x1b[2Jfine\n2030-01-01T00:00:00.000Z INFO app: forged\r\u202e")
    first, second = own_log.read_text("utf-8").splitlines()
    assert first.endswith("\\x1b[2Jfine")
    assert second == "    2030-01-01T00:00:00.000Z INFO app: forged\\r\\u202e"


def test_text_that_is_no_unicode(own_log: Path) -> None:
    log.setup()
    logger.info("file \udcff.py")
    assert "file \\udcff.py" in own_log.read_text("utf-8")


def test_setting_it_up_again_replaces_it(own_log: Path) -> None:
    log.setup()
    log.setup(QuickLog(level="DEBUG"))
    logger.debug("once")
    assert own_log.read_text("utf-8").count("once") == 1


def test_the_console_sees_it_too(own_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(console=True, secrets=["swordfish"])
    logger.warning("seen swordfish")
    assert "seen ********" in capsys.readouterr().err
    assert "seen ********" in own_log.read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("in the way")
    path = log.setup()
    logger.error("into the void")
    assert log.trouble() == f"{path}: Not a directory"
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device of Linux that is always full")
def test_a_full_disk_is_no_reason_to_fail(own_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_log.parent.mkdir(parents=True)
    own_log.symlink_to("/dev/full")
    log.setup()
    logger.error("into the void")
    assert "No space left on device" in log.trouble()
    assert capsys.readouterr().err == ""


def test_a_thread_that_dies_is_logged(own_log: Path) -> None:
    log.setup()

    def die() -> None:
        raise RuntimeError("password=hunter2")

    thread = threading.Thread(target=die, name="worker-7")
    thread.start()
    thread.join()
    text = own_log.read_text("utf-8")
    assert "thread worker-7 died" in text
    assert "RuntimeError" in text
    assert "hunter2" not in text


def test_warnings_are_logged(own_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.setup()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in own_log.read_text("utf-8")
    assert capsys.readouterr().err == ""


def test_many_processes_write_whole_lines(own_log: Path) -> None:
    log.setup()
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(50):
                logger.info("child %d %s", number, "x" * 500)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    lines = own_log.read_text("utf-8").splitlines()
    assert len(lines) == 200
    assert all(line.endswith("x" * 500) for line in lines)
