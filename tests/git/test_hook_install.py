"""Installing hooks beside those that are there, and taking them away so that every byte is as before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.errors import UserError
from app.git import hookfile, hooks
from tests.git.hooked import configure, install, push
from tests.git.repos import Place, Repo


def picture(folder: Path) -> dict[str, Any]:
    """Everything in a folder of hooks: names, kinds, modes, dates and contents."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, content)
    return found


def state(repo: Repo, name: str = "pre-push") -> str:
    return next(hook.state for hook in hooks.status(repo.path).hooks if hook.name == name)


BEFORE = {
    "shell": '#!/bin/sh\ncat > seen\nprintf \'%s|\' "$0" "$@" > called\n',
    "bash": '#!/usr/bin/env bash\nset -euo pipefail\ncat > seen\nprintf \'%s|\' "$0" "$@" > called\n',
    "flags": '#!/bin/sh -eu\ncat > seen\nprintf \'%s|\' "$0" "$@" > called\n',
    "no shebang": 'cat > seen\nprintf \'%s|\' "$0" "$@" > called\n',
    "python": (
        f"#!{sys.executable}\nimport sys\nopen('seen', 'wb').write(sys.stdin.buffer.read())\n"
        "open('called', 'w').write('|'.join([*sys.argv, '']))\n"
    ),
    "no line end": '#!/bin/sh\ncat > seen; printf \'%s|\' "$0" "$@" > called; exit 0',
    "hungry for nothing": "#!/bin/sh\nprintf 'x %s\\n' > seen\nprintf '%s|' \"$0\" \"$@\" > called\n",
}


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o4750])
def test_the_hook_before_still_runs_and_comes_back_as_it_was(repo: Repo, kind: str, mode: int) -> None:
    configure(repo.place)
    path = repo.common_dir / "hooks" / "pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(BEFORE[kind].encode())
    path.chmod(mode)
    os.utime(path, ns=(10**18, 10**18))
    before = picture(path.parent)
    report = install(repo)
    assert state(repo) == "installed"
    assert report.done == (f"wrote {path}, which runs the one that was there (pre-push.before-quarterdeck)",)

    repo.topic("feature/x", "work")
    if kind == "no shebang":
        assert push(repo, "-q", "origin", "feature/x").code == 0
    else:
        assert push(repo, "-q", "origin", "feature/x").err == ""
    oid = repo.oid("feature/x")
    if kind != "hungry for nothing":
        assert (repo.path / "seen").read_text() == f"refs/heads/feature/x {oid} refs/heads/feature/x {'0' * 40}\n"
    program, *words = (repo.path / "called").read_text().split("|")
    assert words == ["origin", str(repo.origin.path), ""]
    # A shell script finds itself under its own name, as many look for their parts by it.
    if kind not in ("python", "no shebang"):
        assert program == ".git/hooks/pre-push"

    (repo.path / "seen").unlink()
    repo.branch("wip")
    assert push(repo, "origin", "wip").code != 0
    assert not (repo.path / "seen").exists()

    assert hooks.uninstall(repo.path).done == (f"put back {path} as it was",)
    assert picture(path.parent) == before
    assert state(repo) == "foreign"


def test_the_verdict_of_the_hook_before_holds(repo: Repo) -> None:
    repo.hook("pre-push", "echo no >&2; exit 7")
    install(repo)
    repo.commit("more")
    said = push(repo, "origin", "main")
    assert said.code != 0
    assert "no\n" in said.err


def test_one_that_is_switched_off_stays_so(repo: Repo) -> None:
    path = repo.hook("pre-push", "exit 1")
    path.chmod(0o644)
    assert hooks.status(repo.path).hooks[0].note == "not executable, so git does not run it"
    before = picture(path.parent)
    install(repo)
    repo.commit("more")
    assert push(repo, "-q", "origin", "main").code == 0
    hooks.uninstall(repo.path)
    assert picture(path.parent) == before


