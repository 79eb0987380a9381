# Needs git, make and Python 3.11 or newer; everything else goes into .venv.
#   make lab     set up and open the lab in JupyterLab
#   make test    set up and run the tests
#   make check   set up and run the linter and the type checker
#   make docs    set up and build the documentation into build/docs
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin

.PHONY: lab test check docs clean

lab: $(VENV)/lab
	$(BIN)/genolab lab

test: $(VENV)/test
	$(BIN)/python -m pytest -n auto --maxprocesses 4

check: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/docs
	$(BIN)/python -m sphinx -q -W -b html docs build/docs

# one stamp per set of extras, renewed when pyproject.toml changes
$(VENV)/lab $(VENV)/test $(VENV)/docs: pyproject.toml | $(BIN)/python
	@if command -v uv >/dev/null; \
	then uv pip install --quiet --compile-bytecode --python $(BIN)/python -e ".[$(@F)]"; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$(@F)]"; fi
	@touch $@

$(BIN)/python:
	@echo "Setting up $(VENV); this takes a few minutes the first time."
	@if command -v uv >/dev/null; then exec uv venv --quiet --python ">=3.11" $(VENV); fi; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  $$python -m venv $(VENV) && exit 0; \
	  rm -rf $(VENV); echo "$$python cannot make an environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	done; \
	echo "genolab needs Python 3.11 or newer; none was found. Install it, or name it: make lab PYTHON=/path/to/python" >&2; exit 1

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
