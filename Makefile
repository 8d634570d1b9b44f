# Makefile — the door for people. Meson and ninja do the building; this says in one word what one wants.
#
# Everything is built as the user who calls; only what needs root (packages, pods, system tests) goes through sudo, and
# when the caller is root, sudo need not exist. BUILD=dir builds elsewhere; T='-k name' picks system tests.

BUILD ?= build
T ?=
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Debian's own Python: the one that sees Debian's python3-pytest, whatever else is first in PATH.
PYTHON := /usr/bin/python3
PYTEST := $(SUDO) env BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -p no:cacheprovider -q
SOURCES = $(shell git ls-files 'src/*.[ch]' 'test/*.[ch]' 'bench/*.[ch]')

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: build help demo demo-down images test unit system vm bench campaign fuzz asan lint format install uninstall clean
.DEFAULT_GOAL := build

build: ## compile (the default)
	@scripts/install-deps build
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --buildtype=release >$(BUILD).log 2>&1 || { cat $(BUILD).log >&2; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet | sed '/no work to do/d'

demo: build ## node behind nginx in one pod, shown working; the pod stays (PORT=8088)
	@scripts/install-deps demo
	@$(SUDO) env BUILD=$(abspath $(BUILD)) PORT='$(PORT)' scripts/demo up

demo-down: ## remove the demo's pod
	@$(SUDO) env BUILD=$(abspath $(BUILD)) scripts/demo down

images: ## build the images of the demo and of the tests, from Debian's packages
	@scripts/install-deps demo
	@$(SUDO) scripts/make-images

test: unit system ## every test

unit: build ## tests of single rooms
	@scripts/install-deps test
	@$(SUDO) meson test -C $(BUILD) --no-rebuild --quiet --print-errorlogs

system: build ## tests through the command line, as root, with real programs
	@scripts/install-deps test
	@$(SUDO) scripts/make-images
	@$(PYTEST) test/system $(T)

vm: build ## what depends on the kernel, on one with version 2 of control groups and on an old one (User Mode Linux)
	@scripts/install-deps test vm
	@$(SUDO) scripts/make-images
	@$(SUDO) env BUILD=$(abspath $(BUILD)) PYTHON=$(PYTHON) test/vm/run

asan: ## both kinds of test with AddressSanitizer and UBSan
	@scripts/install-deps build test
	@[ -f $(BUILD)-asan/build.ninja ] || meson setup $(BUILD)-asan --buildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_pie=true >/dev/null
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan unit
	@scripts/asan-system $(BUILD)-asan $(T)

fuzz: ## each fuzz target for TIME=60 seconds
	@scripts/install-deps build fuzz
	@scripts/fuzz $(BUILD)-fuzz $(or $(TIME),60)

bench: build ## times and memory beside podman, crun and a floor program
	@scripts/install-deps bench
	@$(SUDO) scripts/make-images
	@$(SUDO) env BUILD=$(abspath $(BUILD)) $(PYTHON) bench/run $(BENCH)
	@$(SUDO) env BUILD=$(abspath $(BUILD)) $(PYTHON) bench/images
	@$(SUDO) env BUILD=$(abspath $(BUILD)) bench/dns
	@$(SUDO) env BUILD=$(abspath $(BUILD)) bench/network

campaign: build ## kill -9 of commands and keepers at N=1000 moments; nothing may stay claimed
	@scripts/install-deps test
	@$(SUDO) scripts/make-images
	@$(PYTEST:env=env SEAPOD_CAMPAIGN=$(or $(N),1000)) test/system/test_campaign.py

lint: ## layout, layers, sizes, warnings of gcc and clang as errors, cppcheck
	@scripts/install-deps build lint
	@scripts/lint $(BUILD)

format: ## clang-format in place
	@scripts/install-deps lint
	@clang-format -i $(SOURCES)

install: build ## into /usr/local (DESTDIR is honoured)
	@$(SUDO) env DESTDIR='$(DESTDIR)' meson install -C $(BUILD) --no-rebuild --quiet

uninstall: ## what install put there
	@$(SUDO) ninja -C $(BUILD) uninstall >/dev/null

clean: ## the build directories
	@$(SUDO) rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz $(BUILD)-lint

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
