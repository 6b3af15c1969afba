# The same commands for people and for CI. Everything lives in .venv; `make clean` removes it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Without bytecode files every start of the command compiles hundreds of modules again.
unexport PYTHONDONTWRITEBYTECODE
# Twice --quiet: errors, but no warnings of how this machine's pip is set up.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
PIP_INSTALL := -m pip install --quiet --quiet

VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PACKAGES := jvs_core jvs_magics jvs_jupyter
LAB := jvs_jupyter/lab
LAB_BUILT := jvs_jupyter/labextension/package.json
HUB := tests/jupyter/hub
PROXY := $(HUB)/node_modules/.bin/configurable-http-proxy
PYTEST_ARGS ?=
MUTANTS_ARGS ?=
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
BENCH_ARGS ?=
PYTHONS ?=

# File systems, attributes and access lists, FUSE, fault injection; a browser and its letters; restic, whose retention is ours;
# shells that complete, and a reader of manual pages.
DEBIAN := acl attr btrfs-progs chromium e2fsprogs fish fonts-dejavu-core fuse3 git mandoc mount redis-server restic strace util-linux xfsprogs zsh

# What JVS is measured against, besides git and cp.
CONTENDERS := borgbackup restic

.PHONY: help demo test test-all further quick crash mutants nightly lab build release verify gate conformance bench bench-scale papermill collaboration docs picture fmt lint types layers clean tools installed ready

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: installed  ## Install, then show the whole story on a throw-away repository
	$(BIN)/jvs demo

test: tools  ## Run the tests; as root, on real file systems, a long proof on one of them
	$(PYTEST) --in-memory -m "not further" $(PYTEST_ARGS)

test-all: tools  ## Run all tests, every proof on every file system
	$(PYTEST) --in-memory $(PYTEST_ARGS)

further: tools  ## Run what `make test` leaves to `make test-all`
	$(PYTEST) --in-memory -m further $(PYTEST_ARGS)

quick: ready  ## Run what needs a minute: the core, without mounts
	$(PYTEST) -m "not realfs and not slow" tests/core tests/test_public_api.py $(PYTEST_ARGS)

tools: ready lab $(PROXY)
	.ci/debian-packages $(DEBIAN)

lab: $(LAB_BUILT)  ## Build the JupyterLab panel; needs Node.js 20 or later and npm
	@mkdir -p $(VENV)/share/jupyter/labextensions && rm -rf $(VENV)/share/jupyter/labextensions/jvs-snapshots
	@ln -sfn $(abspath $(dir $(LAB_BUILT))) $(VENV)/share/jupyter/labextensions/jvs-snapshots

crash: ready  ## Try every fault on every file system, and write docs/reference/faults.json
	.ci/debian-packages $(DEBIAN)
	JVS_PROOF=full JVS_FAULTS_JSON=docs/reference/faults.json $(PYTEST) --in-memory tests/crash --timeout 1800 $(PYTEST_ARGS)

mutants: ready  ## Put small faults into copies of the package; each of them must fail a test
	$(BIN)/python -m tests.mutants --workers $(WORKERS) $(MUTANTS_ARGS)

nightly: test-all crash mutants collaboration  ## All tests; every fault; every mutant; the state machine and the fuzzers with ten times the examples
	JVS_PROOF=full $(PYTEST) --in-memory tests/properties --timeout 7200 $(PYTEST_ARGS)

build: $(STAMPS)/release lab  ## Build the wheel and the source distribution into dist/
	BIN=$(abspath $(BIN)) .ci/build

release: build  ## Build, and try wheel and source distribution on each Python: PYTHONS="python3.11 /opt/python3.14/bin/python"
	.ci/check-wheel $(PYTHONS)

verify: lint types layers test docs release gate conformance  ## Run all checks