def test_a_link_stays_a_link(repo: Repo) -> None:
    scripts = repo.path / "scripts"
    scripts.mkdir()
    (scripts / "check").write_text("#!/bin/sh\ntouch linked\n")
    (scripts / "check").chmod(0o755)
    path = repo.common_dir / "hooks" / "pre-push"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("../../scripts/check")
    before = picture(path.parent)
    install(repo)
    repo.commit("more")
    assert push(repo, "-q", "origin", "main").code == 0
    assert (repo.path / "linked").exists()
    hooks.uninstall(repo.path)
    assert picture(path.parent) == before
    # A link to nowhere is a hook that does not run, and is kept as well.
    (scripts / "check").unlink()
    install(repo)
    assert push(repo, "-q", "origin", "main").code == 0
    hooks.uninstall(repo.path)
    assert path.is_symlink()


def test_without_a_hook_before_nothing_is_left(repo: Repo) -> None:
    folder = repo.common_dir / "hooks"
    before = picture(folder)
    install(repo, "pre-push", "pre-commit")
    assert hooks.uninstall(repo.path).done == (f"removed {folder / 'pre-push'}", f"removed {folder / 'pre-commit'}")
    assert picture(folder) == before
    assert hooks.uninstall(repo.path).done == ()


def test_a_folder_that_was_made_is_taken_away(place: Place) -> None:
    repo = place.init("bare-bones", "--template=")
    folder = repo.common_dir / "hooks"
    assert not folder.exists()
    install(repo)
    assert folder.is_dir()
    install(repo, "pre-commit")
    hooks.uninstall(repo.path, ["pre-push"])
    assert (folder / "pre-commit").exists()
    hooks.uninstall(repo.path)
    assert not folder.exists()


def test_installing_again_changes_nothing(repo: Repo) -> None:
    repo.hook("pre-push", "exit 0")
    install(repo)
    before = picture(repo.common_dir / "hooks")
    assert install(repo).done == ()
    assert picture(repo.common_dir / "hooks") == before


def test_an_old_one_is_brought_up_to_date(repo: Repo, tmp_path: Path) -> None:
    original = repo.hook("pre-push", "exit 0")
    first = original.read_bytes()
    hooks.install(repo.path, program=["/gone/qd-git-hook"])
    assert state(repo) == "outdated"
    # Until then a program that is gone stops nobody, and is told.
    repo.commit("more")
    said = push(repo, "origin", "main")
    assert said.code == 0
    assert "qd: /gone/qd-git-hook is gone, so nothing was checked" in said.err
    install(repo, config=tmp_path / "it's mine.toml")
    assert state(repo) == "installed"
    assert hookfile.options(original.read_bytes()) == (f"--config={tmp_path}/it's mine.toml",)
    hooks.uninstall(repo.path)
    assert original.read_bytes() == first


def test_dry_runs_do_nothing(repo: Repo) -> None:
    repo.hook("pre-push", "exit 0")
    before = picture(repo.common_dir)
    report = hooks.install(repo.path, dry_run=True)
    assert report.dry_run
    assert report.done[0].startswith("write ")
    assert picture(repo.common_dir) == before
    install(repo)
    before = picture(repo.common_dir)
    assert hooks.uninstall(repo.path, dry_run=True).done[0].startswith("would have put back")
    assert picture(repo.common_dir) == before


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_path_is_respected(repo: Repo, scope: str) -> None:
    configure(repo.place)
    folder = repo.place.home / "my hooks"
    folder.mkdir()
    (folder / "pre-push").write_text("#!/bin/sh\ncat > /dev/null; touch chained\n")
    (folder / "pre-push").chmod(0o755)
    repo.git("config", scope, "core.hooksPath", "~/my hooks")
    standard = picture(repo.common_dir / "hooks")
    before = picture(folder)
    report = install(repo)
    assert report.folder == folder
    assert any("core.hooksPath is ~/my hooks" in note for note in report.notes)
    assert any("serve every repository of this user" in note for note in report.notes) == (scope == "--global")
    repo.topic("feature/x", "work")
    assert push(repo, "-q", "origin", "feature/x").code == 0
    assert (repo.path / "chained").exists()
    repo.branch("wip")
    assert push(repo, "origin", "wip").code != 0
    assert picture(repo.common_dir / "hooks") == standard
    hooks.uninstall(repo.path)
    assert picture(folder) == before


