"""What the audit finds, in real repositories, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.git.cli import Git
from app.git.hygiene import portable, texts
from app.git.hygiene.audit import audit
from app.git.hygiene.model import Entry, Finding, Step
from app.git.hygiene.paths import Taken
from app.git.hygiene.reading import read_ignored, read_index, read_staged, read_tree, with_sizes
from app.git.names import fold
from tests.git.repos import Place, Repo

NFC, NFD = "é.txt", "e\u0301.txt"


def entries(*paths: str, same: bool = False) -> list[Entry]:
    """Files of these paths, each with content of its own unless `same`."""
    return [Entry(path, "100644", "0" * 40 if same else f"{number:040x}") for number, path in enumerate(paths, 1)]


def found(*paths: str, same: bool = False) -> list[Finding]:
    """Findings without those about files that are missing."""
    all_of_them = audit(entries(*paths, same=same), large_mb=5)
    return [finding for finding in all_of_them if not finding.kind.startswith("missing")]


def moves(finding: Finding) -> dict[str, str]:
    return {step.path: step.other for step in finding.steps if step.verb == "move"}


def test_two_files_of_one_name_with_different_content() -> None:
    (finding,) = found("README.md", "readme.md")
    assert (finding.kind, finding.severity, finding.paths) == ("case_twins", "error", ("README.md", "readme.md"))
    assert moves(finding) == {"readme.md": "readme-2.md"}
    assert not finding.ticked


def test_two_files_of_one_name_with_the_same_content() -> None:
    (finding,) = found("src/A.py", "src/a.py", same=True)
    assert finding.steps == (Step("remove", "src/a.py"),)
    assert finding.ticked


def test_folders_clash_although_no_file_does() -> None:
    (finding,) = found("TEST/foo", "test/bar", "test/baz")
    assert (finding.kind, finding.paths) == ("case_twins", ("test", "TEST"))
    assert moves(finding) == {"TEST/foo": "test/foo"}
    assert finding.ticked
    assert finding.key == "case_twins:test"


def test_folders_with_a_file_in_both() -> None:
    folders, files = found("TEST/foo", "TEST/only", "test/foo", "test/bar", "test/x")
    assert moves(folders) == {"TEST/only": "test/only"}
    assert not folders.ticked
    assert moves(files) == {"TEST/foo": "test/foo-2"} or moves(files) == {"test/foo": "test/foo-2"}


def test_folders_inside_of_folders_are_told_once_where_they_begin() -> None:
    (finding,) = found("A/B/C/x", "a/b/c/y")
    assert finding.paths == ("A", "a")
    assert moves(finding) == {"a/b/c/y": "A/b/c/y"}


def test_a_file_and_a_folder_of_one_name() -> None:
    (finding,) = found("Doc", "doc/x")
    assert finding.kind == "case_twins"
    assert moves(finding) == {"Doc": "Doc-2"}
    assert not finding.ticked


def test_accents_composed_differently() -> None:
    (finding,) = found(f"a/{NFD}", f"a/{NFC}")
    assert (finding.kind, finding.paths) == ("unicode_twins", (f"a/{NFC}", f"a/{NFD}"))
    (finding,) = found(f"a/{NFD}", f"a/{NFC}", same=True)
    assert finding.steps == (Step("remove", f"a/{NFD}"),)
    (finding,) = found("e\u0301/x", "é/y", "e\u0301/z")
    assert finding.paths[0] == "é"


def test_three_of_a_kind() -> None:
    (finding,) = found("a.txt", "A.txt", "A.TXT")
    assert len(moves(finding)) == 2
    assert len(set(moves(finding).values())) == 2


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("a /x", "a/x"),
        ("a./x", "a/x"),
        ("x. .", "x"),
        ("aux.c", "aux_.c"),
        ("src/NUL", "src/NUL_"),
        ("con.tar.gz", "con_.tar.gz"),
        ("com1", "com1_"),
        ("COM¹.txt", "COM¹_.txt"),
        ("lpt9 .x", "lpt9_.x"),
        ("a:b", "a_b"),
        ('say "hi"?', "say _hi__"),
        ("a\\b", "a_b"),
        ("a\nb", "a_b"),
        ("a\x01b", "a_b"),
        ("...", "_"),
        ("x" * 300, "x" * 255),
        ("x" * 300 + ".py", "x" * 252 + ".py"),
        ("CONIN$", "CONIN$_"),
    ],
)
def test_names_that_not_every_system_holds(path: str, right: str) -> None:
    (finding,) = found(path)
    assert (finding.kind, finding.severity) == ("bad_name", "error")
    assert list(moves(finding).values()) == [right]


@pytest.mark.parametrize(
    "path", ["auxiliary.c", "console", "com10", "com", "nul_", ".gitignore", "a b", "日本", "a.b.c", "lpt"]
)
def test_names_that_every_system_holds(path: str) -> None:
    assert found(path) == []


def test_a_bad_folder_is_one_finding_and_its_files_are_all_mended() -> None:
    (finding,) = found("bad /aux.c", "bad /ok", "bad/ok", "fine")
    assert finding.paths == ("bad ",)
    assert moves(finding) == {"bad /aux.c": "bad/aux_.c", "bad /ok": "bad/ok-2"}


@given(st.text(min_size=1, max_size=20).filter(lambda text: "/" not in text and "\0" not in text))
@settings(max_examples=300, deadline=None)
def test_a_repaired_name_has_no_problem(name: str) -> None:
    assert portable.problem(portable.repaired(name)) == ""


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("readme.md", "README.md"),
        ("Readme.MD", "README.md"),
        ("readme", "README"),
        ("docs/ReadMe.rst", "docs/README.rst"),
    ],
)
def test_readme(name: str, right: str) -> None:
    (finding,) = found(name)
    assert (finding.kind, finding.severity, finding.ticked) == ("readme_name", "note", True)
    assert moves(finding) == {name: right}


def test_names_like_readme_are_left_alone() -> None:
    assert found("README.md", "docs/readme.html", "readme.py", "README.rst", "readme-first.md") == []


def test_large_files_and_what_is_ignored() -> None:
    big = Entry("data/[a] *b.bin ", "100644", "1" * 40, 7_340_032)
    small, unknown = Entry("x", "100644", "2" * 40, 4_999_999), Entry("y", "100644", "3" * 40)
    module = Entry("sub", "160000", "4" * 40, 9_000_000)
    kinds = {f.kind: f for f in audit([big, small, unknown, module], large_mb=5, ignored=["x", "gone"])}
    large = kinds["large_file"]
    assert large.paths == (big.path,)
    assert large.detail.startswith("7.3 MB")
    assert large.steps == (Step("untrack", big.path), Step("ignore", ".gitignore", "/data/\\[a] \\*b.bin\\ "))
    assert not large.ticked
    assert kinds["ignored_tracked"].paths == ("x",)


def test_missing_files() -> None:
    kinds = {f.kind: f for f in audit(entries("a.py", "dist/x"), large_mb=5, holder="Ada\n Lovelace", year=2031)}
    assert set(kinds) == {"bad_name", "missing_gitignore", "missing_license"} - {"bad_name"}
    assert "__pycache__/\n" in kinds["missing_gitignore"].steps[0].other
    # What is tracked must not be ignored by the file that is proposed.
    assert "/dist/" not in kinds["missing_gitignore"].steps[0].other
    assert "Copyright (c) 2031 Ada Lovelace" in kinds["missing_license"].steps[0].other
    assert not kinds["missing_license"].ticked
    assert audit(entries("a"), large_mb=5)[-1].steps == ()
    assert audit([], large_mb=5) == ()


@pytest.mark.parametrize("name", ["LICENSE", "License.md", "COPYING", "LICENCE-MIT", "UNLICENSE", "LICENSES/MIT.txt"])
def test_a_license_under_any_of_its_names(name: str) -> None:
    assert not [f for f in audit(entries(name, ".gitignore"), large_mb=5) if f.kind == "missing_license"]


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "A", "b", "é", "e\u0301", "É", "a.", "aux"]), min_size=1, max_size=3).map(
            "/".join
        ),
        max_size=8,
        unique=True,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_fix_puts_a_file_over_another(paths: list[str]) -> None:
    """Of any set of paths that git can hold, done in order: and each pass leaves fewer findings, down to none."""
    there = {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    for _ in range(4):
        for finding in found(*sorted(there)):
            for step in finding.steps:
                assert step.verb == "move"
                if step.path in there:
                    assert not any(fold(other) == fold(step.other) for other in there - {step.path})
                    there = {step.other if path == step.path else path for path in there}
    assert len(there) == len({path for path in paths if not any(other.startswith(f"{path}/") for other in paths)})
    assert found(*sorted(there)) == []


def test_taken() -> None:
    taken = Taken(["a/b", "x.tar.gz"])
    assert not taken.free("A")
    assert not taken.free("a/B")
    assert taken.free("a/B", besides="a/b")
    assert not taken.free("a/b/c")
    assert taken.near("X.tar.gz") == "X.tar-2.gz"
    assert taken.near(".hidden") == ".hidden"


@pytest.mark.parametrize("path", ["plain", "a b", "!x", "#x", "[x]", "a*b?", "tail  ", "back\\slash", "dir/é"])
def test_a_line_of_gitignore_names_exactly_its_path(repo: Repo, path: str) -> None:
    repo.write({".gitignore": texts.ignore_line(path) + "\n", path: "x", "other/" + path: "x"})
    assert repo.run("check-ignore", "-q", "--", path, check=False).returncode == 0
    assert repo.run("check-ignore", "-q", "--", "other/" + path, check=False).returncode == 1
    assert texts.ignore_line("a\nb") == ""


HOSTILE = ["-x", "a\nb", "a\tb", 'q"uote', "[red]x[/]", "esc\x1b[31m", "\udcff", "日本/é", ":(top)x", "*", "sp ace"]


def test_reading_the_index_and_a_commit(place: Place) -> None:
    repo = place.repo()
    repo.commit("hostile", dict.fromkeys(HOSTILE, "12345"))
    git = Git(repo.path)
    index = with_sizes(git, read_index(git))
    assert {entry.path for entry in index} == {"README.md", *HOSTILE}
    assert {entry.size for entry in index} == {5, 6}
    assert read_tree(git, "HEAD") == read_index(git)
    # From a folder below the top the answers are the same.
    below = Git(repo.path / "日本")
    assert read_index(below) == read_index(git)
    bare = Git(repo.origin.path)
    assert [entry.path for entry in read_tree(bare, "main")] == ["README.md"]


def test_reading_what_is_staged_and_ignored(repo: Repo) -> None:
    repo.commit("more", {"kept.log": "x", "old": "y" * 50, "same": "z"})
    repo.write({".gitignore": "*.log\nprivate\n", "new é": "x", "same": "changed"})
    repo.git("add", ".gitignore", "new é", "same")
    repo.git("mv", "old", "renamed")
    git = Git(repo.path)
    assert read_ignored(git) == ["kept.log"]
    assert read_staged(git) == {".gitignore", "new é", "same", "renamed"}
    # What somebody ignores for himself alone is nobody's mistake.
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info" / "exclude").write_text("same\n")
    assert read_ignored(git) == ["kept.log"]


def test_an_unborn_branch_a_conflict_and_a_submodule(place: Place) -> None:
    empty = place.init("empty")
    git = Git(empty.path)
    assert with_sizes(git, read_index(git)) == []
    assert read_staged(git) == set()
    empty.write({"a": "x"})
    empty.git("add", "a")
    assert read_staged(git) == {"a"}

    repo = place.repo("conflicted")
    repo.conflict()
    assert repo.attempt("merge", "other") != 0
    assert [entry.path for entry in read_index(Git(repo.path))].count("both.txt") == 3
    assert [f.kind for f in audit(read_index(Git(repo.path)), large_mb=5) if f.severity == "error"] == []

    inner = place.repo("inner")
    repo = place.repo("outer")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.path), "Sub")
    git = Git(repo.path)
    listed = {entry.path: entry for entry in with_sizes(git, read_index(git))}
    assert (listed["Sub"].mode, listed["Sub"].size) == ("160000", None)


def test_sizes_in_a_partial_clone_ask_no_server(place: Place) -> None:
    source = place.repo()
    source.commit("big", {"big": "x" * 1000})
    source.push("main")
    source.origin.git("config", "uploadpack.allowFilter", "true")
    partial = place.clone(f"file://{source.origin.path}", "partial", "--filter=blob:none", "--no-checkout")
    partial.git("read-tree", "HEAD")
    canary = place.root / "canary"
    partial.git("config", "remote.origin.uploadpack", f"touch '{canary}'; git-upload-pack")
    git = Git(partial.path)
    sizes = {entry.path: entry.size for entry in with_sizes(git, read_index(git))}
    assert sizes == {"README.md": None, "big": None}
    assert not Path(canary).exists()


def test_a_name_that_is_not_utf8_is_found_and_repaired() -> None:
    (finding,) = found("docs/na\udcefve.txt")
    assert (finding.kind, finding.severity) == ("bad_name", "error")
    assert "not UTF-8" in finding.detail
    assert moves(finding) == {"docs/na\udcefve.txt": "docs/na_ve.txt"}
