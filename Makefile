# Two commands for a newcomer, each doing its own set-up:  make demo   make test
# The rest: make check (lint, types, arrows, doctests), make wheel (the demo from an installed wheel, away from here),
# make nightly (long property tests), make example, make bench, make lock.

PYTHON ?= python3
BIN := .venv/bin

# The locks are installed as they are: nothing is resolved, so what an index has tomorrow cannot matter, and no index is
# named, so yours is used. Only wheels, but for pyspark, which has none and is built with what the lock pins for that.
PIP := -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-deps
LOCKED := $(INSTALL) --require-hashes --no-build-isolation --only-binary :all: --no-binary pyspark
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: demo test check wheel nightly example bench lock clean

demo: .venv/demo-ready
	$(BIN)/tally demo

test: .venv/test-ready
	$(BIN)/pytest

check: .venv/test-ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/promises.py
	$(BIN)/pytest --doctest-modules src

wheel: .venv/demo-ready
	tools/wheel.sh $(PYTHON) $(BIN)/python

nightly: .venv/test-ready
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest tests/property tests/features tests/data tests/log

example: .venv/test-ready
	$(BIN)/python examples/card_fraud/reproduce.py --write

bench: .venv/test-ready
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/online.py
	$(BIN)/python -m benchmarks.features
	$(BIN)/python benchmarks/scale.py --sizes 10M

# What the demo needs, and no more: the core, the extra `train`, and what an editable installation is made with.
# Compiled ahead is only what the two imports load, wherever Python is told to keep nothing: the rest is 100 MB.
WRITING := env -u PYTHONDONTWRITEBYTECODE
.venv/demo-ready: requirements/demo.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tallystick needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(LOCKED) --no-compile -r requirements/demo.lock
	$(BIN)/python $(INSTALL) --no-build-isolation -e .
	$(BIN)/python $(PIP) check
	@$(WRITING) $(BIN)/python -c 'import lightgbm, optuna, sklearn.linear_model' || { echo 'LightGBM needs the OpenMP runtime: apt-get install libgomp1, or brew install libomp'; exit 1; }
	$(WRITING) $(BIN)/python -m tallystick.testing  # compiles the kernels now, not within the first command
	@touch $@

# What tests, types and benchmarks need besides: Spark, DuckDB, the table formats, the servers of tests.
.venv/test-ready: requirements/test.lock .venv/demo-ready
	$(BIN)/python $(LOCKED) -r requirements/test.lock
	$(BIN)/python $(PIP) check
	@touch $@

# A package index is asked only here. The second lock holds the versions of the first; the recording is what
# tests/test_lock.py proves both closed with.
lock:
	$(COMPILE) pyproject.toml --extra train --group build -o requirements/demo.lock
	$(COMPILE) pyproject.toml --extra train --group dev -c requirements/demo.lock -o requirements/test.lock
	uv run --quiet --isolated --no-project --python $(PYTHON) --with pip --with packaging --with setuptools python tools/lock_metadata.py

clean:
	rm -rf .venv demo-project
