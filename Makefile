# The two commands of the README, and what they are made of.

.PHONY: demo test

# The service with a sample Flowmatix behind it: nothing to configure.
demo:
	cargo run --locked -- demo

# Sets up what the suites need, and runs every test.
test:
	./tests/setup
	cargo test --locked
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/federation
	npm test --prefix tests/federation
