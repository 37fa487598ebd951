# `make serve` and `make test` need Python 3.11 or newer, and nothing else: each makes what it needs.

PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The tests start hundreds of Pythons: each would compile all that it imports.
COMPILED := env -u PYTHONDONTWRITEBYTECODE

.PHONY: help serve test test-frameworks typescript faults bench bench-peers clean

help:
	@echo "make serve [ARGS='--port 8001']   run the service (ARGS: see agent-runtime serve --help)"
	@echo "make test [ARGS='-k takeover']    ruff, mypy, pytest"
	@echo "make test-frameworks [ARGS=langgraph]   the adapters, each with its framework"
	@echo "make typescript                   write the client for Node and browsers to build/typescript"
	@echo "make faults [FAULTS=quick]         try to break the guarantees"
	@echo "make bench [ARGS=--quick]         measure, and renew docs/performance.md"
	@echo "make bench-peers [ARGS=--quick]   the same beside other libraries"
	@echo "make clean                        remove what the others made, but no data"

serve: $(VENV)/.serve
	@exec $(BIN)/agent-runtime serve $(ARGS)

# By several processes side by side; ARGS=-n0 for one, which --pdb and -s need. mypy runs beside
# them, and what it says comes behind what pytest says.
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy > $(VENV)/.types 2>&1 & types=$$!; \
	$(COMPILED) $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS); tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/.types; exit $$((tests || types))

# Each framework in an environment of its own, below .venv-frameworks. The counts go into
# docs/frameworks.md.
test-frameworks: $(VENV)/.test
	$(COMPILED) $(BIN)/python -m tests.frameworks --write docs/frameworks.md $(ARGS)

# A package for npm, made of the OpenAPI document.
typescript: $(VENV)/.serve
	$(BIN)/python -m web.docs.typescript build/typescript

# The campaign `nodes` alone takes ten minutes; FAULTS=quick is a short form of all. The figures go
# into docs/reliability.md.
faults: $(VENV)/.test
	$(BIN)/python -m tests.faults $(if $(filter quick,$(FAULTS)),--quick,--write docs/reliability.md) $(ARGS)

# Under 15 minutes.
bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

# Under 15 minutes.
bench-peers: $(VENV)/.bench $(PEERS)/.installed
	$(BIN)/python -m benchmarks peers adapters --python $(PEERS)/bin/python $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "agent-runtime needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.serve
	$(PIP) install --constraint constraints.txt --editable '.[test]'
	@touch $@

$(VENV)/.bench: $(VENV)/.serve
	$(PIP) install --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(PEERS)/.installed: $(VENV)/bin/python benchmarks/peers-requirements.txt benchmarks/peers-constraints.txt
	$(VENV)/bin/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install \
		--constraint benchmarks/peers-constraints.txt --requirement benchmarks/peers-requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) .venv-frameworks build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
