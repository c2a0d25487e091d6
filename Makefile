# A fresh machine with Python 3.11 or later, make and a way to install packages needs nothing else.
#
#   make demo    install, run the example mesh, drive it, print what went where
#   make test    install, run every test
#   make up      install, run the example mesh until Ctrl-C
#   make help    the rest

PYTHON ?= python3
PROJECT ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?=

# Most tests wait for other processes, so some run beside each other; those that measure run alone.
BESIDE = --dist=loadfile -m "not alone"
EACH_TEST = $(BIN)/python -m pytest tests --ignore=tests/faults --numprocesses=3 $(BESIDE) && \
  $(BIN)/python -m pytest tests/faults --numprocesses=3 $(BESIDE) && \
  $(BIN)/python -m pytest tests -m alone

.DEFAULT_GOAL := help
.PHONY: help demo up trial bench test faults check packages tools pins clean

help: ## Show what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.all ## Run the example mesh, drive it, check that it balances
	$(BIN)/python examples/operations/demo.py

up: $(VENV)/.all ## Run a project until Ctrl-C (PROJECT=DIR, the example when not given)
	$(if $(PROJECT),$(BIN)/crossdock up $(PROJECT),$(BIN)/python examples/operations/up.py)

trial: $(VENV)/.all ## Carry real records through the mesh (DATA=DIR)
	@test -n "$(DATA)" || { echo "say where the records are: make trial DATA=DIR" >&2; exit 2; }
	$(BIN)/python examples/trial/trial.py "$(DATA)"

bench: $(VENV)/.dev ## Measure against bare loops on this machine (NAMES=... for some)
	$(BIN)/python benchmarks/run.py $(NAMES)

test: packages $(VENV)/.dev tools ## Run every test (TESTS=PATH for some)
	$(if $(TESTS),$(BIN)/python -m pytest $(TESTS),$(EACH_TEST))

faults: packages $(VENV)/.dev ## Kill processes for an hour, and judge (MESSAGES=N KILLS=N SEED=N)
	CROSSDOCK_FAULT_MESSAGES=$(or $(MESSAGES),100000) CROSSDOCK_FAULT_KILLS=$(or $(KILLS),300) \
	CROSSDOCK_FAULT_SEED=$(or $(SEED),1) \
	  $(BIN)/python -m pytest tests/faults --timeout=0 -s --durations=0

check: $(VENV)/.dev ## Lint, format, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

packages:
	@deploy/packages.sh

tools: $(VENV)/.dev
	@$(BIN)/python deploy/tools.py

pins: ## Renew the hashed pins of the image (needs uv)
	uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate \
	  --python-version 3.11 --extra all pyproject.toml --output-file deploy/requirements.txt
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | uv pip compile --quiet \
	  --generate-hashes --universal --no-header --no-annotate --python-version 3.11 - \
	  --output-file deploy/build-requirements.txt

clean: ## Remove everything that was installed or built here
	rm -rf $(VENV) .tools build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# A stamp is newer than pyproject.toml when its installation is complete, so a second run is quick.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "cannot make $(VENV): on Debian and Ubuntu install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.all: pyproject.toml $(VENV)/.python
	$(PIP) install --editable '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.python
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.all
