# `make` lists all targets with their help text.

.DEFAULT_GOAL := help
SHELL := /bin/sh

CARGO     ?= cargo
LOADPROOF ?= target/release/loadproof
QUICK     ?= target/debug
SCENARIO  ?= scenarios/shopstream/priority_lanes.toml

# Overrides of the load targets: make loadtest-baseline USERS=10 RUN_TIME=30s HOST=http://127.0.0.1:8000 SEED=2
USERS      ?=
RUN_TIME   ?=
SPAWN_RATE ?=
HOST       ?=
# For a shop at HOST: the profile that describes it (`public`), its status for version conflicts besides 409, and the
# polling interval for visible orders.
SHOP_PROFILE    ?=
CONFLICT_STATUS ?=
POLL_EVERY      ?=
# One seed for all targets: compared runs should make the same requests.
SEED       ?= 1
ROUNDS     ?= 5
# With ROUNDS=, exactly this many rounds; otherwise until the claims are decided or the budget is spent.
EXACTLY = $(if $(filter file,$(origin ROUNDS)),,--rounds $(ROUNDS))
FLAGS = --seed $(SEED) \
        $(if $(USERS),--users $(USERS)) $(if $(RUN_TIME),--run-time $(RUN_TIME)) \
        $(if $(SPAWN_RATE),--spawn-rate $(SPAWN_RATE)) $(if $(HOST),--base-url $(HOST))

CONTEXTS     = identity catalogue ordering inventory payments
SCALED       = identity=3,catalogue=2,ordering=2,inventory=2,payments=2
POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
REDIS_URL    ?= redis://127.0.0.1:6379
TESTBED      ?= target/release/testbed
SHOP = $(TESTBED) shopstream --lanes on \
       $(if $(REAL),--postgres $(POSTGRES_URL) --redis $(REDIS_URL),--data reports/shopstream)
ifneq ($(REAL),)
export POSTGRES_URL REDIS_URL
export SHOP_POSTGRES = $(POSTGRES_URL)
export SHOP_REDIS = $(REDIS_URL)
export INVENTORY_SQL = $(dir $(POSTGRES_URL))inventory_local
export ORDERING_SQL = $(dir $(POSTGRES_URL))ordering_local
export PAYMENTS_SQL = $(dir $(POSTGRES_URL))payments_local
endif

REFUSALS = [400,409,422,$(CONFLICT_STATUS)]
# $(call shop,FILE,LOAD,NAME,REPORT) and $(call lanes,LOAD,PROFILE,NAME,REPORT)
OUTPUTS = --csv results/$(1) --csv-full-history --html results/$(2).html
shop = $(LOADPROOF) run scenarios/shopstream/$(1).toml --load $(2) $(FLAGS) $(call OUTPUTS,$(3),$(4)) \
       --profile $(if $(HOST),$(or $(SHOP_PROFILE),running),$(if $(REAL),real,embedded)) \
       $(if $(CONFLICT_STATUS),--var 'refusals=$(REFUSALS)')
lanes = $(LOADPROOF) run $(SCENARIO) --load $(1) $(FLAGS) $(call OUTPUTS,$(3),$(4)) \
        --profile $(if $(HOST),running,$(2)) $(if $(POLL_EVERY),--var poll_every=$(POLL_EVERY))

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-28s %s\n", $$1, $$2 }'

# ── Demo ────────────────────────────────────────────────────────────────────────────────────────

.PHONY: build
build: ## Build loadproof and the testbed
	$(CARGO) build --release --workspace

.PHONY: install
install: ## Install loadproof into ~/.cargo/bin
	$(CARGO) install --path . --locked

# A debug build compiles in a third of the time, and tests share it. It is not used for performance measurements.
.PHONY: quick
quick:
	$(CARGO) build --workspace

.PHONY: demo
demo: quick ## Demonstrate priority lanes: five rounds of both arms, verdicts, a report
	TESTBED=$(QUICK)/testbed $(QUICK)/loadproof experiment $(SCENARIO) --load demo --rounds $(ROUNDS) --html reports/demo.html $(FLAGS) \
	  || test $$? -eq 97  # runs of 8 s hold too few effects for claims about absolute quantiles: undecided, and said

