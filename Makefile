# Everything that developers and CI run. `make help` lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# Tools that the project brings itself. The Python tools are pinned in uv.lock.
TOOLS := .tools
AWS := $(TOOLS)/aws/installed
BENCH := $(TOOLS)/bench/installed
CHECKOV := $(TOOLS)/checkov/installed
CONTRACT := $(TOOLS)/contract/installed
LINT := $(TOOLS)/lint/installed
CARGO_DENY := $(TOOLS)/bin/cargo-deny
CARGO_DENY_VERSION := 0.20.2

# Node is in .tools/bin if the machine has none that is new enough.
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)
# The scripts find `sam` and `aws` on the PATH, and cargo-lambda finds zig there.
WITH_AWS := PATH="$(CURDIR)/$(TOOLS)/aws/bin:$$PATH"
export SAM_CLI_TELEMETRY := 0

# The architecture that `make build` and `make deploy` use: arm64 or x86_64.
ARCH ?= arm64
TARGET := $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu

# Packages that only `make bench` needs, and the packages that are deployed.
MEASURED := patgate-bench patgate-bench-floor patgate-bench-get-item
DEPLOYED := --workspace $(addprefix --exclude ,patgate-local patgate-harness patgate-tests $(MEASURED))

TEMPLATES := $(wildcard infra/*.yaml examples/*/template.yaml)
BASH_SCRIPTS := $(shell grep -l '^#!.*bash' scripts/* .ci/*)
PYTHON_SCRIPTS := $(shell grep -l '^#!.*python' scripts/*)
CDK := examples/cdk
NODE_SUBJECT := bench/subjects/node
SBOM := target/sbom

# Where the end-to-end suite records what the functions did and logged, and the secrets that it used.
RECORDS := $(CURDIR)/target/records

# `make fuzz` tries this many times as many inputs as `make test`.
TIMES ?= 30

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-22s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Running and testing

.PHONY: run
run: web build-debug ## Run the whole system on this machine (PORT, ISSUER_PORT, DYNAMODB_PORT)
	@./target/debug/local

.PHONY: test
test: ## Run all tests; SKIP=web,deployment leaves parts out
	@SKIP="$(SKIP)" ./scripts/test

.PHONY: test-rust
test-rust: build-debug tools-rust ## Test the Rust code, its components and the system end to end
	@rm -rf $(RECORDS)
	$(WITH_AWS) PATGATE_RECORDS=$(RECORDS) cargo test --workspace

.PHONY: test-deployment
test-deployment: build-debug tools-deployment ## Test templates, examples, scripts and permissions, functions on Amazon's emulator, and the store on moto and dynalite
	@test -d $(RECORDS) || echo "No records of \`make test-rust\` exist; the tests that read them are left out"
	$(WITH_AWS) PATGATE_RECORDS=$(RECORDS) pytest tests/deployment tests/sam/test_without_docker.py $(if $(wildcard $(RECORDS)),,-m "not records")

.PHONY: test-contract
test-contract: build-debug tools-contract ## Test every endpoint against docs/openapi.yaml (SEED, EXAMPLES, ROLE)
	$(TOOLS)/contract/bin/pytest tests/contract

.PHONY: test-documents
test-documents: tools-documents ## Test that links lead somewhere, and that tests named in documents exist
	$(TOOLS)/aws/bin/pytest tests/documents

.PHONY: test-repository
test-repository: tools-repository ## Test that dependencies are pinned, and the checks of advisories and the SBOM
	$(WITH_AWS) pytest tests/repository

.PHONY: test-web
test-web: build-debug tools-web ## Test the page in a headless Chromium
	chromium=$$(./scripts/bring-chromium) && cd web && CHROMIUM="$$chromium" npx playwright test

.PHONY: test-e2e
test-e2e: build-debug tools-rust ## Run only the end-to-end suite; BASE_URL=… runs it against a running system
	cargo test --package patgate-tests --test e2e

.PHONY: test-sam
test-sam: ## Test the core and two examples under `sam local`, AWS's own emulator, where Docker is
	@./scripts/test-sam

.PHONY: fuzz
fuzz: build-debug ## Run the property tests for minutes, on TIMES as many inputs as `make test`
	FUZZ_TIMES=$(TIMES) cargo test --package patgate-tests --test properties -- --nocapture

.PHONY: outage
outage: build-debug ## Take the database away for 30 seconds under load, and measure the recovery
	PATGATE_OUTAGE_SECONDS=30 cargo test --package patgate-tests --test e2e -- --nocapture outage

.PHONY: bench
bench: $(BENCH) $(NODE_SUBJECT)/dist/index.js ## Measure cost and scaling, and write docs/performance.md (six minutes; needs wrk)
	cargo build --release --package patgate-authorizer --package patgate-bench-floor --package patgate-bench-get-item
	cargo build --profile bench-host --workspace --bins
	./target/bench-host/bench --python $(TOOLS)/bench/bin/python

# Checking and formatting

.PHONY: check
check: check-rust check-web check-description check-text check-templates ## Check format, lints, types, dependencies, spelling, templates and the API's description

.PHONY: check-rust
check-rust: $(CARGO_DENY)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items
	$(CARGO_DENY) check bans licenses sources
	./scripts/check-advisories $(CARGO_DENY)

.PHONY: check-web
check-web: web/node_modules/.package-lock.json
	cd web && npm run --silent check
	./scripts/check-npm-advisories web

.PHONY: check-description
check-description: tests/contract/node_modules/.package-lock.json
	tests/contract/node_modules/.bin/redocly lint docs/openapi.yaml --config tests/contract/redocly.yaml
	./scripts/check-compatibility

.PHONY: check-text
check-text: $(LINT)
	$(TOOLS)/lint/bin/ruff format --check . $(PYTHON_SCRIPTS)
	$(TOOLS)/lint/bin/ruff check . $(PYTHON_SCRIPTS)
	$(TOOLS)/lint/bin/shellcheck $(BASH_SCRIPTS)
	$(TOOLS)/lint/bin/typos

.PHONY: check-templates
check-templates: $(AWS) $(CHECKOV)
	$(TOOLS)/aws/bin/cfn-lint $(TEMPLATES)
	@for template in $(TEMPLATES); do \
	  $(TOOLS)/aws/bin/sam validate --region us-east-1 --lint --template $$template || exit 1; \
	done
	LOG_LEVEL=ERROR $(TOOLS)/checkov/bin/checkov --config-file .checkov.yaml --file $(TEMPLATES)

.PHONY: format
format: $(LINT) web/node_modules/.package-lock.json ## Format the Rust, Python and TypeScript code
	cargo fmt --all
	$(TOOLS)/lint/bin/ruff check --fix-only --quiet . $(PYTHON_SCRIPTS)
	$(TOOLS)/lint/bin/ruff format --quiet . $(PYTHON_SCRIPTS)
	cd web && npm run --silent format

.PHONY: lock
lock: ## Renew uv.lock after a change of pyproject.toml
	@./scripts/bring-uv
	$(TOOLS)/bin/uv lock

# Building and deploying

.PHONY: build
build: build-debug $(AWS) sbom ## Build the Lambda packages in target/lambda/, with their SBOM (ARCH=arm64 or x86_64)
	$(WITH_AWS) cargo lambda build --release --locked --$(subst _,-,$(ARCH)) $(DEPLOYED)
	$(TOOLS)/aws/bin/python scripts/check-package target/lambda/*/bootstrap

.PHONY: package
package: build-debug $(AWS) ## Build the authorizer for x86_64, and check its size and the glibc that it needs
	$(WITH_AWS) cargo lambda build --release --x86-64 --package patgate-authorizer --lambda-dir target/package
	$(TOOLS)/aws/bin/python scripts/check-package target/package/authorizer/bootstrap

.PHONY: package-template
package-template: $(AWS) ## Put the built code and the core's template into S3, for Terraform and the CDK (BUCKET, PREFIX)
	@$(WITH_AWS) python scripts/package-template

.PHONY: modules
modules: $(AWS) ## Generate the parameters and outputs of the Terraform module and of the CDK construct from infra/core.yaml
	$(TOOLS)/aws/bin/python scripts/generate-modules

.PHONY: sbom
sbom: $(AWS) node ## List the components of the functions and of the page (CycloneDX, in target/sbom/)
	@mkdir -p $(SBOM)
	$(TOOLS)/aws/bin/python scripts/sbom $(TARGET) $(DEPLOYED) > $(SBOM)/functions.cdx.json
	cd web && npm sbom --sbom-format cyclonedx --omit dev --package-lock-only > $(abspath $(SBOM))/page.cdx.json

.PHONY: web
web: web/dist/index.html ## Build the page and its custom element

.PHONY: screenshots
screenshots: build-debug tools-web ## Take the screenshots for the README
	chromium=$$(./scripts/bring-chromium) && cd web && \
	  CHROMIUM="$$chromium" npx playwright test --config screenshots/playwright.config.ts

.PHONY: deploy
deploy: $(if $(filter no,$(PAGE)),,web) $(AWS) ## Deploy core, sign-in and page to AWS (scripts/deploy describes the variables)
	@$(WITH_AWS) ARCH=$(ARCH) PAGE=$(PAGE) ./scripts/deploy

.PHONY: smoke
smoke: ## Check a running Patgate from outside: URL, ATTACHED_URL, and SESSION or SIGN_IN_URL
	@./scripts/smoke

.PHONY: first-administrator
first-administrator: $(AWS) ## Make USER_ID the first administrator (STACK, or DYNAMODB_URL on this machine)
	@$(WITH_AWS) ./scripts/first-administrator

.PHONY: clean
clean: ## Delete everything that was built, the tools, and all data of `make run`
	rm -rf target .local $(TOOLS) web/dist web/node_modules $(CDK)/node_modules tests/contract/node_modules tests/deployment/node_modules $(NODE_SUBJECT)/dist $(NODE_SUBJECT)/node_modules

# What the targets above need

.PHONY: build-debug
build-debug:
	@test -d target/debug || echo "Building the functions and \`local\` (the first build takes about three minutes)"
	@cargo build --workspace $(addprefix --exclude ,$(MEASURED)) --bins

# The tools of each part of `make test`, which brings all of them before it starts a test.
.PHONY: tools-rust tools-deployment tools-contract tools-documents tools-repository tools-sam tools-web
tools-rust: $(AWS) node
tools-deployment: $(AWS) $(CDK)/node_modules/.package-lock.json tests/deployment/node_modules/.package-lock.json
tools-contract: $(CONTRACT) tests/contract/node_modules/.package-lock.json
tools-documents: $(AWS) $(CONTRACT) $(LINT) web/node_modules/.package-lock.json
tools-repository: $(AWS) node
tools-sam: $(AWS)
tools-web: web
	@./scripts/bring-chromium >/dev/null

$(TOOLS)/%/installed: pyproject.toml uv.lock
	@./scripts/bring-python-tools $*

.PHONY: node
node:
	@./scripts/bring-node

# A debug build takes half the time, and each check takes only seconds.
$(CARGO_DENY):
	@echo "Building cargo-deny (about two minutes)"
	@cargo install --quiet --locked --debug --root $(TOOLS) cargo-deny --version $(CARGO_DENY_VERSION)

web/dist/index.html: web/node_modules/.package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/public -type f)
	@echo "Building the page"
	@cd web && npm run --silent build
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | node
	@echo "Installing the npm packages of $*"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

$(NODE_SUBJECT)/dist/index.js: $(NODE_SUBJECT)/node_modules/.package-lock.json $(wildcard $(NODE_SUBJECT)/*.mjs)
	@cd $(NODE_SUBJECT) && npm run --silent build
	@touch $@
