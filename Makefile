# Everything that people and CI do, in one place. `make help` lists it.

.DEFAULT_GOAL := help
.PHONY: help run test test-e2e outage fuzz test-aws test-contract test-records test-web bench package deploy smoke web web-if-possible screenshots check check-web format build sbom build-debug lock-python \
  first-administrator clean

# Tools that are pinned here and nowhere else.
CARGO_DENY_VERSION := 0.20.2
VENV := .venv
CHECKOV := .venv-checkov
BENCH := .venv-bench
NODE_SUBJECT := bench/subjects/node
CONTRACT := .venv-contract
TOOLS := .tools
CDK := infra/examples/cdk
TEMPLATES := $(wildcard infra/*.yaml infra/examples/*.yaml)

# Where the end-to-end suite leaves what the functions did and printed, and the secrets it used.
RECORDS := $(CURDIR)/target/records

# What `make build` builds for: arm64 or x86_64.
ARCH ?= arm64
TARGET := $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu
# What only `make bench` needs.
MEASURED := patgate-bench floor get-item
# The packages that run on Lambda, and where it is written down what they are made of.
DEPLOYED := --workspace $(addprefix --exclude ,local patgate-tests $(MEASURED))
SBOM := target/sbom

# How many times as many inputs `make fuzz` draws.
TIMES ?= 30

# What Vite needs.
NODE_WILL_DO := node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
PYTHON_IS_HERE := python3 -c 'import ensurepip, venv' 2>/dev/null
CHROMIUM_IS_HERE := { command -v chromium || command -v chromium-browser || test -x "$$CHROMIUM"; } >/dev/null
NO_NODE := The page needs Node 20.19 or newer, which is not here; the API works without it.

# A pipe fails with whatever is in it.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

export SAM_CLI_TELEMETRY := 0

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 24

run: build-debug web-if-possible ## Run the whole system on this machine (PORT, ISSUER_PORT, DYNAMODB_PORT)
	@./target/debug/local

test: build-debug ## Run all tests: rules, parts, the system end to end, and the page in a browser
	@rm -rf $(RECORDS)
	@# The end-to-end suite runs what operators run, with the AWS CLI from there.
	@if $(PYTHON_IS_HERE); then $(MAKE) --no-print-directory $(VENV)/installed; fi
	PATGATE_RECORDS=$(RECORDS) cargo test --workspace
	@if $(PYTHON_IS_HERE); then $(MAKE) --no-print-directory test-records test-aws test-contract; \
	else echo "SKIPPED: the tests of deployment and contract need Python 3 with venv"; test -z "$$CI"; fi
	@if $(NODE_WILL_DO) && $(CHROMIUM_IS_HERE); then $(MAKE) --no-print-directory test-web; \
	else echo "SKIPPED: the page's tests need Node 20.19 or newer and Chromium"; test -z "$$CI"; fi

outage: build-debug ## Take the database away for 30 seconds under load, and see how soon it is noticed that it is back
	PATGATE_OUTAGE_SECONDS=30 cargo test --package patgate-tests --test e2e -- --nocapture outage

test-e2e: build-debug ## Run the end-to-end suite alone; BASE_URL=… runs it against that
	cargo test --package patgate-tests --test e2e

fuzz: build-debug ## Draw inputs by lot for minutes: TIMES as many as `make test` does
	FUZZ_TIMES=$(TIMES) cargo test --package patgate-tests --test properties -- --nocapture

test-aws: build-debug $(VENV)/installed $(CDK)/node_modules/.package-lock.json ## Create the core on a moto server, and test the store against its DynamoDB
	$(VENV)/bin/python tests/aws/test_deployment.py 2>&1 | grep --invert-match "No Moto CloudFormation support"
	$(VENV)/bin/python tests/aws/test_template.py
	$(VENV)/bin/python tests/aws/test_examples.py
	$(VENV)/bin/python tests/aws/test_deploy_script.py
	$(VENV)/bin/python tests/aws/test_page.py
	$(VENV)/bin/python tests/aws/test_sbom.py
	$(VENV)/bin/python tests/aws/test_pins.py
	$(VENV)/bin/python tests/aws/test_npm_advisories.py
	$(VENV)/bin/python tests/aws/test_sign_in.py
	$(VENV)/bin/python tests/aws/test_documents.py
	$(VENV)/bin/python tests/aws/with_moto.py cargo test --workspace --test components -- --test-threads=1

test-contract: build-debug $(CONTRACT)/installed ## Hold every endpoint to docs/openapi.yaml with requests that Schemathesis makes up (SEED, EXAMPLES, ROLE)
	$(CONTRACT)/bin/python tests/contract/test_contract.py

package: build-debug $(VENV)/installed ## Build the authorizer for x86_64, and check what it needs and its size
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --release --x86-64 --package authorizer --lambda-dir target/package
	$(VENV)/bin/python tests/aws/package.py target/package/authorizer/bootstrap

deploy: $(if $(filter no,$(PAGE)),,web) $(VENV)/installed ## Deploy core, sign-in and page to AWS (infra/deploy says what it takes)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" ARCH=$(ARCH) PAGE=$(PAGE) ./infra/deploy

smoke: ## Check a running Patgate from outside: URL, ATTACHED_URL, and SESSION or SIGN_IN_URL
	@python3 infra/smoke.py

# The functions have the profile that is deployed; what runs beside them only has to be quick.
bench: $(BENCH)/installed $(NODE_SUBJECT)/dist/index.js ## Measure, and write docs/performance.md (about six minutes once built)
	cargo build --release --package authorizer --package floor --package get-item
	cargo build --profile bench-host --workspace --bins
	./target/bench-host/bench

# Needs what `make test` has written down before.
test-records: $(VENV)/installed
	$(VENV)/bin/python tests/aws/least_privilege.py $(RECORDS)
	$(VENV)/bin/python tests/aws/run_logs.py $(RECORDS)

test-web: build-debug web ## Run the page's tests in a headless Chromium
	cd web && npx playwright test

web: web/dist/index.html ## Build the access tokens page and its element

screenshots: build-debug web ## Take the README's pictures of the page
	cd web && npx playwright test --config screenshots/playwright.config.ts

check: check-web $(VENV)/installed $(CHECKOV)/installed $(TOOLS)/bin/cargo-deny ## Check format, lints, docs, dependencies and templates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo clippy --package patgate -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items
	$(TOOLS)/bin/cargo-deny check bans licenses sources
	./.ci/advisories $(TOOLS)/bin/cargo-deny
	./.ci/npm-advisories web
	$(VENV)/bin/cfn-lint $(TEMPLATES)
	@for template in $(TEMPLATES); do \
	  $(VENV)/bin/sam validate --region us-east-1 --lint --template $$template || exit 1; \
	done
	LOG_LEVEL=ERROR $(CHECKOV)/bin/checkov --framework cloudformation --file $(TEMPLATES) --compact --quiet --skip-download

check-web: web/node_modules/.package-lock.json
	cd web && npx tsc --noEmit
	cd web && npx openapi-typescript ../docs/openapi.yaml --check --output src/api/schema.d.ts

format: ## Format the code
	cargo fmt --all

build: build-debug $(VENV)/installed sbom ## Build the Lambda packages in target/lambda/, and their SBOM (ARCH=arm64 or x86_64)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --release --locked --$(subst _,-,$(ARCH)) $(DEPLOYED)
	$(VENV)/bin/python tests/aws/package.py target/lambda/*/bootstrap

sbom: $(VENV)/installed ## Write down what the functions and the page are made of (CycloneDX, in target/sbom/)
	@mkdir -p $(SBOM)
	$(VENV)/bin/python infra/sbom.py $(TARGET) $(DEPLOYED) > $(SBOM)/functions.cdx.json
	@if $(NODE_WILL_DO); then cd web && npm sbom --sbom-format cyclonedx --omit dev --package-lock-only \
	  > $(abspath $(SBOM))/page.cdx.json; else echo "$(NO_NODE)"; fi

build-debug:
	@echo "Building (a first build takes about three minutes)"
	@cargo build --workspace $(addprefix --exclude ,$(MEASURED)) --bins

first-administrator: $(VENV)/installed ## Make USER_ID an administrator where roles are kept in Users (STACK, or DYNAMODB_URL on this machine)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" ./infra/first-administrator

clean: ## Remove what was built, and the data of `make run`
	rm -rf target .local $(VENV) $(CHECKOV) $(CONTRACT) $(BENCH) $(TOOLS) $(NODE_SUBJECT)/dist $(NODE_SUBJECT)/node_modules web/dist web/node_modules $(CDK)/node_modules

# `make run` works without Node, and says how to get the page.
web-if-possible:
	@if $(NODE_WILL_DO); then $(MAKE) --no-print-directory web; else echo "$(NO_NODE)"; fi

web/dist/index.html: web/node_modules/.package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/public -type f)
	@cd web && npm run --silent build
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@echo "Installing what the page is built with"
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

