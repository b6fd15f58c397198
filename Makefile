# Every target sets up what it needs: the environment in .venv/ and, where wanted, the data.
PYTHON ?= python3
SHELL := /bin/bash
python := .venv/bin/python

# Commands in .venv/bin name the folder that they were installed in; this one may have been moved.
ifneq ($(wildcard .venv/pyvenv.cfg),)
_ := $(shell $(python) -m grading.course.moved_environment)
endif

# nbgrader calls alembic and jupyter by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser test-site test-hub test-peer lint format release data bench accuracies calibration robustness newest clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 — /p' Makefile

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(python) || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "No virtual environment could be made; on Debian install python3-venv." >&2; exit 1; }
	@echo "Installing into .venv (some minutes the first time) ..."
	@$(python) -m pip install --quiet --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed ## run the whole course with eleven students in build/demo
	@$(python) -m grading demo

# A file's tests stay together and share what they made; files run side by side, one for each core.
side_by_side := -n auto --dist loadfile --no-loadscope-reorder

test: .venv/installed lint ## lint, check types, run every test, the fast ones first
	@$(python) -m pytest $(side_by_side)

# Groups stay together here, not files: one file takes more than half of the time.
test-browser: .venv/installed ## run the tests in Chromium; screenshots go to build/screenshots
	@$(python) -m pytest -m browser -n auto --dist loadgroup --no-loadscope-reorder tests/browser

test-site: .venv/installed ## test what a site has: other users, a cluster, faults of the machine
	@$(python) -m pytest -m site $(side_by_side)

test-hub: .venv/installed ## type the page on JupyterHub and play a class there (root, npm, the real data)
	@$(python) -m pytest -m hub tests/browser

test-peer: .venv/installed ## run nbgrader's own tests of its commands under this course's settings
	@$(python) -m tests.peer

lint: .venv/installed ## ruff, the type checker, and the notebooks' format
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(python) -m grading format --check
	@$(dir $(python))lint-imports > /dev/null || $(dir $(python))lint-imports

format: .venv/installed ## put code and notebooks into their canonical form
	@$(python) -m ruff check --fix-only --quiet .
	@$(python) -m ruff format .
	@$(python) -m grading format

release: .venv/installed ## build release/ from source/ with nbgrader
	@$(python) -m nbgrader generate_assignment weight_initialization --force
	@$(python) -m nbgrader generate_assignment weight_initialization_zh --force

data: .venv/installed ## find or fetch the data, once, for every notebook of this course
	@$(python) -m helpers

bench: .venv/installed ## measure training, the whole notebook, and classes of 10, 100 and 1,000 (hours)
	@$(python) -m tests.benchmarks.training_speed
	@$(python) -m tests.benchmarks.notebook_run
	@$(python) -m tests.benchmarks.class_speed
	@$(python) -m tests.benchmarks.serve_load

accuracies: .venv/installed ## measure what every initialization reaches (docs/accuracies.md)
	@$(python) -m tests.benchmarks.accuracies

calibration: .venv/installed ## measure the hidden tests' errors (docs/calibration.md)
	@$(python) -m tests.calibration

robustness: .venv/installed ## grade every fault and attack with plain nbgrader too (docs/robustness.md)
	@$(python) -m tests.benchmarks.robustness

newest_python := build/newest/bin/python

newest: ## install the newest of everything into build/newest, and say what the fast tests lose by it
	@$(PYTHON) -m venv --clear build/newest
	@echo "Installing into build/newest (some minutes) ..."
	@$(newest_python) -m pip install --quiet --quiet --disable-pip-version-check \
		--upgrade --upgrade-strategy eager --editable '.[dev]'
	@$(newest_python) --version
	@echo "Other than in constraints.txt:"
	@$(newest_python) -m pip freeze --disable-pip-version-check --exclude-editable | \
		grep -vxFf constraints.txt || true
	@PATH="$(CURDIR)/build/newest/bin:$$PATH" $(newest_python) -m pytest $(side_by_side) \
		-m 'not browser and not site and not hub and not slow' --ignore tests/course/test_package.py

clean: ## remove what was built; the environment and the data stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
