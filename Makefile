# Varve: build, test, show. `make help` lists the targets.

SWIFT   ?= swift
PREFIX  ?= /usr/local
DESTDIR ?=
# Where `make demo` records; empty means a directory that it makes itself.
DIR     ?=
# Extra arguments for `swift test`, such as `--filter BlockTests`.
TESTARGS ?=
# Extra arguments for benchmarks/run, such as `files --pairs 9`.
BENCHARGS ?=
# Extra arguments for benchmarks/count-instructions, such as `--renew`.
COUNTARGS ?=

# Release programs live beside the debug build so that neither rebuilds the other.
STATIC  := .build-static
BIN     := $(STATIC)/release
# One set of flags for both programs: every room is then compiled once (docs/decisions/0002-static-programs.md).
STATICFLAGS := -c release --scratch-path $(STATIC) --static-swift-stdlib -Xswiftc -static-executable
CAPABILITIES := cap_sys_admin,cap_dac_read_search,cap_sys_ptrace+p

.PHONY: help build release extension test lint format demo bench instructions instructions-program install clean

help:
	@echo "make demo [DIR=…]            record a directory, watch the events come in, ask the store"
	@echo "make test [TESTARGS=…]       build and run every test (as root also those on real mounts)"
	@echo "make build                   debug build of everything"
	@echo "make release                 static release programs in $(BIN)"
	@echo "make extension               varve.so for any SQLite, in $(BIN) (part of release)"
	@echo "make install [PREFIX= DESTDIR=]   install them; varved as root:varve 0750 with file capabilities"
	@echo "make lint, make format       check or apply the layout rules"
	@echo "make bench [BENCHARGS='SCENARIO …']   measure beside peers (benchmarks/run), within 40 minutes"
	@echo "make instructions [COUNTARGS=--renew]   instructions that the hot paths take, against a baseline"
	@echo "make clean                   remove what was built"

build:
	@scripts/install-packages build
	$(SWIFT) build

release:
	@scripts/install-packages build
	$(SWIFT) build $(STATICFLAGS) --product varved
	$(SWIFT) build $(STATICFLAGS) --product varve
	@$(MAKE) --no-print-directory extension

# The same objects as the programs', linked as a shared library.
extension:
	$(SWIFT) build $(STATICFLAGS) --product varve-extension
	scripts/link-extension $(BIN) $(BIN)/varve.so

test:
	@scripts/install-packages test
	$(SWIFT) test --disable-xctest $(TESTARGS)

SWIFTFILES := Package.swift Sources Tests schema benchmarks/instructions benchmarks/micro/Benchmarks \
	benchmarks/micro/Package.swift benchmarks/operations benchmarks/questions benchmarks/rowdiff benchmarks/segments

lint:
	$(SWIFT) format lint --strict --recursive --parallel $(sort $(SWIFTFILES))

format:
	$(SWIFT) format format --in-place --recursive --parallel $(sort $(SWIFTFILES))

# What DIR is is looked at before minutes are spent on building.
demo:
	@scripts/demo --check "$(DIR)"
	@$(MAKE) --no-print-directory release
	@BIN=$(BIN) scripts/demo "$(DIR)"

bench: release
	$(SWIFT) build $(STATICFLAGS) --product rowdiff
	$(SWIFT) build $(STATICFLAGS) --product questions
	$(SWIFT) build $(STATICFLAGS) --product segment-benchmark
	benchmarks/run $(BENCHARGS)

# The flags of the release, so that what is counted is what is shipped.
instructions: instructions-program
	benchmarks/count-instructions $(COUNTARGS)

instructions-program:
	@scripts/install-packages count
	$(SWIFT) build $(STATICFLAGS) --product instructions

install:
	@test -x $(BIN)/varved && test -x $(BIN)/varve || { echo "run 'make release' first" >&2; exit 1; }
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BIN="$(BIN)" CAPABILITIES="$(CAPABILITIES)" scripts/install-programs

clean:
	rm -rf .build $(STATIC)
