"""The pre-push check under real pushes: what it lets through, what it refuses, and that its commands mend it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.git.hooked import PROGRAM, configure, install, push, shell
from tests.git.repos import ZERO, Place, Repo


@pytest.fixture
def guarded(repo: Repo) -> Repo:
    """A repository with the rule and the hook."""
    configure(repo.place)
    install(repo)
    return repo


def topic(repo: Repo, name: str, text: str = "") -> str:
    """A branch with one commit, without pushing it."""
    return repo.topic(name, text or f"work on {name}")


def test_a_right_push_goes_through_without_a_word(guarded: Repo) -> None:
    topic(guarded, "feature/one")
    assert push(guarded, "-q", "-u", "origin", "feature/one").err == ""
    assert guarded.origin.oid("refs/heads/feature/one") == guarded.oid("feature/one")


def test_a_misnamed_branch_is_refused_and_the_command_mends_it(guarded: Repo) -> None:
    topic(guarded, "Feature_Login")
    said = push(guarded, "origin", "Feature_Login")
    assert said.code != 0
    assert "Feature_Login: the name does not follow the rule; right would be feature/login-page" in said.err
    assert said.commands == [
        "git branch -m -- Feature_Login feature/feature-login",
        "git push -u origin feature/feature-login",
    ]
    assert guarded.origin.oid("refs/heads/Feature_Login") == ""
    assert [shell(guarded, command) for command in said.commands] == [0, 0]
    assert guarded.origin.oid("refs/heads/feature/feature-login")


def test_the_message_ends_with_the_command(guarded: Repo) -> None:
    topic(guarded, "wip")
    lines = [line for line in push(guarded, "origin", "wip").err.split("\n") if line.strip()]
    # git itself adds one line after everything that a hook has said.
    assert lines[-1].startswith("error: failed to push")
    assert lines[-2] == "  git push -u origin feature/wip"


def test_it_is_the_pushed_branches_that_count_and_not_head(guarded: Repo) -> None:
    topic(guarded, "feature/one")
    guarded.switch("wip", create=True)
    assert push(guarded, "-q", "origin", "feature/one").code == 0
    guarded.switch("feature/one")
    assert push(guarded, "origin", "wip").code != 0
    assert guarded.origin.oid("refs/heads/wip") == ""


def test_of_several_branches_every_wrong_one_is_told_and_none_is_pushed(guarded: Repo) -> None:
    for name in ("feature/one", "wip", "Fix/two", "bot/x/y"):
        topic(guarded, name)
    said = push(guarded, "origin", "feature/one", "wip", "Fix/two", "bot/x/y")
    assert said.code != 0
    assert "2 of 4 branches" in said.err
    assert "  wip: " in said.err
    assert "  Fix/two: " in said.err
    assert set(guarded.origin.refs()) == {"refs/heads/main"}


def test_push_all_with_thousands_of_branches(guarded: Repo) -> None:
    tip = guarded.oid()
    lines = b"".join(b"create refs/heads/feature/n%d %s\n" % (number, tip.encode()) for number in range(3000))
    guarded.git("update-ref", "--stdin", input=lines)
    assert push(guarded, "-q", "--all", "origin").code == 0
    assert len(guarded.origin.refs()) == 3001
    guarded.branch("wip")
    assert push(guarded, "--all", "origin").commands[0] == "git branch -m -- wip feature/wip"


def test_tags_and_other_refs_are_nobodys_business(guarded: Repo) -> None:
    guarded.git("tag", "Any-Name")
    guarded.git("tag", "-a", "-m", "x", "wip")
    guarded.git("notes", "add", "-m", "note")
    assert push(guarded, "-q", "origin", "--tags").code == 0
    assert push(guarded, "-q", "origin", "refs/notes/commits").code == 0
    assert push(guarded, "-q", "origin", "HEAD:refs/for/main").code == 0
    assert push(guarded, "-q", "origin", ":refs/tags/wip").code == 0


def test_a_tag_and_a_branch_of_one_name(guarded: Repo) -> None:
    topic(guarded, "feature/x")
    guarded.git("tag", "feature/x", "main")
    assert push(guarded, "-q", "origin", "refs/heads/feature/x").code == 0
    assert push(guarded, "-q", "origin", "refs/tags/feature/x").code == 0


def test_deleting_is_free_except_for_what_is_protected(guarded: Repo) -> None:
    for name in ("wip", "release"):
        guarded.topic(name, name)
    guarded.git("push", "-q", "--no-verify", "origin", "wip", "release")
    configure(guarded.place, '[git]\nprotected = ["rel*"]')
    guarded.origin.git("config", "receive.denyDeleteCurrent", "ignore")
    assert push(guarded, "-q", "origin", "--delete", "wip").code == 0
    said = push(guarded, "origin", ":release")
    assert "release: it is protected and must not be deleted" in said.err
    assert said.commands == ["git push --no-verify origin :refs/heads/release"]
    # The branch that the remote's HEAD names needs no rule to be protected.
    assert "main: it is protected" in push(guarded, "origin", ":main").err
    assert set(guarded.origin.refs()) == {"refs/heads/main", "refs/heads/release"}


def test_a_protected_branch_takes_only_fast_forwards(guarded: Repo) -> None:
    guarded.commit("second")
    assert push(guarded, "-q", "origin", "main").code == 0
    guarded.git("commit", "-q", "--amend", "-m", "other")
    said = push(guarded, "--force", "origin", "main")
    assert "main: it is protected, and commits that are on origin would be lost" in said.err
    assert said.commands == ["git pull --rebase origin refs/heads/main"]
    before = guarded.origin.oid("main")
    assert before != guarded.oid()
    # Branches without protection may be rewritten.
    topic(guarded, "feature/one")
    assert push(guarded, "-q", "origin", "feature/one").code == 0
    guarded.switch("feature/one")
    guarded.git("commit", "-q", "--amend", "-m", "rewritten")
    assert push(guarded, "-q", "--force", "origin", "feature/one").code == 0
    assert guarded.origin.oid("main") == before


def test_what_is_not_known_here_counts_as_lost(guarded: Repo) -> None:
    other = guarded.place.clone(guarded.origin, "other")
    other.commit("theirs")
    other.git("push", "-q", "origin", "main")
    guarded.commit("mine")
    assert "commits that are on origin would be lost" in push(guarded, "--force", "origin", "main").err
    assert guarded.origin.oid("main") == other.oid()


def test_a_branch_goes_to_its_own_name(guarded: Repo) -> None:
    topic(guarded, "feature/one")
    said = push(guarded, "origin", "feature/one:feature/two")
    assert "feature/two: the local branch feature/one is called otherwise" in said.err
    assert said.commands == ["git push -u origin feature/one"]
    assert push(guarded, "origin", "feature/one:main").code != 0
    assert shell(guarded, said.commands[0]) == 0
    assert guarded.origin.oid("feature/one")


def test_another_name_is_right_where_the_configuration_pairs_them(guarded: Repo) -> None:
    topic(guarded, "feature/one")
    guarded.git("push", "-q", "--no-verify", "origin", "feature/one:feature/two")
    guarded.git("fetch", "-q")
    guarded.git("branch", "-q", "--set-upstream-to=origin/feature/two", "feature/one")
    guarded.switch("feature/one")
    guarded.commit("more")
    assert push(guarded, "-q", "origin", "feature/one:feature/two").code == 0
    assert push(guarded, "origin", "feature/one:feature/three").code != 0
    guarded.git("config", "remote.origin.push", "+refs/heads/*:refs/heads/feature/of-ada-*")
    guarded.branch("mine")
    assert push(guarded, "-q", "origin", "mine:feature/of-ada-mine").code == 0


def test_what_is_no_local_branch_has_no_name_to_differ_from(guarded: Repo) -> None:
    guarded.commit("more")
    oid = guarded.oid()
    assert push(guarded, "-q", "origin", "HEAD:refs/heads/feature/a").code == 0
    assert push(guarded, "-q", "origin", f"{oid}:refs/heads/feature/b").code == 0
    assert push(guarded, "-q", "origin", "HEAD^{/mo}:refs/heads/feature/c").code == 0
    guarded.git("checkout", "-q", "--detach")
    said = push(guarded, "origin", "HEAD:refs/heads/wip")
    assert said.commands == ["git push origin HEAD:refs/heads/feature/wip"]
    assert shell(guarded, said.commands[0]) == 0


def test_names_that_differ_in_case_only(guarded: Repo) -> None:
    configure(guarded.place, pattern="", examples=[])
    topic(guarded, "foo", "one")
    assert push(guarded, "-q", "origin", "foo").code == 0
    guarded.delete("foo")
    topic(guarded, "Foo", "two")
    said = push(guarded, "origin", "Foo")
    assert "foo is written almost the same" in said.err
    assert said.commands == ["git branch -m -- Foo foo", "git push -u origin foo"]
    topic(guarded, "bar", "three")
    topic(guarded, "BAR", "four")
    said = push(guarded, "origin", "bar", "BAR")
    assert "1 of 2 branches" in said.err
    assert len(said.commands) == 2
    assert [shell(guarded, command) for command in said.commands] == [0, 0]


def test_a_folder_that_differs_in_case_only(guarded: Repo) -> None:
    configure(guarded.place, pattern="", examples=[])
    topic(guarded, "feat/a", "one")
    assert push(guarded, "-q", "origin", "feat/a").code == 0
    guarded.delete("feat/a")
    topic(guarded, "Feat/b", "two")
    said = push(guarded, "origin", "Feat/b")
    assert said.commands == ["git branch -m -- Feat/b feat/b", "git push -u origin feat/b"]
    assert [shell(guarded, command) for command in said.commands] == [0, 0]
    # A branch in the place of a folder, which only a remote that folds names would refuse by itself.
    topic(guarded, "FEAT", "three")
    assert "cannot hold a branch and a folder" in push(guarded, "origin", "FEAT").err


def test_accents_composed_differently(guarded: Repo) -> None:
    configure(guarded.place, pattern="", examples=[])
    topic(guarded, "é", "one")
    assert push(guarded, "-q", "origin", "é").code == 0
    topic(guarded, "e\u0301", "two")
    assert "written almost the same" in push(guarded, "origin", "e\u0301").err


def test_a_case_only_rename_in_one_push_is_no_collision(guarded: Repo) -> None:
    configure(guarded.place, pattern="", examples=[])
    topic(guarded, "foo", "one")
    assert push(guarded, "-q", "origin", "foo").code == 0
    guarded.git("branch", "-m", "foo", "Foo")
    assert push(guarded, "-q", "origin", "Foo", ":foo").code == 0
    assert set(guarded.origin.refs()) == {"refs/heads/main", "refs/heads/Foo"}


@pytest.mark.parametrize(
    "name", ["-x", "a'b", 'a"b$(touch${IFS}pwned)', "red]a", "naïve-日本-🙂", "a\u202eb", "a\udcffb", "a;b&c|d"]
)
def test_hostile_names_are_told_safely_and_the_command_still_works(guarded: Repo, name: str) -> None:
    guarded.raw_ref(f"refs/heads/{name}", guarded.commit("work"))
    said = push(guarded, "origin", f"refs/heads/{name}")
    assert said.code != 0
    assert "\u202e" not in said.err
    assert "\x1b" not in said.err
    first, second = said.commands
    new = "feature/x2" if "NEW-NAME" in first else second.rpartition(" ")[2]
    commands = [command.replace("NEW-NAME", new) for command in said.commands]
    assert [shell(guarded, command) for command in commands] == [0, 0]
    assert guarded.origin.oid(f"refs/heads/{new}") == guarded.oid()
    assert not (guarded.path / "pwned").exists()


def test_an_existing_misnamed_branch_is_renamed_on_both_sides(guarded: Repo) -> None:
    topic(guarded, "wip")
    guarded.git("push", "-q", "--no-verify", "-u", "origin", "wip")
    guarded.switch("wip")
    guarded.commit("more")
    assert push(guarded, "origin", "wip").commands == ["qd git rename wip feature/wip"]


def test_pushed_to_by_its_address(guarded: Repo) -> None:
    url = guarded.git("config", "remote.origin.url")
    topic(guarded, "feature/one")
    assert push(guarded, "-q", "origin", "feature/one").code == 0
    guarded.delete("feature/one")
    topic(guarded, "feature/One", "two")
    configure(guarded.place, pattern="", examples=[])
    assert "feature/one is written almost the same" in push(guarded, url, "feature/One").err
    # An address that nothing here knows: the other rules hold all the same.
    elsewhere = guarded.place.bare("elsewhere.git")
    configure(guarded.place)
    assert push(guarded, str(elsewhere.path), "feature/One").code != 0


def test_a_password_in_an_address_is_not_told(guarded: Repo) -> None:
    said = subprocess.run(
        [PROGRAM, "pre-push", "https://ada:hunter22@example.test/x", "https://ada:hunter22@example.test/x"],
        input=f"refs/heads/wip {'1' * 40} refs/heads/wip {ZERO}\n".encode(),
        cwd=guarded.path,
        env=guarded.place.env,
        capture_output=True,
    )
    assert said.returncode == 1
    assert b"hunter22" not in said.stderr
    assert b"git push" in said.stderr


def test_a_linked_working_tree_and_a_folder_named_by_hand(guarded: Repo) -> None:
    guarded.branch("wip")
    tree = guarded.worktree("wip")
    tree.commit("there")
    assert push(tree, "origin", "wip").code != 0
    env = {"GIT_DIR": str(guarded.git_dir), "GIT_WORK_TREE": str(guarded.place.home)}
    done = guarded.run("-C", str(guarded.place.home), "push", "origin", "wip", env=env, check=False)
    assert done.returncode != 0
    assert b"wip: the name" in done.stderr


def test_pins_that_are_published_are_told(guarded: Repo) -> None:
    guarded.raw_ref("refs/quarterdeck/trash/1/heads/x", guarded.oid())
    said = push(guarded, "origin", "refs/quarterdeck/*:refs/quarterdeck/*")
    assert said.code == 0
    assert "keeps a deleted branch for undo" in said.err


def test_no_network_and_no_filling_in_of_a_partial_clone(guarded: Repo) -> None:
    guarded.origin.git("config", "uploadpack.allowFilter", "true")
    guarded.commit("second")
    guarded.git("push", "-q", "origin", "main")
    partial = guarded.place.clone(f"file://{guarded.origin.path}", "partial", "--filter=tree:0", "--no-checkout")
    install(partial)
    # An object that only the server could have: asking for it must fail here instead of reaching out.
    canary = guarded.place.root / "canary"
    partial.git("config", "remote.origin.uploadpack", f"touch '{canary}'; git-upload-pack")
    done = subprocess.run(
        [PROGRAM, "pre-push", "origin", "x"],
        input=f"refs/heads/main {partial.oid()} refs/heads/main {'1' * 40}\n".encode(),
        cwd=partial.path,
        env=partial.place.env,
        capture_output=True,
    )
    assert done.returncode == 1
    assert b"would be lost" in done.stderr
    assert not canary.exists()
    partial.attempt("fetch", "origin")
    assert canary.exists()


def test_it_never_asks(guarded: Repo) -> None:
    """With a terminal as its input it reads nothing, so that nobody waits for somebody."""
    leader, follower = os.openpty()
    try:
        done = subprocess.run(
            [PROGRAM, "pre-push", "origin", "x"], stdin=follower, cwd=guarded.path, env=guarded.place.env, timeout=20
        )
        assert done.returncode == 0
    finally:
        os.close(leader)
        os.close(follower)


def test_a_broken_configuration_is_told_and_the_rest_still_holds(guarded: Repo) -> None:
    path = configure(guarded.place, pattern="((")
    guarded.branch("wip")
    said = push(guarded, "origin", "wip")
    assert said.code == 0
    assert "git.naming.pattern is not a regular expression, so names are not checked" in said.err
    path.write_text("[git", "utf-8")
    assert "no valid configuration" in push(guarded, "origin", ":main").err
    assert guarded.origin.oid("main")


def test_the_configuration_that_the_hook_was_installed_with(repo: Repo, tmp_path: Path) -> None:
    mine = tmp_path / "my config.toml"
    mine.write_text("[git.naming]\npattern = 'only-this'\n", "utf-8")
    install(repo, config=mine)
    repo.branch("other")
    assert "the pattern is only-this" in push(repo, "origin", "other").err
    repo.branch("only-this")
    assert push(repo, "-q", "origin", "only-this").err == ""


def test_without_any_configuration_only_protection_holds(repo: Repo) -> None:
    install(repo)
    repo.branch("Any_Name")
    assert push(repo, "-q", "origin", "Any_Name").err == ""
    assert push(repo, "origin", ":main").code != 0


def test_the_default_branch_that_the_configuration_names(place: Place) -> None:
    repo = place.repo(branch="trunk")
    install(repo)
    repo.git("remote", "set-head", "origin", "-d")
    repo.origin.git("config", "receive.denyDeleteCurrent", "ignore")
    configure(place, f"[[repositories]]\nname = 'x'\npath = '{repo.path}'\ndefault_branch = 'trunk'")
    assert "trunk: it is protected" in push(repo, "origin", ":trunk").err


def test_a_bare_repository_pushes_too(guarded: Repo) -> None:
    bare = guarded.place.clone(guarded.origin, "mirror.git", "--bare")
    bare.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    install(bare)
    bare.git("branch", "wip")
    assert push(bare, "origin", "wip").code != 0


def test_a_misnamed_branch_pushed_under_a_right_name_is_renamed_to_it(guarded: Repo) -> None:
    topic(guarded, "Login")
    said = push(guarded, "origin", "Login:feature/login")
    assert said.commands == ["git branch -m -- Login feature/login", "git push -u origin feature/login"]
    assert [shell(guarded, command) for command in said.commands] == [0, 0]
    assert guarded.origin.oid("refs/heads/feature/login") == guarded.oid("feature/login")


def test_the_name_on_the_remote_is_not_proposed_where_another_branch_has_it(guarded: Repo) -> None:
    topic(guarded, "feature/login")
    topic(guarded, "Login")
    said = push(guarded, "origin", "Login:feature/login")
    assert said.commands[-1] == "git push -u origin feature/login-2"
    assert [shell(guarded, command) for command in said.commands] == [0, 0]
