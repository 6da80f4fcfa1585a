"""The names of the program and of its commands. Imports nothing: help and completion need no more than this."""

from __future__ import annotations

COMMANDS = {
    "test": ("app.commands.test:test", "Run, watch and look back on the tests of a project."),
    "git": ("app.commands.git:git", "State of repositories, and changes that can be undone."),
    "feedback": ("app.commands.feedback:feedback", "Take in feedback on what models answered."),
    "retrain": ("app.commands.retrain:retrain", "Hand decided rows to those who train on them."),
    "content": ("app.commands.content:content", "Drafts from templates, and the style they are written in."),
    "notes": ("app.commands.notes:notes", "Notes with tags, versions, links and a search."),
    "config": ("app.commands.config:config", "Show, check and find the configuration."),
    "init": ("app.commands.init:init", "Write a commented configuration."),
    "db": ("app.commands.db:db", "State and structure of the database."),
    "schema": ("app.commands.schema:schema", "JSON Schema of what a command prints with --json."),
    "completion": ("app.commands.completion:completion", "Shell completion for bash, zsh and fish."),
}
"""Each command's place, imported when it is used, and its line in `--help`."""

AREAS = {"tests": "Tests", "git": "Git", "feedback": "Feedback", "content": "Content"}
"""The areas that the app can open with, and their titles; a test compares them with the app's own list."""

PROGRAMS = ("qd", "quarterdeck")
COMPLETION_VARIABLES = tuple(f"_{name.upper()}_COMPLETE" for name in PROGRAMS)
