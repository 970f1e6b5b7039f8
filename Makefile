# `make help` lists what can be done here.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# Packages beyond the core, by the names in pyproject.toml: make install EXTRAS=exchanges
EXTRAS ?=
# Tests to run and options for pytest: make test ARGS="tests/cli -x"
ARGS ?=
export TORCH_INDEX

INSTALL = python=$$(scripts/find-python) && "$$python" scripts/install.py
# Two test processes share two cores: libraries that start threads of their own would fight over them.
ONE_THREAD := OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help install demo test soak check bench docs clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## one .venv with the tested packages (TORCH_INDEX=, EXTRAS=); nothing to do where it stands
	@$(INSTALL) --extras "$(EXTRAS)"

demo: install ## from nothing to a proven version and its report, offline, in ./demo
	@$(BIN)/pawl demo --home demo

test: ## every test (ARGS= for pytest); first installs what only tests need
	@$(INSTALL) --extras test
	@$(BIN)/python scripts/debian.py chromium postgresql redis-server
	@$(ONE_THREAD) $(BIN)/pytest -q -n 2 --dist loadfile --durations=15 $(ARGS)

soak: ## the long harnesses in full, and every property on new examples (ARGS= for pytest); an hour
	@$(INSTALL) --extras test
	@$(BIN)/python scripts/debian.py chromium postgresql redis-server
	@$(ONE_THREAD) $(BIN)/pytest -q -n 2 --dist loadfile --durations=15 --hypothesis-profile=at-random \
		-m "soak or hypothesis" $(ARGS)

check: ## format, lint, types, import contracts, house rules
	@$(INSTALL) --extras test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(ONE_THREAD) $(BIN)/pytest -q tests/test_house_rules.py tests/test_docs.py

bench: ## the benchmarks against their peers, in .venv-bench; a few quiet minutes on an idle machine
	@$(INSTALL) --venv .venv-bench --extras bench
	@for script in bench/*.py; do echo "== $$script"; $(ONE_THREAD) .venv-bench/bin/python $$script || exit 1; done

docs: install ## write the documents that come from the code
	@$(BIN)/python scripts/settings_doc.py
	@$(BIN)/python scripts/commands_doc.py
	@$(BIN)/pawl features ls m002 --markdown > docs/features.md && echo "wrote features.md"

clean: ## back to a fresh clone: removes the demo, the caches and the environments
	rm -rf demo $(VENV) .venv-bench dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
