# Everything that people and CI do, in one place. `make help` lists it.

.DEFAULT_GOAL := help
.PHONY: help run test test-e2e check format build build-debug clean

# Tools that are pinned here and nowhere else.
CARGO_DENY_VERSION := 0.20.2
VENV := .venv
TOOLS := .tools
TEMPLATES := infra/template.yaml infra/examples/package-api.yaml

# What `make build` builds for: arm64 or x86_64.
ARCH ?= arm64

export SAM_CLI_TELEMETRY := 0
# `sam validate` wants some region.
export AWS_DEFAULT_REGION ?= us-east-1

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 16

run: build-debug ## Run the whole system on this machine (PORT, ISSUER_PORT, DYNAMODB_PORT)
	@./target/debug/local

test: build-debug ## Run all tests: rules, parts, and the system end to end
	cargo test --workspace

test-e2e: build-debug ## Run the end-to-end suite alone; BASE_URL=… runs it against that
	cargo test --package patgate-tests --test e2e

check: $(VENV)/installed $(TOOLS)/bin/cargo-deny ## Check format, lints, docs, dependencies and templates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items
	$(TOOLS)/bin/cargo-deny check bans licenses sources
	./.ci/advisories $(TOOLS)/bin/cargo-deny
	$(VENV)/bin/cfn-lint $(TEMPLATES)
	@for template in $(TEMPLATES); do \
	  $(VENV)/bin/sam validate --lint --template $$template || exit 1; \
	done

format: ## Format the code
	cargo fmt --all

build: $(VENV)/installed ## Build the Lambda packages in target/lambda/ (ARCH=arm64 or x86_64)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --release --$(subst _,-,$(ARCH)) \
	  --workspace --exclude local --exclude patgate-tests

build-debug:
	@echo "Building (a first build takes about three minutes)"
	@cargo build --workspace --bins

clean: ## Remove what was built, and the data of `make run`
	rm -rf target .local $(VENV) $(TOOLS)

$(VENV)/installed: requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

# Without optimisation it builds in half the time, and it runs for seconds.
$(TOOLS)/bin/cargo-deny:
	cargo install --quiet --locked --debug --root $(TOOLS) cargo-deny --version $(CARGO_DENY_VERSION)
