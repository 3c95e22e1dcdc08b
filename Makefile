# Two commands are enough: `make run` and `make test`. Each sets up what it needs first,
# with nothing but Python 3.11 or newer (PYTHON=python3.12 names another one), git and make.

PYTHON ?= python3
SETUP := $(PYTHON) -m local.setup
BIN := .venv/bin

# ONNX Runtime's own builds report to their vendor unless told not to (its Privacy.md).
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help run test test-at-once test-quick test-widget test-examples screenshots check lint bench faults abuse audit wer fmt lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start everything on this machine and print the address to open
	@$(SETUP) run && exec $(BIN)/python -m local.run

# What runs on virtual time or waits for events only goes side by side; real time and real browsers
# come last and alone. A test that hangs for five minutes ends the run, with the place where it hangs.
AT_ONCE := tests/bench tests/bot tests/replay tests/server tests/test_architecture.py
PYTEST := $(BIN)/python -m pytest -m "not live and not examples and not widget and not deploy" -rs \
	-o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true

test: ## lint, types, the widget's tests, then every test that needs no cloud key
	@$(SETUP) test
	@$(MAKE) --no-print-directory -j 3 -O lint test-quick test-at-once
	@$(PYTEST) $(addprefix --ignore=,$(AT_ONCE))

test-at-once:
	@$(PYTEST) $(AT_ONCE)

test-quick:
	@$(SETUP) npm run test:quick

test-widget: ## every test of the widget: all states, looks and ways to talk, in both browsers
	@$(SETUP) test
	@$(SETUP) npm test
	@$(BIN)/python -m pytest -m widget -rs

check: ## lint and types only
	@$(SETUP) check
	@$(MAKE) --no-print-directory lint

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	@$(SETUP) npm run check

bench: ## measure conversation and capacity beside two peers, and the cost of a page (30 minutes)
	@$(SETUP) bench
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.page_cost

faults: ## make everything fail that can, and write what happened into docs/reliability.md (15 minutes)
	@$(SETUP) test
	@$(BIN)/python -m tests.e2e.faults

test-examples: ## build the Next.js example and drive it, and the client-js transport, in Chromium
	@$(SETUP) test
	@$(SETUP) examples
	@$(BIN)/python -m pytest -m examples -rs

screenshots: ## pictures of every state of the widget, into docs/widget
	@$(SETUP) test
	@rm -f docs/widget/*.jpg
	@SCREENSHOTS=$(CURDIR)/docs/widget $(SETUP) npm run states
	@$(SETUP) npm run gallery

abuse: ## attack a running server in every known way; the table in docs/security.md
	@$(SETUP) test
	@$(BIN)/python -m tests.abuse

# Advisories come from PyPI and npm; bandit's findings are answered in docs/security.md.
AUDIT := .cache/audit-venv/bin
audit: ## known weaknesses of the packages, bandit, and docs/licences.md
	@$(SETUP) audit
	$(AUDIT)/bandit -q -r bot server local cli examples -c pyproject.toml -ll
	$(AUDIT)/pip-licenses --python $(BIN)/python --from=mixed --format=markdown --order=name \
		--packages $$($(BIN)/python -m local.locked runtime redis tracing local) > docs/licences.md
	$(AUDIT)/pip-audit --require-hashes --disable-pip -r requirements/runtime.lock \
		-r requirements/redis.lock -r requirements/tracing.lock
	@$(SETUP) npm audit --omit=dev

wer: ## measure the local engines' word error rate on human recordings
	@$(SETUP) test
	@$(BIN)/python -m bench.wer

fmt: ## format and sort imports
	@$(SETUP) check
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## bring the lock files in requirements/ up to date with their .in files
	@$(SETUP) lock

clean: ## remove what set-up and tests made in this checkout (not the cache that checkouts share)
	rm -rf .venv .cache .pytest_cache .ruff_cache widget/node_modules widget/dist bench/out
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
