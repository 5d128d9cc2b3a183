# Two commands for a newcomer, each doing its own set-up:  make demo   make test
# The rest: make check (lint, types, arrows, doctests), make nightly (long property tests), make example, make lock.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check nightly example bench lock clean

demo: .venv/ready
	$(BIN)/tally demo

test: .venv/ready
	$(BIN)/pytest

check: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/promises.py
	$(BIN)/pytest --doctest-modules src

nightly: .venv/ready
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest tests/property tests/features tests/data tests/log

example: .venv/ready
	$(BIN)/python examples/card_fraud/reproduce.py --write

bench: .venv/ready
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/online.py
	$(BIN)/python -m benchmarks.features
	$(BIN)/python benchmarks/scale.py --sizes 10M

# Every dependency has a version and a hash; no index is named, so yours is used.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tallystick needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m tallystick.testing  # compiles the kernels now, not within the first command
	@touch $@

lock:
	uv pip compile -q pyproject.toml --extra train --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock

clean:
	rm -rf .venv demo-project
