# `make` alone explains what can be done here.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PYTHON

BIN := .venv/bin
# Tests run in this many processes; T=path runs one part of them in a single process.
JOBS ?= 2
PYTEST := $(BIN)/python3 -m pytest
SPREAD := $(if $(T),,-n $(JOBS))
QUICK := -m "not chaos and not slow"

.PHONY: help
help: ## This list
	@printf 'Caption AB: A/B tests of captions on video.\n\n'
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nNeeds Python 3.11 or newer with venv; PYTHON=python3.11 chooses one.\n'

.PHONY: setup
setup: ## Install what the product needs into .venv (once; about half a minute)
	@.ci/setup runtime

.PHONY: setup-dev
setup-dev: ## The same with the tools for tests and checks
	@.ci/setup dev

.PHONY: footage
footage: ## Fetch the two clips that the demo and the tests use (once)
	@.ci/setup footage

.PHONY: footage-apart
footage-apart: ## The footage on which no threshold of legibility was chosen (24 MB, once)
	@.ci/setup footage-apart

.PHONY: demo
demo: setup footage ## One real A/B job, end to end, into demo-output/ (CLIP=my.mp4 CAPTIONS=my.srt EXPERIMENT=1)
	@$(BIN)/caption-ab demo $(if $(CLIP),--clip "$(CLIP)") $(if $(CAPTIONS),--captions "$(CAPTIONS)") \
	  $(if $(EXPERIMENT),--experiment) $(if $(SEED),--seed $(SEED))

.PHONY: up
up: setup ## Start the whole system on this machine; Ctrl-C stops it (PORT=8080)
	@$(BIN)/caption-ab up $(if $(PORT),--port $(PORT))

.PHONY: test
test: setup-dev footage ## All tests but chaos, slow ones and benchmarks (T=path narrows it)
	@$(PYTEST) $(QUICK) $(SPREAD) $(T)

.PHONY: test-unit
test-unit: setup-dev footage ## Pure rules and the architecture checks; seconds
	@$(PYTEST) $(QUICK) tests/unit tests/architecture tests/soak

.PHONY: test-integration
test-integration: setup-dev footage ## Against a real Valkey, sandbox and receiver
	@$(PYTEST) $(QUICK) -n $(JOBS) tests/integration

.PHONY: test-e2e
test-e2e: setup-dev footage ## Real processes, a browser where there is one
	@$(PYTEST) $(QUICK) -n $(JOBS) tests/e2e

.PHONY: lint
lint: setup-dev ## ruff, formatting, mypy --strict, directions of imports
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/python3 -m tests.architecture.contracts || failed=1; \
	exit $$failed

.PHONY: fmt
fmt: setup-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: docs
docs: setup-dev ## Write the pages of docs/ that are made from code and tests
	@$(BIN)/python3 -m tests.architecture.write_docs
	@$(BIN)/python3 -m tests.architecture.rules

.PHONY: styles
styles: setup-dev ## Draw the pictures of GET /v1/styles and list the characters of their fonts anew
	@$(BIN)/python3 -m tests.architecture.write_styles

.PHONY: cov
cov: setup-dev footage ## Coverage of service/ by the unit and integration tests; at least 90 %
	@$(BIN)/coverage erase
	@$(BIN)/coverage run --concurrency=thread -m pytest -q $(QUICK) -n $(JOBS) tests/unit tests/integration
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --fail-under=90

.PHONY: chaos
chaos: setup-dev footage ## Kill processes in the middle of paid work (SEED=1 JOBS=200 SCALE=1 POSTS=150)
	@SEED=$(SEED) SCALE=$(SCALE) POSTS=$(POSTS) JOBS=$(if $(filter-out file,$(origin JOBS)),$(JOBS)) \
	  $(PYTEST) -m chaos $(or $(T),tests/chaos)

.PHONY: soak
soak: setup-dev ## Does any process grow? A trickle of jobs, measured (MINUTES=10 KEEP=folder)
	@$(BIN)/python3 -m tests.soak --minutes $(or $(MINUTES),10) $(if $(KEEP),--keep "$(KEEP)")

.PHONY: realtime
realtime: setup-dev ## Recovery, polls and a drain with production's durations; about six minutes
	@$(BIN)/python3 -m tests.soak.realtime

.PHONY: scenarios
scenarios: setup-dev footage ## Random faults against an oracle (COUNT=1000; SEED=n plays one again)
	@SCENARIOS=$(if $(SEED),1,$(or $(COUNT),1000)) SCENARIOS_FROM=$(or $(SEED),1) \
	  $(PYTEST) -n $(JOBS) tests/scenarios

.PHONY: model
model: setup-dev ## Jobs and leases in any order, at least 20,000 steps (EXAMPLES=n for more)
	@MODEL_EXAMPLES=$(or $(EXAMPLES),450) $(PYTEST) -q -s -k long_run tests/integration/store/test_machine.py

.PHONY: bench
bench: setup-dev footage ## Measure; results go to benchmarks/
	@$(BIN)/python3 -m benchmarks

.PHONY: deploy-check
deploy-check: setup-dev ## Dockerfiles, compose file, manifests and scripts; needs no engine, no cluster
	@$(PYTEST) tests/deploy
	@.ci/deploy-check

.PHONY: contract
contract: setup-dev footage ## The OpenAPI document against the running system (EXAMPLES=100 an operation, SEED=n)
	@.ci/contract $(or $(EXAMPLES),100) $(SEED)

.PHONY: parity
parity: setup-dev ## Our statistics beside gbstats, statsmodels, mpmath and GrowthBook's SDK (WRITE=1 keeps the answers)
	@.ci/parity $(if $(WRITE),--write) $(if $(SEED),--seed $(SEED))

.PHONY: peeking
peeking: setup-dev ## Simulate experiments that are looked at 200 times: false winners, power (SEED=n)
	@$(BIN)/python3 -m benchmarks.peeking $(if $(SEED),--seed $(SEED))

.PHONY: audit
audit: setup-dev ## Known weaknesses of what is pinned, where advisories can be reached
	@.ci/deploy-check tools
	@$(BIN)/python3 -m tests.audit

.PHONY: manifests
manifests: setup-dev ## Render the manifests of Kubernetes anew (needs kubectl)
	@$(BIN)/python3 -m tests.deploy.manifests

.PHONY: lock
lock: setup-dev ## Resolve the lock files again (U=--upgrade takes the newest versions)
	@.ci/lock $(U)

.PHONY: clean
clean: ## Remove the venv, caches and what the demo wrote
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	  .coverage .coverage.* htmlcov demo-output build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
