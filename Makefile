# Everything a fresh machine with git, make and Python >= 3.11 needs. `uv` is used where it is present.
.PHONY: setup run test lint types bench lock clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)
JOBS ?= auto
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

help:
	@echo "make run    open the app on this repository"
	@echo "make test   run the tests"
	@echo "make setup lint types bench lock clean"

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Quarterdeck needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python)"; exit 1; }
ifdef UV
	@test -x $(BIN)/python || $(UV) venv --quiet --seed --python "$(PYTHON)" $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $(READY)

run: setup
	@$(BIN)/qd --config config.toml

# As many tests at once as there are processors, at most four: each of them has a server of its own.
test: setup
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --maxprocesses=4 --dist=worksteal $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.bench $(ARGS)

# Needs uv: writes the two lock files again from pyproject.toml, for every platform, without naming an index.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 --group pyproject.toml:dev pyproject.toml -o requirements/dev.txt

clean:
	rm -rf $(VENV) dist build .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache snapshot_report.html
