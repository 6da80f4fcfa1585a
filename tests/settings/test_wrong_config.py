"""Every way to write the configuration wrongly, and the exact sentences that mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import SettingsError, load
from tests.settings.conftest import Write

TABLES = "ui, keys, database, log, tests, git, feedback, content, repositories, projects"
ADDRESS = '"mysql://user:password@host:3306/quarterdeck"'
PROJECT = '[[projects]]\nname = "a"\npath = "."\n'

WRONG: dict[str, tuple[str, str]] = {
    # Unknown keys
    "unknown key": ("[ui]\nthme = 'x'", "config.toml:2: ui.thme: unknown key; did you mean ui.theme?"),
    "unknown key, nothing near": (
        "[ui]\nwallpaper = 1",
        "config.toml:2: ui.wallpaper: unknown key; known here: theme, start, editor, clock",
    ),
    "key of another table": ("[ui]\nlevel = 'INFO'", "config.toml:2: ui.level: unknown key; did you mean log.level?"),
    "key outside its table": ("theme = 'x'", "config.toml:1: theme: unknown key; did you mean ui.theme?"),
    "unknown table": ("\n[test]\nrun = 'all'", "config.toml:2: test: unknown key; did you mean tests?"),
    "unknown table, nothing near": ("[zoo]", f"config.toml:1: zoo: unknown key; known tables: {TABLES}"),
    "private name of the library": (
        "_env_prefix = 'X'",
        f"config.toml:1: _env_prefix: unknown key; known tables: {TABLES}",
    ),
    "unknown key of a project": (
        PROJECT + "arguments = []",
        "config.toml:4: projects[0].arguments: unknown key; did you mean projects[0].args?",
    ),
    "unknown key in a dotted one": ("ui.clok.x = 1", "config.toml:1: ui.clok: unknown key; did you mean ui.clock?"),
    "unknown key with odd letters": (
        '[ui]\n"a\\u001b[0m" = 1',
        'config.toml:2: ui."a\\u001b[0m": unknown key; known here: theme, start, editor, clock',
    ),
    # Types
    "number for a string": ("[ui]\ntheme = 5", 'config.toml:2: ui.theme: expected a string, got 5; write "5"'),
    "true for a string": ("[ui]\ntheme = true", 'config.toml:2: ui.theme: expected a string, got true; write "true"'),
    "date for a string": (
        "[ui]\nstart = 2024-05-01",
        'config.toml:2: ui.start: expected a string, got 2024-05-01; write "2024-05-01"',
    ),
    "list for a string": (
        "[ui]\neditor = ['vim']",
        'config.toml:2: ui.editor: expected a string, got ["vim"]; write "vim"',
    ),
    "long list for a string": (
        "[ui]\ntheme = ['a', 'b', 'c', 'd']",
        'config.toml:2: ui.theme: expected a string, got ["a", "b", "c", …]; for instance theme = "quarterdeck"',
    ),
    "table for a string": (
        "[ui.theme]\nname = 'x'",
        'config.toml:1: ui.theme: expected a string, got a table; for instance theme = "quarterdeck"',
    ),
    "string for a whole number": (
        "[database]\npool_size = '8'",
        'config.toml:2: database.pool_size: expected a whole number, got "8"; write 8',
    ),
    "text for a whole number": (
        "[database]\npool_size = 'many'",
        'config.toml:2: database.pool_size: expected a whole number, got "many"; for instance pool_size = 4',
    ),
    "fraction for a whole number": (
        "[log]\nfiles = 2.5",
        "config.toml:2: log.files: expected a whole number, got 2.5; for instance files = 3",
    ),
    "whole fraction for a whole number": (
        "[log]\nfiles = 2.0",
        "config.toml:2: log.files: expected a whole number, got 2.0; write 2",
    ),
    "true for a whole number": (
        "[log]\nfiles = true",
        "config.toml:2: log.files: expected a whole number, got true; for instance files = 3",
    ),
    "number with a unit": (
        "[tests]\npoll_s = '2s'",
        'config.toml:2: tests.poll_s: expected a number, got "2s"; write 2.0',
    ),
    "not a number": (
        "[tests]\npoll_s = nan",
        "config.toml:2: tests.poll_s: expected a number, got nan; for instance poll_s = 1.0",
    ),
    "infinite": (
        "[tests]\npoll_s = inf",
        "config.toml:2: tests.poll_s: expected a number, got inf; for instance poll_s = 1.0",
    ),
    "word for true": ("[ui]\nclock = 'yes'", 'config.toml:2: ui.clock: expected true or false, got "yes"; write true'),
    "number for false": ("[ui]\nclock = 0", "config.toml:2: ui.clock: expected true or false, got 0; write false"),
    "text for true": (
        "[ui]\nclock = 'big'",
        'config.toml:2: ui.clock: expected true or false, got "big"; for instance clock = true',
    ),
    "string for a list": (
        PROJECT + "args = 'AAPL'",
        'config.toml:4: projects[0].args: expected a list of strings, got "AAPL"; write ["AAPL"]',
    ),
    "words in one string": (
        PROJECT + """args = '-k "not slow" -x'""",
        (
            'config.toml:4: projects[0].args: expected a list of strings, got "-k \\"not slow\\" -x";'
            ' write ["-k", "not slow", "-x"]'
        ),
    ),
    "command line as one word": (
        '[[feedback.retrain]]\nname = "p"\ncommand = ["python train.py"]',
        (
            "config.toml:3: feedback.retrain[0].command: expected the program and each argument by itself,"
            ' got ["python train.py"]; no program has this name'
        ),
    ),
    "table for a list": (
        PROJECT + "watch = {}",
        'config.toml:4: projects[0].watch: expected a list of strings, got a table; for instance ["first", "second"]',
    ),
    "number in a list": (
        PROJECT + "args = [\n '-n',\n 4\n]",
        'config.toml:6: projects[0].args[1]: expected a string, got 4; write "4"',
    ),
    "list in a list": (
        PROJECT + "ignore = [['a']]",
        'config.toml:4: projects[0].ignore[0]: expected a string, got ["a"]; write "a"',
    ),
    "string for a table": (
        "ui = 'dark'",
        'config.toml:1: ui: expected a table, got "dark"; write [ui] on a line of its own, and the keys below it',
    ),
    "list of tables for a table": (
        "[[ui]]\ntheme = 'x'",
        (
            "config.toml:1: ui: expected a table, got a list of tables; "
            "write [ui] on a line of its own, and the keys below it"
        ),
    ),
    "one table for many": (
        "[projects]\nname = 'a'",
        (
            "config.toml:1: projects: expected a list of tables, got a table; "
            "write [[projects]] on a line of its own, and the keys of one below it"
        ),
    ),
    "strings for tables": (
        "projects = ['a']",
        (
            'config.toml:1: projects[0]: expected a table, got "a"; '
            "write [[projects]] on a line of its own, and the keys below it"
        ),
    ),
    "list for named texts": (
        PROJECT + "env = ['A=1']",
        (
            'config.toml:4: projects[0].env: expected a table of strings, got ["A=1"]; '
            'write [projects.env] on a line of its own, and lines such as name = "value" below it'
        ),
    ),
    "number in named texts": (
        PROJECT + "env = { DEPTH = 3 }",
        'config.toml:4: projects[0].env.DEPTH: expected a string, got 3; write "3"',
    ),
    "number for keys": (
        '[keys]\n"app.quit" = 1',
        'config.toml:2: keys."app.quit": expected a string, got 1; write "1"',
    ),
    "keys as a list": (
        "keys = ['q']",
        (
            'config.toml:1: keys: expected a table of strings, got ["q"]; '
            'write [keys] on a line of its own, and lines such as name = "value" below it'
        ),
    ),
    "number for a path": (
        "[[projects]]\nname = 'a'\npath = 3",
        'config.toml:3: projects[0].path: expected a string, got 3; write "3"',
    ),
    # Bounds
    "too small": (
        "[database]\npool_size = 0",
        "config.toml:2: database.pool_size: expected at least 1, got 0; the default is 4",
    ),
    "too large": (
        "[database]\npool_size = 1000",
        "config.toml:2: database.pool_size: expected at most 64, got 1000; the default is 4",
    ),
    "nothing at all": (
        "[database]\nconnect_timeout_s = 0",
        "config.toml:2: database.connect_timeout_s: expected more than 0.0, got 0; the default is 5.0",
    ),
    "negative": (
        "[tests]\ntimeout_s = -1.5",
        "config.toml:2: tests.timeout_s: expected at least 0.0, got -1.5; the default is 600.0",
    ),
    "huge": (
        f"[log]\nmax_mb = {10**60}",
        f"config.toml:2: log.max_mb: expected at most 1000, got 1{'0' * 39}…; the default is 5",
    ),
    # Choices
    "near a choice": (
        "[tests]\nrun = 'affcted'",
        'config.toml:2: tests.run: expected "all" or "affected", got "affcted"; did you mean "affected"?',
    ),
    "other case of a choice": (
        "[log]\nlevel = 'debug'",
        'config.toml:2: log.level: expected "DEBUG", "INFO", "WARNING" or "ERROR", got "debug"; did you mean "DEBUG"?',
    ),
    "no choice": (
        "[tests]\npolling = 'x'",
        'config.toml:2: tests.polling: expected "auto", "always" or "never", got "x"; the default is "auto"',
    ),
    "true for a choice": (
        "[tests]\npolling = true",
        'config.toml:2: tests.polling: expected "auto", "always" or "never", got true; the default is "auto"',
    ),
    # Projects
    "project without a path": (
        "\n[[projects]]\nname = 'a'",
        'config.toml:2: projects[0].path: missing; write path = "~/code/trading"',
    ),
    "project without a name": (
        "[[projects]]\npath = '.'",
        'config.toml:1: projects[0].name: missing; write name = "trading"',
    ),
    "empty path": (
        "[[projects]]\nname = 'a'\npath = ' '",
        (
            'config.toml:3: projects[0].path: expected a folder, got " "; '
            'write "~/code/trading", or "." for the folder of this file'
        ),
    ),
    "odd name": (
        "[[projects]]\nname = '-x/y'\npath = '.'",
        (
            "config.toml:2: projects[0].name: expected a name of at most 60 letters, digits, spaces and . _ + - "
            'that begins with a letter or digit, got "-x/y"'
        ),
    ),
    "same name twice": (
        "[[projects]]\nname = 'a'\npath = '.'\n[[projects]]\nname = 'A'\npath = '..'",
        'config.toml:5: projects[1].name: the name "A" is taken by another project (config.toml:2); give each its own',
    ),
    "odd variable": (
        PROJECT + "env = { 'A=B' = '1' }",
        "config.toml:4: projects[0].env: no variable of the environment can be called 'A=B' or hold a NUL",
    ),
    # Secrets are never shown
    "list for a secret": (
        "[database]\nurl = ['mysql://u:hunter2@h/db']",
        (
            "config.toml:2: database.url: expected a string, got a list; "
            'for instance url = "mysql://user@localhost/quarterdeck"'
        ),
    ),
    "no address": (
        "[database]\nurl = 'hunter2'",
        (
            "config.toml:2: database.url: expected an address that begins with mysql://, mariadb:// or sqlite:///; "
            f'write {ADDRESS}, or "" for the embedded database'
        ),
    ),
    "another database": (
        "[database]\nurl = 'postgresql://u:hunter2@h/db'",
        (
            "config.toml:2: database.url: expected an address that begins with mysql://, mariadb:// or sqlite:///; "
            f'write {ADDRESS}, or "" for the embedded database'
        ),
    ),
    "no database named": (
        "[database]\nurl = 'mysql://u:hunter2@h/'",
        f"config.toml:2: database.url: the address names no database; write {ADDRESS}",
    ),
    "odd port": (
        "[database]\nurl = 'mysql://u:hun@ter/2@h:x/db'",
        (
            f"config.toml:2: database.url: the address has no right port; write {ADDRESS}, "
            "and characters such as @ : / of the password as %40 %3A %2F"
        ),
    ),
    "reference without a name": (
        "[database]\nurl = 'env:'",
        'config.toml:2: database.url: expected a name after "env:"; write "env:NAME"',
    ),
    "reference to nothing": (
        "[database]\nurl = 'env:MY_DB'",
        "config.toml:2: database.url: the environment has no MY_DB; set it, or write the secret itself",
    ),
    # TOML
    "no quotes": (
        "[ui]\ntheme = dark",
        (
            "config.toml:2:9: not valid TOML: invalid value; "
            'text stands in quotes: "text"; true and false are in lower case\n'
            "  2 │ theme = dark\n"
            "    │         ^"
        ),
    ),
    "no closing quote": (
        '[ui]\ntheme = "dark\nclock = true',
        (
            "config.toml:2:14: not valid TOML: illegal character '\\n'; the closing quote is missing\n"
            '  2 │ theme = "dark\n'
            "    │              ^"
        ),
    ),
    "no closing quote at the end": (
        'a = 1\nb = "dark',
        (
            "config.toml:2:10: not valid TOML: unterminated string; the closing quote is missing\n"
            '  2 │ b = "dark\n'
            "    │          ^"
        ),
    ),
    "no closing bracket": (
        "projects = [1,\n",
        (
            "config.toml:1:15: not valid TOML: the file ends where a value or a closing bracket should be\n"
            "  1 │ projects = [1,\n"
            "    │               ^"
        ),
    ),
    "no equals sign": (
        "\ntheme 'x'",
        (
            "config.toml:2:7: not valid TOML: expected '=' after a key in a key/value pair; "
            "write key = \"value\"\n  2 │ theme 'x'\n    │       ^"
        ),
    ),
    "table twice": (
        "[ui]\n[log]\n[ui]",
        (
            "config.toml:3:4: not valid TOML: cannot declare the table [ui] twice; "
            "this table stands above already; join the two\n  3 │ [ui]\n    │    ^"
        ),
    ),
    "backslashes": (
        '[[projects]]\npath = "C:\\code"',
        (
            "config.toml:2:13: not valid TOML: unescaped '\\' in a string; "
            "a backslash needs single quotes around the text: 'C:\\dir'\n"
            '  2 │ path = "C:\\code"\n'
            "    │             ^"
        ),
    ),
    "long line": (
        "a = '" + "x" * 200 + "' b",
        (
            "config.toml:1:208: not valid TOML: expected newline or end of document after a statement; "
            "one value a line; text with quotes inside stands in single quotes\n"
            f"  1 │ {'x' * 57}' b\n"
            f"    │ {' ' * 59}^"
        ),
    ),
    "control characters": (
        "a = '\x1b[31m'",
        "config.toml:1:6: not valid TOML: found invalid character '\\x1b'\n  1 │ a = ' [31m'\n    │      ^",
    ),
    "brackets without end": (
        f"a = {'[' * 5000}",
        "config.toml: brackets are nested too deeply to be read",
    ),
}


def problems(path: Path | None = None, environ: dict[str, str] | None = None) -> list[str]:
    """What is said of this configuration."""
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("case", WRONG)
def test_says_where_what_and_how(case: str, write: Write) -> None:
    text, sentence = WRONG[case]
    assert problems(write(text)) == [sentence]
    assert "hunter2" not in sentence