.PHONY: selftest
selftest: build ## Check that loadproof finds known effects, and no others, on this machine
	$(LOADPROOF) selftest

.PHONY: selftest-faults
selftest-faults: build ## Check the verdicts on planted defects (12 min; 3 min with SHORT=1)
	$(LOADPROOF) selftest --faults $(if $(SHORT),--short)

# ── The priority-lanes workflow: baseline, treatment, compare ───────────────────────────────────

.PHONY: loadtest-baseline
loadtest-baseline: build ## Migration and production with lanes off; saves baselines/priority-lanes.json (30 users, 3 min)
	$(call lanes,priority,lanes-off,baseline-test,baseline-report)
	$(LOADPROOF) baseline save priority-lanes latest --force

.PHONY: loadtest-priority
loadtest-priority: loadtest-priority-headless ## The same load with lanes on (30 users, 3 min)

.PHONY: loadtest-priority-headless
loadtest-priority-headless: build ## The same load with lanes on (30 users, 3 min)
	$(call lanes,priority,lanes-on,priority-test,priority-report)

.PHONY: compare
compare: build ## Compare the newest runs with lanes off and on
	$(LOADPROOF) compare lanes-off lanes-on || test $$? -eq 97  # one pair is indicative: undecided, not wrong

.PHONY: loadtest-experiment
loadtest-experiment: build ## Run both in interleaved rounds until the claims are decided (5 to 20 rounds, 10 min each)
	$(LOADPROOF) experiment $(SCENARIO) --load priority $(EXACTLY) $(FLAGS)

.PHONY: loadtest-backfill-drain
loadtest-backfill-drain: build ## Measure how fast a burst of 1000 migration events drains (10 users, 3 min)
	$(call lanes,backfill-drain,lanes-on,backfill-drain,backfill-drain-report)

# Seven engines: enough for production (400 events per second), too few for production and migration (500).
.PHONY: loadtest-starvation
loadtest-starvation: build ## Check whether steady production traffic starves the backfill (50 users, 5 min)
	ENGINES=7 $(call lanes,starvation,lanes-on,starvation-test,starvation-report)

# ── ShopStream: five contexts, all user classes, all loads ──────────────────────────────────────
#
# HOST= uses a running shop; REAL=1 starts one on PostgreSQL (POSTGRES_URL=) and Redis (REDIS_URL=). By default
# a shop with embedded files and queues is started.

.PHONY: loadtest-install
loadtest-install: build ## Build everything that the load tests need

.PHONY: docker-dev
docker-dev: build ## Start the shop: API, five engines, observatory; Ctrl-C stops it
	$(SHOP) --engines identity=1

.PHONY: docker-dev-scaled
docker-dev-scaled: build ## The same with 3+2+2+2+2 engines
	$(SHOP) --engines $(SCALED)

.PHONY: engine-identity-scaled engine-catalogue-scaled engine-ordering-scaled engine-inventory-scaled engine-payments-scaled
engine-identity-scaled engine-catalogue-scaled engine-ordering-scaled engine-inventory-scaled engine-payments-scaled: build
	$(SHOP) --engines $(patsubst engine-%-scaled,%,$@)=3

.PHONY: observatory
observatory: ## Show the queues of the running shop
	@curl -sf http://127.0.0.1:$(or $(OBSERVATORY_PORT),9000)/api/queue-depth && echo \
	  || { echo "no answer: start the shop with make docker-dev" >&2; exit 1; }

.PHONY: loadtest
loadtest: build ## All user classes at once (60 users, 2 min)
	$(call shop,everything,everything,loadtest-all,loadtest-all-report)

.PHONY: loadtest-stack
loadtest-stack: loadtest ## Start everything, wait until it is ready, run all user classes, stop

