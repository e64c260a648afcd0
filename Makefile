# Everything runs in .venv, which the first target to need it makes: from Python 3.11 to 3.14, pip, make and git alone.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UVX ?= uvx
TEST_PYTHON ?= 3.13
DIR ?= wheels
# No worker that crashed is replaced: with --dist loadfile the run would wait for it for ever.
PYTEST_ARGS ?= -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-lowest test-newest lint format lock dist wheel-check audit licences sbom gpu-wheels coverage clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

quickstart: $(STAMP) ## build, train and evaluate on the embedded synthetic voices; ends with a score table
	$(BIN)/ser-hf quickstart

test: $(STAMP) ## run the tests (PYTEST_ARGS=... to choose)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

test-lowest: ## run the tests with the oldest versions that pyproject.toml allows (needs uv)
	uv venv --quiet --clear --python 3.11 $(VENV)-lowest
	uv pip install --quiet --python $(VENV)-lowest --resolution lowest-direct --editable '.[dev]'
	OMP_NUM_THREADS=1 $(VENV)-lowest/bin/python -m pytest $(PYTEST_ARGS)

test-newest: ## run the tests with the newest versions allowed (TEST_PYTHON=3.11 to 3.14; needs uv)
	uv venv --quiet --clear --python $(TEST_PYTHON) $(VENV)-newest
	uv pip install --quiet --python $(VENV)-newest --upgrade --editable '.[dev]'
	OMP_NUM_THREADS=1 $(VENV)-newest/bin/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP) ## ruff, the formatter as a check, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## let ruff mend and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## pin requirements.lock anew (needs uv)
	uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev pyproject.toml \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file requirements.lock

dist: $(STAMP) ## build the source archive and the wheel into dist/, the same bytes every time
	$(BIN)/python tests/release/build.py dist

wheel-check: $(STAMP) ## build both twice, install the wheel apart from the checkout and use it from an empty folder
	OMP_NUM_THREADS=1 $(BIN)/python tests/release/wheel_check.py

audit: $(STAMP) ## hold requirements.lock against the known advisories (needs uv and the network)
	@UVX="$(UVX)" $(BIN)/python tests/release/audit.py

licences: $(STAMP) ## list the licences of all that is installed in build/licences.md (needs uv)
	@mkdir -p build
	$(UVX) --quiet pip-licenses==5.5.5 --python $(BIN)/python --format=markdown --order=license --with-urls \
		--ignore-packages ser_hf --output-file build/licences.md

sbom: $(STAMP) ## write what is installed as a CycloneDX bill of materials, build/sbom.json (needs uv)
	@mkdir -p build
	$(UVX) --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment --output-reproducible --short-PURLs \
		--mc-type library --pyproject pyproject.toml --output-file build/sbom.json $(BIN)/python

gpu-wheels: $(STAMP) ## download what tests/gpu_check.py needs on a GPU machine without an index (DIR=wheels)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --only-binary :all: --dest $(DIR) \
		--requirement requirements.lock 'setuptools>=77' wheel

coverage: $(STAMP) ## run the tests and show which branches of ser_hf/ they take; fails under 92 % of them
	$(BIN)/python -m coverage erase
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS) --cov --cov-report=
	$(BIN)/python -m coverage report --skip-covered --sort=cover
	$(BIN)/python -m coverage json -q -o build/coverage.json
	@$(BIN)/python -c "import json; found = json.load(open('build/coverage.json'))['totals']['percent_branches_covered']; \
		print(f'{found:.1f} % of branches'); raise SystemExit(found < 92)"

clean: ## remove the environment, caches and build output
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-newest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find ser_hf tests recipes dataset_scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, and only if the libraries load together: a broken install is never taken for a whole one.
$(STAMP): pyproject.toml requirements.lock
	@[ -n "$(PYTHON)" ] || { echo "ser_hf needs Python 3.11 to 3.14, and none is on the PATH (found: \
	$$(python3 --version 2>&1 || true)). Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	[ -x $(BIN)/pip ] || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -m ser_hf.base.preflight
	@touch $@
