# larder's everyday commands; `make help` lists them. Needs nothing but make on Debian 12: each
# target installs the packages it needs (.ci/deps has the list) as root or with sudo.

JOBS ?= $(shell nproc)
ARGS ?=
BUILD := build
PYTHON := $(firstword $(wildcard /usr/bin/python3) python3) # Debian's own finds Debian's modules

# An address space randomised over more than 28 bits is more than g++ 12's ThreadSanitizer can map.
NO_ASLR := $(shell setarch -R true 2>/dev/null && echo setarch -R)
CTEST := ctest --output-on-failure --no-tests=error -j$(JOBS)

# The oracle of the tests and a peer of the benchmarks. Debian's binary is one for server and tools
# and looks at its name, so without the package redis-server a link does as well.
ORACLE := $(CURDIR)/$(BUILD)/oracle
export PATH := $(PATH):$(ORACLE)

.PHONY: build run test bench bench-quick asan tsan format deps oracle help

build: deps ## build Release into build/
	@test -f $(BUILD)/build.ninja || cmake --preset release -DLARDER_TESTS=OFF
	@cmake --build $(BUILD) --target larder -j$(JOBS)

run: build ## build, then start on 127.0.0.1:6379; ARGS="--port 7000" passes options
	@exec $(BUILD)/larder conf/larder.conf $(ARGS)

test: oracle ## build, then run every test
	@cmake --preset release -DLARDER_TESTS=ON
	@cmake --build $(BUILD) -j$(JOBS)
	@$(CTEST) --test-dir $(BUILD)

bench: oracle ## measure beside redis-server, memcached, a bare loop and other maps; writes build/bench/
	@.ci/deps bench
	@cmake --preset release -DLARDER_TESTS=ON
	@cmake --build $(BUILD) -j$(JOBS)
	@$(PYTHON) tests/bench/run.py $(ARGS)

bench-quick: ARGS += --quick
bench-quick: bench ## the same in under 5 minutes

asan: oracle ## run every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan
	@cmake --build --preset asan -j$(JOBS)
	@$(CTEST) --test-dir build-asan

tsan: oracle ## run the tests that use threads under ThreadSanitizer
	@cmake --preset tsan
	@cmake --build --preset tsan -j$(JOBS)
	@$(NO_ASLR) $(CTEST) --test-dir build-tsan -L 'store|system'

format: ## clang-format every tracked C++ file
	@.ci/deps format
	@git ls-files '*.h' '*.cc' | xargs -r clang-format-14 -i

deps: ## install what `make build` needs
	@.ci/deps build

oracle: deps
	@.ci/deps test
	@mkdir -p $(ORACLE)
	@command -v redis-server >/dev/null || ln -sf "$$(command -v redis-check-rdb)" $(ORACLE)/redis-server

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