.PHONY: loadtest-stack-scaled
loadtest-stack-scaled: build ## The same with 3+2+2+2+2 engines
	SHOP_ENGINES=$(SCALED) $(call shop,everything,everything,loadtest-all,loadtest-all-report)

.PHONY: loadtest-smoke
loadtest-smoke: build ## Smoke test of the set-up (mixed, 5 users, 1 min)
	$(call shop,mixed,smoke,smoke-test,smoke-report)

.PHONY: loadtest-mixed loadtest-headless
loadtest-mixed: loadtest-headless ## Normal traffic (50 users, 5 min)
loadtest-headless: build ## Normal traffic (50 users, 5 min)
	$(call shop,mixed,load,loadtest,loadtest-report)

.PHONY: loadtest-cross-domain
loadtest-cross-domain: build ## Complete orders, sagas and races (30 users, 5 min)
	$(call shop,cross_domain,cross-domain,cross-domain-test,cross-domain-report)

.PHONY: loadtest-race loadtest-headless-race
loadtest-race: loadtest-headless-race ## Races, with measured overlap (30 users, 3 min)
loadtest-headless-race: build ## Races, with measured overlap (30 users, 3 min)
	$(call shop,cross_domain,race,race-test,race-report)

.PHONY: loadtest-flash-sale loadtest-headless-flash
loadtest-flash-sale: loadtest-headless-flash ## Flash sale: ten units for fifty users (2 min)
loadtest-headless-flash: build ## Flash sale: ten units for fifty users (2 min)
	$(call shop,cross_domain,flash-sale,flash-sale-test,flash-sale-report)

.PHONY: loadtest-oversell
loadtest-oversell: build ## The flash sale on a shop that oversells; its claims must be refuted
	$(LOADPROOF) run scenarios/shopstream/cross_domain.toml --load flash-sale --profile oversell $(FLAGS); test $$? -eq 99

.PHONY: loadtest-stress
loadtest-stress: build ## A flood of events (200 users, 5 min)
	$(call shop,stress,stress,stress-test,stress-report)

.PHONY: loadtest-cross-flood
loadtest-cross-flood: build ## Equal load on all contexts (100 users, 5 min)
	$(call shop,stress,cross-flood,cross-flood-test,cross-flood-report)

.PHONY: loadtest-spike
loadtest-spike: build ## Spike: 100 users at once (2 min)
	$(call shop,stress,spike,spike-test,spike-report)

.PHONY: loadtest-endurance
loadtest-endurance: build ## Half an hour of normal traffic: leaks, degradation, backlog (30 users)
	$(call shop,mixed,endurance,endurance-test,endurance-report)

