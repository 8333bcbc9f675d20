# The two commands of the README, and what they are made of.

.PHONY: audit bench chart check-counts cluster conformance counts demo explorer live pictures release-check test oracle sockets supergraph faults tenants worst

# The service with a sample Flowmatix behind it: nothing to configure.
demo: explorer
	cargo run --locked -- demo

# A model supergraph with a page that shows it: http://127.0.0.1:4000/ (examples/supergraph).
supergraph:
	cargo build --locked
	npm ci --ignore-scripts --no-audit --no-fund --prefix examples/supergraph
	npm start --silent --prefix examples/supergraph

# The explorer's bundle, which the next build takes into the binary. Where there is no npm, the page says how to have it.
explorer:
	@if command -v npm >/dev/null 2>&1; then \
		npm ci --ignore-scripts --no-audit --no-fund --prefix explorer && npm run build --prefix explorer; \
	else \
		echo "no npm: building without the explorer"; \
	fi

# Sets up what the suites need, and runs every test.
test:
	./tests/setup
	$(MAKE) explorer
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/conformance
	cargo test --locked
	npm test --prefix explorer
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/audits
	npm test --prefix tests/audits
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/schema
	npm test --prefix tests/schema
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/federation
	npm test --prefix tests/federation
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/clients
	npm test --prefix tests/clients
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/relay
	npm test --prefix tests/relay
	npm ci --ignore-scripts --no-audit --no-fund --prefix examples/team-dashboard
	npm test --prefix examples/team-dashboard
	npm ci --ignore-scripts --no-audit --no-fund --prefix examples/supergraph
	npm test --prefix examples/supergraph
	$(MAKE) chart
	$(MAKE) check-counts

# Renders the Helm chart with Helm itself, and checks it by the schemas of Kubernetes and by what is promised of it.
chart:
	python3 -m venv target/chart
	target/chart/bin/pip install --quiet --disable-pip-version-check -r tests/helm/requirements.txt
	cargo build --locked
	target/chart/bin/python tests/helm/check.py target/debug/flowmatix-graphql

# 100,000 random operations, answered by projection and by the engine: the bytes must be equal. The suite tries 3,000.
oracle:
	ORACLE_CASES=100000 cargo test --locked --test it oracle -- --nocapture

# 100,000 random documents with variables, judged by the service and by graphql-js 16 and 17: no difference that is not listed
# in tests/it/conformance/compare.rs. The suite tries 2,000. CONFORMANCE_CASES and CONFORMANCE_SEED choose others.
conformance:
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/conformance
	CONFORMANCE_CASES=$${CONFORMANCE_CASES:-100000} cargo test --locked --test it conformance -- --nocapture

# The README's pictures of the explorer and the dashboard, rendered anew in the suites' browser.
pictures: explorer
	cargo build --locked
	npm ci --ignore-scripts --no-audit --no-fund --prefix examples/team-dashboard
	npm run build --prefix examples/team-dashboard
	node tests/pictures.js

# Thousands of idle sockets beside a legitimate caller, and stops under load; fails where a figure falls short. Linux.
sockets:
	cargo build --release --locked
	node tests/sockets/sockets.js

# Nine kinds of outage under load, a minute each, and an hour of a spent plan on a paused clock; fails where a figure falls short.
faults:
	cargo test --release --locked --test it -- --ignored --nocapture --test-threads 1 under_load look_ups_a_second

# The programs that `make bench` starts, and no others: link-time optimisation takes minutes for each.
BENCH_BINS = flowmatix-graphql-benches big_teams collector counted proxy reference static_reply upstream

# Everything that is compared, in one run, and docs/performance.md written from it. For a machine that does nothing else; Linux.
bench:
	cargo build --release --locked
	cargo build --release --locked --manifest-path benches/Cargo.toml --target-dir target $(BENCH_BINS:%=--bin %)
	npm ci --ignore-scripts --no-audit --no-fund --prefix benches/apollo
	npm ci --ignore-scripts --no-audit --no-fund --prefix benches/hive
	npm run compose --silent --prefix benches/hive
	npm ci --ignore-scripts --no-audit --no-fund --prefix benches/tailcall
	target/release/flowmatix-graphql-benches

IN_COUNTS = --profile counts --locked --manifest-path benches/Cargo.toml --target-dir target

# How many instructions the paths of a request take, beside the committed figures (benches/counts.json), with 3 % of room. Where a
# compiler, the C library or callgrind is another one, a difference is told and is no failure.
check-counts:
	@if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
		cargo build $(IN_COUNTS) --bin counts && target/counts/counts; \
	else \
		echo "the committed instruction counts are of Linux on x86_64: nothing to compare them with here"; \
	fi

# Commits the present counts, with a line in the changelog: make counts WHY="what they pay for". Linux on x86_64.
counts:
	@test -n "$$WHY" || { echo 'say why: make counts WHY="…"' >&2; exit 1; }
	cargo build $(IN_COUNTS) --bin counts
	target/counts/counts --update "$$WHY"

# Eight tenants, 100,000 steps for each: fails at the first foreign row. Minutes.
tenants:
	TENANTS_STEPS=800000 cargo test --locked --test it tenants -- --nocapture

# Ten thousand subscribers of ten accounts for a minute of changes, before one process and before three replicas over a Redis, a
# tenth of them beside GraphQL Yoga with graphql-ws, and a plan that a hundred listened accounts share; docs/subscriptions.md is
# written from it, and it fails where a figure falls short. Eight minutes behind the builds. Needs 12,000 open files. Linux.
live:
	cargo build --release --locked
	cargo build --release --locked --manifest-path benches/Cargo.toml --target-dir target --bin live
	npm ci --ignore-scripts --no-audit --no-fund --prefix benches/yoga
	target/release/live

# Licences, sources and bans of all dependencies. Needs cargo-deny; the workflow checks advisories too.
audit:
	cargo deny --locked check bans licenses sources

# What can be checked of a release before it is tagged: the version, the bill of materials, the list of dependencies in the binary,
# what is printed from the code, and whether two builds are alike. Builds twice; Linux.
release-check: explorer
	./tests/release/tools
	python3 tests/release/check.py

# Searches for a minute for the request that costs most for its length, over an optimised build; fails where it costs more than
# is promised, or a cheap neighbour of thirty-two of them waits too long. Linux.
worst:
	cargo test --release --locked --test it -- --ignored --nocapture --test-threads 1 the_worst_accepted_request

# Three replicas, a real Redis and a vendor with a plan, for three minutes under load while replicas are killed and the tier is hung,
# flushed, restarted, away for a minute and failed over, and 1,000 simulated schedules; fails where a figure falls short.
cluster:
	SIMULATION_SEEDS=1000 cargo test --release --locked --test it -- --nocapture cluster::simulation
	cargo test --release --locked --test it -- --ignored --nocapture --test-threads 1 cluster::chaos
