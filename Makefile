# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
SEEDS ?= 200
FIRST ?= 1
SECONDS ?= 60
LOCK := uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11
RUN_STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Name another: make PYTHON=python3.13 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.lock | $(PY)
	$(PIP) install -q --require-hashes --no-deps -r requirements/run.lock
	@touch $@

$(DEV_STAMP): requirements/dev.lock | $(PY)
	$(PIP) install -q --require-hashes --no-deps -r requirements/dev.lock
	@touch $@

demo: $(RUN_STAMP) ## run the main job on the embedded default: simulator, daemon and SQLite, about a minute
	@$(PY) -m autoscaler demo

test: lint unit wheel ## all checks and tests

lint: $(DEV_STAMP) ## ruff, mypy, import-linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

unit: $(DEV_STAMP) ## the test suite, with branch coverage
	$(VENV)/bin/coverage erase
	$(PY) -m pytest --cov --cov-branch --cov-report=term

simulate: $(DEV_STAMP) ## run SEEDS seeds of the deterministic simulation, from FIRST on; PLANTED=bug must fail
	@$(PY) -m tests.simulation --seeds $(SEEDS) --first $(FIRST) $(if $(PLANTED),--planted $(PLANTED))

fuzz: $(DEV_STAMP) ## mutated pages and answers against their readers, SECONDS each
	@$(PY) -m tests.fuzz.exposition --seconds $(SECONDS)
	@$(PY) -m tests.fuzz.http_reader --seconds $(SECONDS)

bench: $(DEV_STAMP) ## the benchmark against the newest Prometheus to be had; ONLY=name for one row
	@$(PY) -m bench $(ONLY)

wheel: $(DEV_STAMP) ## build the wheel and smoke-test its CLI in a fresh virtual environment
	tests/wheel_smoke.sh $(PYTHON)

format: $(DEV_STAMP) ## rewrite the sources in the house format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

lock: ## resolve the dependencies anew (needs uv)
	$(LOCK) pyproject.toml -o requirements/run.lock
	$(LOCK) --group build -o requirements/build.lock
	$(LOCK) pyproject.toml --group dev -c requirements/run.lock -c requirements/build.lock -o requirements/dev.lock

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

.PHONY: help demo test lint unit simulate fuzz bench wheel format lock clean
