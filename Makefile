# `make help` lists the targets. What they do is in scripts/; whatever they install
# or build goes to .cache, bin, frontend/dist and the node_modules folders.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
.PHONY: help run test check bench chaos kills build generate clean
MAKEFLAGS += --no-print-directory --no-builtin-rules

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## set up, build and start Kimi K2 on http://localhost:8080
	@exec bin/kimi-k2

test: ## set up, then everything: Go with -race, frontend, browser journeys, lint
	@scripts/test.sh

check: ## formatting, lint, types, dead code, generated code in step
	@scripts/check.sh

bench: build ## the performance table, as text and bench/results.json
	@scripts/bench.sh

chaos: build ## the long fault suites: kill -9, lost messages, network faults
	@scripts/chaos.sh

kills: ## kill -9 a hundred times while money moves, as make test does (CHAOS_KILLS for more)
	@scripts/kills.sh

build: ## one static binary bin/kimi-k2 with the frontend inside
	@scripts/setup.sh run
	@scripts/build.sh

generate: ## Go and TypeScript from the schema
	@scripts/setup.sh generate
	@scripts/generate.sh

clean: ## remove what was built (not the data, not installed packages)
	@rm -rf bin frontend/dist .cache/frontend.built .cache/log
