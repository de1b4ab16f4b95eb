# The two commands of the README: everything else is set up on the way.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: serve test lint bench-latency clean

serve: $(INSTALLED)
	$(BIN)/python manage.py serve

test: lint
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run

bench-latency: $(INSTALLED)
	$(BIN)/python -m tests.benchmark.latency
	$(BIN)/python -m tests.benchmark.parts

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	touch $@

clean:
	rm -rf $(VENV) staticfiles .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