.PHONY: loadtest-clean
loadtest-clean: ## Delete all of the shop's data, keep its schema
	@status=$$(curl -s -o /dev/null -w '%{http_code}' -X POST $(or $(HOST),http://127.0.0.1:$(or $(SHOPSTREAM_PORT),8000))/admin/reset); \
	if [ "$$status" -ge 200 ] && [ "$$status" -lt 300 ]; then :; \
	elif [ "$$status" != 000 ]; then echo "the shop answers POST /admin/reset with status $$status: its data is left as it is" >&2; exit 1; \
	elif [ -n "$(HOST)" ]; then echo "nothing answers at $(HOST)" >&2; exit 1; \
	else rm -rf reports/shopstream; fi

.PHONY: setup-db drop-db
setup-db: ## Create the shop's databases on POSTGRES_URL; the shop creates its tables
	for context in $(CONTEXTS); do psql -q $(POSTGRES_URL) -c "CREATE DATABASE $${context}_local" || exit 1; done
drop-db: ## Drop the shop's databases on POSTGRES_URL
	for context in $(CONTEXTS); do psql -q $(POSTGRES_URL) -c "DROP DATABASE IF EXISTS $${context}_local" || exit 1; done

# ── The storefront: five headline claims, before and after a rewrite ────────────────────────────

STOREFRONT = scenarios/storefront/lookup.toml scenarios/storefront/checkout.toml \
             scenarios/storefront/browse.toml scenarios/storefront/shopping.toml

.PHONY: loadtest-storefront
loadtest-storefront: build ## Decide the five headline claims of the storefront, in one table (at most 40 min)
	$(LOADPROOF) experiment $(STOREFRONT) $(EXACTLY) --html reports/storefront.html $(FLAGS)

.PHONY: capacity-storefront
capacity-storefront: build ## Compare the capacity of the storefront's reads before and after the rewrite (about 60 trials of 8 s; BUDGET=15m)
	$(LOADPROOF) capacity scenarios/storefront/browse.toml --profiles before,after $(if $(BUDGET),--budget $(BUDGET)) \
	  --html reports/capacity-storefront.html $(FLAGS)

.PHONY: loadtest-storefront-real
loadtest-storefront-real: build ## Browsing and checkout with real PostgreSQL and Redis (POSTGRES_URL=, REDIS_URL=)
	$(LOADPROOF) experiment scenarios/storefront/browse.toml --baseline before-real --treatment after-real --rounds $(ROUNDS) $(FLAGS)
	$(LOADPROOF) experiment scenarios/storefront/checkout.toml --treatment after-real --rounds $(ROUNDS) $(FLAGS)

# ── The site: a web shop with forms and logins ──────────────────────────────────────────────────

.PHONY: site
site: build ## Start the web shop on port 8200, with TLS on 8243 (reports/site-ca.pem); Ctrl-C stops it
	@mkdir -p reports
	$(TESTBED) site --port $(or $(SITE_PORT),8200) --tls-port $(or $(SITE_TLS_PORT),8243) --ca reports/site-ca.pem

.PHONY: loadtest-site
loadtest-site: build ## Visitors and customers of the web shop: logins, orders, uploads (40 users, 1 min)
	$(LOADPROOF) run scenarios/site/site.toml --load load $(FLAGS) $(call OUTPUTS,site-test,site-report) \
	  --profile $(if $(HOST),running,up)

# ── The ingestor: messages through a queue into a database ──────────────────────────────────────
#
# MESSAGES= and CONCURRENT= override a preset. URL= uses a running ingestor; REAL=1 starts one on Redis and PostgreSQL
# (REDIS_URL=, POSTGRES_URL=), and INGESTOR=split also runs its workers in a separate process. By default an ingestor is
# started at the speed of the guide's numbers, or with INGESTOR=embedded at full speed. BATCH_SIZE=, BATCH_TIMEOUT= and
# WORKERS= configure the ingestor.

MESSAGES   ?=
CONCURRENT ?=
URL        ?=
INGESTOR   ?= guide
MESSAGES_URL = $(dir $(POSTGRES_URL))messages_db
# $(call ingestor,LOAD,NAME)
ingestor = $(if $(REAL)$(filter split,$(INGESTOR)),MESSAGES_SQL=$(MESSAGES_URL)) $(foreach name,BATCH_SIZE BATCH_TIMEOUT WORKERS,$(if $($(name)),$(name)=$($(name)))) \
  $(LOADPROOF) run scenarios/ingestor/ingestor.toml --load $(1) --seed $(SEED) --progress line --summary block \
  $(if $(MESSAGES),--iterations $(MESSAGES)) $(if $(CONCURRENT),--users $(CONCURRENT)) $(call OUTPUTS,$(2),$(2)-report) \
  $(if $(URL),--profile running --var url=$(URL),--profile $(if $(filter split,$(INGESTOR)),split,$(if $(REAL),real,$(INGESTOR))))

.PHONY: load-quick
load-quick: build ## 1000 messages, 50 at a time
	$(call ingestor,quick,ingestor-quick)

.PHONY: load-stress
load-stress: build ## 10 000 messages, 200 at a time
	$(call ingestor,stress,ingestor-stress)

.PHONY: load-extreme
load-extreme: build ## 50 000 messages, 500 at a time
	$(call ingestor,extreme,ingestor-extreme)

.PHONY: load-sustained
load-sustained: build ## 100 000 messages evenly over 10 min: leaks, degradation, backlog
	$(call ingestor,sustained,ingestor-sustained)

.PHONY: load-burst
load-burst: build ## Two bursts of 5000 messages, with recovery from each
	$(call ingestor,burst,ingestor-burst)

.PHONY: load-faults
load-faults: build ## Kill a worker and cut off the database under load, on Redis and PostgreSQL; checks for lost messages (20 s)
	MESSAGES_SQL=$(MESSAGES_URL) $(LOADPROOF) run scenarios/ingestor/faults.toml --load faults --profile split --seed $(SEED) \
	  $(call OUTPUTS,ingestor-faults,ingestor-faults-report)

# ── The gateway: a smoke test, and a soak set by environment variables ──────────────────────────
#
# TARGET_URL=http://127.0.0.1:8010 RPS=25 DURATION=120 CONCURRENCY=50 make load-soak
# REQUEST_PATH= is the path, JWT= a bearer token, TENANT=, PERSONA_ID= and MESSAGE= go into the request.
# DEPLOYMENT=dev or staging selects the latency claim. Without TARGET_URL a gateway is started:
# GATEWAY=write-through (default), outbox, auth, real or distant. With TARGET_URL, GATEWAY=outbox states that its
# write-through is off, and GATEWAY=bare that its metrics are unavailable (otherwise they are at METRICS_URL, or at
# TARGET_URL/metrics).

GATEWAY     ?= write-through
DEPLOYMENT  ?= dev
RPS         ?= 5
DURATION    ?= 30
CONCURRENCY ?= 20

# `make load-soak PATH=/v1/session/message` would hide every program from the recipes. A PATH that can only be the path
# of a request becomes REQUEST_PATH, and PATH is restored; any other PATH is the shell's.
ifeq ($(filter command line environment,$(origin PATH))$(findstring :,$(PATH))$(wildcard $(PATH)),$(origin PATH))
ifneq ($(filter /%,$(PATH)),)
ifndef REQUEST_PATH
REQUEST_PATH := $(PATH)
endif
$(warning PATH=$(PATH) is taken for the path of the requests; say REQUEST_PATH= in its place)
SHELLS_PATH := $(shell /usr/bin/tr '\0' '\n' < /proc/$$PPID/environ | /bin/sed -n 's/^PATH=//p')
override export PATH := $(if $(findstring :,$(SHELLS_PATH)),$(SHELLS_PATH),/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$(HOME)/.cargo/bin)
endif
endif

RUNNING = $(if $(filter bare,$(GATEWAY)),bare,$(if $(filter outbox,$(GATEWAY)),running-outbox,running))
# Following messages into the replica (FOLLOW=0.2) needs an endpoint that other gateways may not have.
FOLLOW ?= $(if $(TARGET_URL),0,0.2)
export TARGET_URL METRICS_URL JWT TENANT PERSONA_ID MESSAGE
# An empty exported variable would count as a value.
$(foreach name,TARGET_URL METRICS_URL JWT TENANT PERSONA_ID MESSAGE,$(if $($(name)),,$(eval unexport $(name))))
# $(call gateway,LOAD,NAME,FLAGS)
gateway = $(if $(filter real,$(GATEWAY)),REPLICA_SQL=$(dir $(POSTGRES_URL))gateway_db) $(LOADPROOF) run scenarios/gateway/gateway.toml --load $(1) --seed $(SEED) --summary json \
  --deployment $(DEPLOYMENT) --profile $(if $(TARGET_URL),$(RUNNING),$(GATEWAY)) --var follow=$(FOLLOW) $(if $(REQUEST_PATH),--var path=$(REQUEST_PATH)) $(3) $(call OUTPUTS,$(2),$(2)-report)

.PHONY: load-smoke
load-smoke: build ## Smoke test of the gateway: 5 messages per second for 15 s, with a JSON summary
	$(call gateway,smoke,gateway-smoke)

.PHONY: load-soak
load-soak: build ## Soak test, set by TARGET_URL, RPS, DURATION, CONCURRENCY, JWT, TENANT, PERSONA_ID, MESSAGE, REQUEST_PATH
	$(call gateway,soak,gateway-soak,--rate $(RPS) --run-time $(DURATION)s --users $(CONCURRENCY))

# ── Example pages ───────────────────────────────────────────────────────────────────────────────

.PHONY: examples
examples: build ## Write the pages of reports/example/: trend, run, experiment, sign-off (12 min, on a quiet machine)
	reports/example/pages.sh

# ── Development ─────────────────────────────────────────────────────────────────────────────────

.PHONY: test
test: ## Run all tests
	$(CARGO) test --workspace --quiet

SECONDS ?= 60
.PHONY: fuzz
fuzz: ## Fuzz every parser of outside input for SECONDS= (60); failures name a file and a seed
	FUZZ_SECONDS=$(SECONDS) $(CARGO) test --release --lib -- fuzz:: wrong_pages --nocapture --test-threads 2

N ?= 20
.PHONY: kill-trials
kill-trials: ## Kill runs with patched files at random moments, N= times (20); checks the store, at most 1 s of loss, restored files
	LOADPROOF=$(QUICK)/loadproof TESTBED=$(QUICK)/testbed benches/kill.sh $(N)

.PHONY: agent-trials
agent-trials: ## Kill agents, coordinators and NATS servers of runs at random moments, N= times (20); checks that no sample is lost or stored twice
	LOADPROOF=$(QUICK)/loadproof TESTBED=$(QUICK)/testbed benches/agents.sh $(N)

.PHONY: axe
axe: ## Fetch axe-core for the accessibility test, which is skipped without it
	tests/it/support/axe.sh

.PHONY: test-kafka
test-kafka: ## Lint and test Kafka support against librdkafka's mock cluster (builds librdkafka)
	$(CARGO) clippy --quiet --features kafka -- -D warnings
	$(CARGO) test --quiet --features kafka --test it events::

.PHONY: lint
lint: ## Check formatting, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet

.PHONY: deny
deny: ## Check licences and advisories of the dependencies (needs cargo-deny)
	$(CARGO) deny check

.PHONY: bench-load
bench-load: build ## CPU per request against nginx, compared with wrk (needs nginx and wrk)
	benches/load.sh

.PHONY: bench-peers
bench-peers: build ## CPU per request, compared with every installed load generator (needs nginx)
	benches/peers.sh

.PHONY: bench-instructions
bench-instructions: build ## Instructions per request by path, with budgets (needs valgrind)
	benches/instructions.sh

.PHONY: bench-store
bench-store: ## Samples per second into the store alone, bytes per sample, and the memory that takes
	$(CARGO) bench --quiet --bench store

.PHONY: bench-stall
bench-stall: build ## Response and service times of a stalled server
	benches/stall.sh

.PHONY: bench-live
bench-live: build ## CPU per request with and without the live page and 20 viewers
	benches/live.sh

.PHONY: bench-capacity
bench-capacity: build ## Check that searches find a known capacity: 40 searches of about 100 s each (SEARCHES=20; needs jq)
	BUILD=$(dir $(LOADPROOF)) benches/capacity.sh

.PHONY: bench-smoke
bench-smoke: quick ## Run all benchmarks that need no other tool, for a few seconds each
	BUILD=$(QUICK) RUN_TIME=6s benches/stall.sh
	BUILD=$(QUICK) ROUNDS=1 SECONDS_EACH=2 VIEWERS=2 RATE=500 benches/live.sh
	LOADPROOF_COVERAGE=short $(CARGO) bench --quiet --profile dev --bench coverage

.PHONY: bench-coverage
bench-coverage: ## Check the coverage of intervals and the error of looks by simulation
	$(CARGO) bench --quiet --bench coverage

.PHONY: bench-coverage-short
bench-coverage-short: ## The same in seconds, with wider limits, for CI
	LOADPROOF_COVERAGE=short $(CARGO) bench --quiet --bench coverage