def test_a_folder_in_the_working_tree_is_told(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", ".githooks")
    assert any("lies in the working tree" in note for note in install(repo).notes)
    assert (repo.path / ".githooks" / "pre-push").exists()
    hooks.uninstall(repo.path)
    assert not (repo.path / ".githooks").exists()


def test_a_dispatcher_that_finds_its_parts_by_its_own_name(repo: Repo) -> None:
    """As husky does: a small script in one folder runs the one of the same name in the folder above."""
    folder = repo.path / ".husky" / "_"
    folder.mkdir(parents=True)
    (folder / "h").write_text(
        '#!/usr/bin/env sh\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\nsh -e "$s" "$@"\n'
    )
    (folder / "pre-push").write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
    (folder / "pre-push").chmod(0o755)
    (repo.path / ".husky" / "pre-push").write_text("touch husky-ran\n")
    repo.git("config", "core.hooksPath", ".husky/_")
    before = picture(folder)
    install(repo)
    repo.git("commit", "-q", "--allow-empty", "-m", "more")
    assert push(repo, "-q", "origin", "main").code == 0
    assert (repo.path / "husky-ran").exists()
    hooks.uninstall(repo.path)
    assert picture(folder) == before


def test_hooks_that_are_switched_off_are_told_with_the_command(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", "/dev/null")
    with pytest.raises(UserError, match="git config --unset core"):
        install(repo)


def test_somebody_elses_hook_in_our_place_is_never_lost(repo: Repo) -> None:
    path = repo.hook("pre-push", "exit 0 # first")
    install(repo)
    path.write_text("#!/bin/sh\nexit 0 # second\n")
    assert state(repo) == "displaced"
    before = picture(path.parent)
    with pytest.raises(UserError, match="another hook has taken the place of ours"):
        install(repo)
    assert "was left alone" in hooks.uninstall(repo.path).notes[-1]
    assert picture(path.parent) == before


def test_one_that_wraps_ours_does_not_go_round_in_circles(repo: Repo) -> None:
    """As the pre-commit framework does: ours moves to `.legacy` and is run from there; then ours comes again."""
    configure(repo.place)
    path = repo.common_dir / "hooks" / "pre-push"
    install(repo)
    path.rename(path.with_name("pre-push.legacy"))
    path.write_text(
        '#!/bin/sh\nhere="$(cd "$(dirname "$0")" && pwd)"\necho x >> rounds\n"$here/pre-push.legacy" "$@"\n'
    )
    path.chmod(0o755)
    repo.branch("wip")
    assert push(repo, "origin", "wip").code != 0
    install(repo)
    assert push(repo, "origin", "wip").code != 0
    repo.branch("feature/x")
    (repo.path / "rounds").unlink()
    assert push(repo, "-q", "origin", "feature/x").code == 0
    assert (repo.path / "rounds").read_text() == "x\n"


def test_a_crash_between_the_two_steps_is_mended(repo: Repo) -> None:
    path = repo.hook("pre-push", "exit 0")
    before = picture(path.parent)
    os.link(path, path.with_name("pre-push.before-quarterdeck"))
    assert state(repo) == "foreign"
    install(repo)
    assert state(repo) == "installed"
    hooks.uninstall(repo.path)
    assert picture(path.parent) == before


def test_worktrees_share_their_hooks(repo: Repo) -> None:
    tree = repo.worktree("other", at="main")
    report = install(tree)
    assert report.folder == repo.common_dir / "hooks"
    assert state(repo) == "installed"


def test_unknown_hooks_and_places(repo: Repo, place: Place) -> None:
    with pytest.raises(UserError, match="there is no hook 'update'"):
        hooks.install(repo.path, ["update"])
    with pytest.raises(UserError, match="not a git repository"):
        hooks.status(place.root)


def test_a_folder_that_cannot_be_written_is_told(repo: Repo) -> None:
    (repo.common_dir / "hooks2").write_text("")
    repo.git("config", "core.hooksPath", str(repo.common_dir / "hooks2" / "inner"))
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        install(repo)


def test_the_hook_is_portable_shell(repo: Repo) -> None:
    text = hookfile.text("pre-push", ["/a b/qd-git-hook"], ["--config=/it's"], before=b"#!/bin/bash -eu\n")
    for shell in ("sh", "bash"):
        assert subprocess.run([shell, "-n"], input=text.encode(), capture_output=True).returncode == 0
    assert "/bin/bash" not in text.split("\n")[0]
