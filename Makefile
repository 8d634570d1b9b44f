# People's door: Meson does the work. `make` builds into build/; everything that needs root asks for it where it does.
BUILD ?= build
PYTHON ?= /usr/bin/python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: build test unit system asan format lint install clean help

build: $(BUILD)/build.ninja ## build everything
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@scripts/install-deps build test
	@meson setup $(BUILD) >/dev/null

test: unit system ## build and run every test (as root, or with sudo)

unit: build ## tests of functions
	@meson test -C $(BUILD) --print-errorlogs --no-rebuild

system: build ## tests through the command line
	@scripts/install-deps test
	@test/check-layers
	@$(SUDO) env BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q test/system

asan: ## both with the address and undefined behaviour sanitizers
	@$(MAKE) BUILD=build-asan asan-build test

.PHONY: asan-build
asan-build:
	@scripts/install-deps build test
	@[ -d build-asan ] || meson setup build-asan -Dbuildtype=debug -Db_sanitize=address,undefined >/dev/null

format: ## clang-format over the sources
	@clang-format -i $$(git ls-files '*.[ch]')

lint: ## layering
	@test/check-layers

install: build ## install below the configured prefix
	@$(SUDO) meson install -C $(BUILD) --no-rebuild

clean: ## remove the build directories
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 12