gate: installed  ## Take a real repository through the production gate: doctor --strict, verify --all
	folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	export PATH="$(abspath $(BIN)):$$PATH"; \
	jvs demo --dir "$$folder/demo" -q > "$$folder/story.txt"; cd "$$folder/demo/analysis"; \
	jvs doctor --strict && jvs verify --all

conformance: installed  ## Hold a repository and its file system against the requirements
	$(BIN)/jvs conformance run --profile dev

bench: ready  ## Measure against cp, git and others; writes docs/reference/benchmarks.md
	.ci/debian-packages $(DEBIAN) $(CONTENDERS)
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

bench-scale: ready  ## Measure with a million files, 10,000 snapshots and worktrees, on XFS: hours, and 24 GB of disk at most
	.ci/debian-packages $(DEBIAN)
	$(BIN)/python -m tests.bench.scale $(BENCH_ARGS)

papermill: ready  ## Run papermill's own tests with this engine, inside and outside a repository
	$(BIN)/python -m tests.jupyter.papermill.suite

collaboration: ready  ## Try restores of notebooks that are open in jupyter-collaboration, in an environment of its own
	$(BIN)/python -m venv $(VENV)/collaboration
	JVS_PANEL=skip $(VENV)/collaboration/bin/python $(PIP_INSTALL) jupyter-collaboration --editable ".[jupyter]"
	JVS_COLLABORATION_PYTHON=$(abspath $(VENV))/collaboration/bin/python $(PYTEST) tests/jupyter/server/test_collaboration.py

docs: ready  ## Check the documentation against the code, for readability and for dead links, and build the site into build/docs
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/readability.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --clean --config-file docs/site/mkdocs.yml
	$(BIN)/python docs/links.py build/docs

picture: ready lab  ## Make all pictures of the documentation again, from the panel as it is now
	.ci/debian-packages $(DEBIAN)
	$(BIN)/python docs/picture.py
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.browser.pictures

fmt: ready  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: ready  ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: ready  ## Check types, strictly
	$(BIN)/mypy

layers: ready  ## Check that a layer imports only from lower ones
	$(BIN)/lint-imports

clean:  ## Remove what was made
	rm -rf $(VENV) build dist jvs_jupyter/sboms $(dir $(LAB_BUILT)) $(LAB)/lib $(LAB)/node_modules $(HUB)/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests -name __pycache__ -prune -exec rm -rf {} +

installed: $(STAMPS)/installed
	@$(BIN)/python -m compileall -q $(PACKAGES)

ready: $(STAMPS)/ready
	@$(BIN)/python -m compileall -q $(PACKAGES)

$(LAB_BUILT): $(STAMPS)/ready $(shell find $(LAB)/src $(LAB)/style $(LAB)/schema -type f) $(wildcard $(LAB)/*.json)
	command -v npm >/dev/null || .ci/debian-packages nodejs npm
	cd $(LAB) && npm ci --no-progress --loglevel=error
	cd $(LAB) && PATH="$(abspath $(BIN)):$$PATH" npm run --silent build
	touch $@

$(PROXY): $(HUB)/package-lock.json
	command -v npm >/dev/null || .ci/debian-packages nodejs npm
	cd $(HUB) && npm ci --no-progress --loglevel=error
	touch $@

$(STAMPS)/venv:
	.ci/make-venv $(VENV)
	mkdir -p $(STAMPS)
	touch $@

$(STAMPS)/installed: $(STAMPS)/venv pyproject.toml
	JVS_PANEL=skip $(BIN)/python $(PIP_INSTALL) --editable .
	touch $@

$(STAMPS)/ready: $(STAMPS)/venv pyproject.toml
	JVS_PANEL=skip $(BIN)/python $(PIP_INSTALL) --editable '.[dev]'
	touch $(STAMPS)/installed $@

$(STAMPS)/release: $(STAMPS)/ready
	JVS_PANEL=skip $(BIN)/python $(PIP_INSTALL) --editable '.[release]'
	touch $@