# Without Node the example in the CDK is passed over, and the test says so.
$(CDK)/node_modules/.package-lock.json: $(CDK)/package.json $(CDK)/package-lock.json
	@if command -v npm >/dev/null; then cd $(CDK) && npm ci --silent --no-audit --no-fund; fi

$(VENV)/installed: requirements.txt requirements.lock
	$(install-python)

$(CHECKOV)/installed: requirements-checkov.txt requirements-checkov.lock
	$(install-python)

$(CONTRACT)/installed: requirements-contract.txt requirements-contract.lock
	$(install-python)

$(BENCH)/installed: requirements-bench.txt requirements-bench.lock
	$(install-python)

# What the tools need in turn is pinned as well: some of it builds and deploys.
define install-python
python3 -m venv --clear $(@D)
$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $< --constraint $(<:.txt=.lock)
@touch $@
endef

lock-python: ## Pin anew what the Python tools need, after a change of requirements*.txt
	@for requirements in requirements*.txt; do \
	  rm -rf target/lock && python3 -m venv target/lock && \
	  target/lock/bin/pip install --quiet --disable-pip-version-check --requirement $$requirements && \
	  { echo "# Written by \`make lock-python\`."; target/lock/bin/pip freeze; } > $${requirements%.txt}.lock || exit 1; \
	done

$(NODE_SUBJECT)/dist/index.js: $(NODE_SUBJECT)/package-lock.json $(wildcard $(NODE_SUBJECT)/*.mjs)
	cd $(NODE_SUBJECT) && npm ci --silent --no-audit --no-fund && npm run --silent build

# Without optimisation it builds in half the time, and it runs for seconds.
$(TOOLS)/bin/cargo-deny:
	cargo install --quiet --locked --debug --root $(TOOLS) cargo-deny --version $(CARGO_DENY_VERSION)
