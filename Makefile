# Every target says what it does; `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/sh

CARGO     ?= cargo
LOADPROOF ?= target/release/loadproof
SCENARIO  ?= scenarios/shopstream/priority_lanes.toml

# Overrides of the load targets: make loadtest-baseline USERS=10 RUN_TIME=30s HOST=http://127.0.0.1:8000 SEED=2
USERS      ?=
RUN_TIME   ?=
SPAWN_RATE ?=
HOST       ?=
# One seed for all: runs that are compared should make the same requests.
SEED       ?= 1
ROUNDS     ?= 5
FLAGS = --seed $(SEED) \
        $(if $(USERS),--users $(USERS)) $(if $(RUN_TIME),--run-time $(RUN_TIME)) \
        $(if $(SPAWN_RATE),--spawn-rate $(SPAWN_RATE)) $(if $(HOST),--host $(HOST))

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-28s %s\n", $$1, $$2 }'

# ── Try it ──────────────────────────────────────────────────────────────────────────────────────

.PHONY: build
build: ## Build loadproof and the testbed
	$(CARGO) build --release --workspace

.PHONY: demo
demo: build ## Show what priority lanes do: five rounds of both arms, verdicts, a report
	$(LOADPROOF) experiment $(SCENARIO) --load demo --rounds $(ROUNDS) --html reports/demo.html $(FLAGS)

.PHONY: selftest
selftest: build ## Does the instrument see what is there, and nothing else, on this machine?
	$(LOADPROOF) selftest

# ── The priority-lanes workflow: baseline, treatment, compare ───────────────────────────────────

.PHONY: loadtest-baseline
loadtest-baseline: build ## Migration and production with lanes off (30 users, 3 min)
	$(LOADPROOF) run $(SCENARIO) --load priority --profile lanes-off $(FLAGS)

.PHONY: loadtest-priority-headless
loadtest-priority-headless: build ## The same work with lanes on (30 users, 3 min)
	$(LOADPROOF) run $(SCENARIO) --load priority --profile lanes-on $(FLAGS)

.PHONY: compare
compare: build ## Compare the newest run with lanes off and the newest with lanes on
	$(LOADPROOF) compare lanes-off lanes-on || test $$? -eq 97  # one pair is indicative: undecided, not wrong

.PHONY: loadtest-experiment
loadtest-experiment: build ## Both in interleaved rounds until the claims are decided (5 to 20 rounds, 10 min each)
	$(LOADPROOF) experiment $(SCENARIO) --load priority $(FLAGS)

.PHONY: loadtest-backfill-drain
loadtest-backfill-drain: build ## How fast a burst of 1000 migration events drains (10 users, 3 min)
	$(LOADPROOF) run $(SCENARIO) --load backfill-drain --profile lanes-on $(FLAGS)

# Five engines: with one, production alone would outrun the engine, and nothing could be told apart.
.PHONY: loadtest-starvation
loadtest-starvation: build ## Whether steady production starves the backfill (50 users, 5 min)
	ENGINES=5 $(LOADPROOF) run $(SCENARIO) --load starvation --profile lanes-on $(FLAGS)

# ── The storefront: five headline claims, before and after a rewrite ────────────────────────────

STOREFRONT = scenarios/storefront/lookup.toml scenarios/storefront/checkout.toml \
             scenarios/storefront/browse.toml scenarios/storefront/shopping.toml

.PHONY: loadtest-storefront
loadtest-storefront: build ## The five headline claims of the storefront in one table (5 rounds, 24 min)
	$(LOADPROOF) experiment $(STOREFRONT) --rounds $(ROUNDS) --html reports/storefront.html $(FLAGS)

.PHONY: loadtest-storefront-real
loadtest-storefront-real: build ## Browsing and checkout with real PostgreSQL and Redis (POSTGRES_URL=, REDIS_URL=)
	$(LOADPROOF) experiment scenarios/storefront/browse.toml --baseline before-real --treatment after-real --rounds $(ROUNDS) $(FLAGS)
	$(LOADPROOF) experiment scenarios/storefront/checkout.toml --treatment after-real --rounds $(ROUNDS) $(FLAGS)

# ── Work on it ──────────────────────────────────────────────────────────────────────────────────

.PHONY: test
test: ## Run all tests
	$(CARGO) test --workspace --quiet

.PHONY: test-kafka
test-kafka: ## Check and test Kafka against librdkafka's mock cluster (builds librdkafka)
	$(CARGO) clippy --quiet --features kafka -- -D warnings
	$(CARGO) test --quiet --features kafka --test events

.PHONY: lint
lint: ## Check formatting, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet

.PHONY: deny
deny: ## Check licences and advisories of the dependencies (needs cargo-deny)
	$(CARGO) deny check

.PHONY: bench-load
bench-load: build ## CPU per request against nginx beside wrk (needs nginx and wrk)
	benches/load.sh

.PHONY: bench-stall
bench-stall: build ## What a stalled server looks like in response and service time
	benches/stall.sh

.PHONY: bench-coverage
bench-coverage: ## Whether intervals and looks keep their promises, by simulation (fails if not)
	$(CARGO) bench --quiet --bench coverage
