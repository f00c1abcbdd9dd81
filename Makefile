# Headcount. `make help` lists what there is to make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

TARGET := $(or $(CARGO_TARGET_DIR),target)
LOGS := $(TARGET)/test-logs
INSTALLED := node_modules/.installed

# Whatever is made here, what it takes is looked for before anything else.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
  missing = $(if $(shell command -v $(1)),,$(error $(1) is missing: $(2)))
  $(call missing,cargo,install Rust 1.95 or newer with rustup)
  $(call missing,cc,install a C compiler (Debian: apt-get install gcc))
  $(call missing,node,install Node.js 20.19 or newer (https://nodejs.org))
  $(call missing,npm,install npm, which comes with Node.js)
  new_enough := $(shell node -p 'const [a, b] = process.versions.node.split("."); a > 20 || (a == 20 && b >= 19)')
  ifneq ($(new_enough),true)
    $(error node is too old: install Node.js 20.19 or newer (https://nodejs.org))
  endif
endif

.NOTPARALLEL:
.PHONY: help setup build run test test-rust test-node test-browser test-mail torture bench lint clean pictures tracker dashboard beside chromium thunderbird proxies tools

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(INSTALLED) ## install the locked npm packages, if the lock changed

$(INSTALLED): package-lock.json package.json dashboards/web/package.json pixel/package.json .npmrc
	@echo "npm ci"
	@npm ci --loglevel=error
	@touch $@

build: dashboard ## build target/release/headcount, with the dashboard in it and the engine beside it
	@HEADCOUNT_REQUIRE_DASHBOARD=1 cargo build --release --locked
	@node beside.mjs $(TARGET)/release

run: build ## build, then serve the demo site and the dashboard
	@exec $(TARGET)/release/headcount serve --demo

test: test-rust test-node test-browser test-mail ## run every test; set up what they need
	@echo
	@node tests/counts.mjs $(LOGS)

test-rust: dashboard beside tools ## run the tests of the program
	@mkdir -p $(LOGS)
	@HEADCOUNT_REQUIRE_DASHBOARD=1 cargo test --locked 2>&1 | tee $(LOGS)/rust.log

test-node: setup ## check the types of dashboard and tracker, and run their tests
	@mkdir -p $(LOGS)
	@npm run --silent --workspaces check
	@node tests/node.mjs 2>&1 | tee $(LOGS)/node.log

test-browser: dashboard beside chromium proxies ## walk the demo site and the dashboard in a real browser, try tracker, mailings and snippets
	@mkdir -p $(LOGS)
	@HEADCOUNT_REQUIRE_DASHBOARD=1 cargo build --locked --quiet
	@{ node tests/e2e/run.mjs; node tests/e2e/tracker.mjs; node tests/e2e/mailings.mjs; node tests/e2e/proxies.mjs; } 2>&1 | tee $(LOGS)/browser.log

test-mail: dashboard beside chromium thunderbird tools ## send mailings, read them in Thunderbird and in webmail
	@mkdir -p $(LOGS)
	@HEADCOUNT_REQUIRE_DASHBOARD=1 cargo build --locked --quiet
	@node tests/e2e/mail.mjs 2>&1 | tee $(LOGS)/mail.log

# Forty faults a seed, from HEADCOUNT_TORTURE_SEED on, or from one that is drawn and printed.
torture: dashboard beside tools ## do HEADCOUNT_TORTURE_FAULTS=1000 faults under load; nothing may be lost
	@HEADCOUNT_REQUIRE_DASHBOARD=1 HEADCOUNT_TORTURE_FAULTS=$(or $(HEADCOUNT_TORTURE_FAULTS),1000) \
		cargo test --locked --test it torture::counts_are_exact_under_faults_that_are_drawn_anew -- --nocapture

bench: build ## run the benches, or those in BENCHES=…; write benches/RESULTS.md
	@node benches/report.mjs $(BENCHES)

lint: setup ## check format, lints and types
	@cargo fmt --check
	@cargo clippy --all-targets --locked -- -D warnings
	@npm run --silent --workspaces check

pictures: dashboard beside chromium ## take the README's pictures; needs libfaketime
	@HEADCOUNT_REQUIRE_DASHBOARD=1 cargo build --locked --quiet
	@node tests/e2e/run.mjs --docs

tracker: setup ## build pixel/dist, which is committed
	@npm run --silent --workspace pixel build

clean: ## remove what was built and installed
	@rm -rf $(TARGET) dashboards/web/dist node_modules

# A page that stands in for a dashboard that was not built has no assets.
DASHBOARD := node_modules/.dashboard
ifeq ($(wildcard dashboards/web/dist/assets),)
  .PHONY: $(DASHBOARD)
endif

dashboard: $(DASHBOARD)

$(DASHBOARD): $(INSTALLED) $(shell find dashboards/web -type f -not -path '*/dist/*')
	@npm run --silent --workspace dashboards/web build
	@touch $@

# The tests run the program from target/debug.
beside: setup
	@node beside.mjs $(TARGET)/debug

chromium: setup
	@node tests/e2e/chromium.mjs

thunderbird: setup
	@node tests/e2e/thunderbird.mjs

proxies: setup
	@node tests/e2e/proxies.mjs --install

tools: setup
	@node tests/tools.mjs
