# ringside: every target works on a fresh machine with Go, make and git.
GO      ?= go
BIN     := bin
TOOLS   := .cache/bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT    := $(TOOLS)/golangci-lint
LINT_VERSION := v2.15.0

.PHONY: help run build test unit pbx freeswitch lint fuzz bench clean

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: build       ## the daemon on a demo directory, with nothing to set up
	@$(BIN)/ringside serve --demo

build:           ## bin/ringside
	@$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN)/ringside ./cmd/ringside

test: unit pbx   ## the whole suite: units under the race detector, then a real Asterisk

unit:            ## every package's tests under the race detector
	$(GO) vet ./...
	$(GO) test -race -timeout 15m ./...

pbx: build       ## real SIP calls through Debian's Asterisk 22 and 16 (installed into a cached folder)
	bash test/pbx/install.sh
	RINGSIDE_PBX=1 RINGSIDE_BIN=$(CURDIR)/$(BIN)/ringside $(GO) test -count=1 -timeout 25m -v ./test/pbx/...
	@[ -n "$(RINGSIDE_FREESWITCH)" ] || echo "Skipped: calls through a real FreeSWITCH, which Debian does not have (make freeswitch RINGSIDE_FREESWITCH=PROGRAM)."

freeswitch: build ## real calls through the FreeSWITCH that RINGSIDE_FREESWITCH names; Debian has none
	RINGSIDE_FREESWITCH=$(RINGSIDE_FREESWITCH) RINGSIDE_BIN=$(CURDIR)/$(BIN)/ringside $(GO) test -count=1 -timeout 10m -v ./test/freeswitch

lint: $(LINT)    ## golangci-lint with gofumpt, pinned
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

FUZZTIME ?= 20s
fuzz:            ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

bench: build     ## the figures of docs/performance.md, each beside its floor in the same run
	RINGSIDE_BENCH=1 RINGSIDE_BIN=$(CURDIR)/$(BIN)/ringside $(GO) test -count=1 -timeout 60m -v -run 'Bench|Performance' ./routing ./store ./bench
	bash test/pbx/install.sh
	RINGSIDE_BENCH=1 RINGSIDE_BIN=$(CURDIR)/$(BIN)/ringside $(GO) test -count=1 -timeout 60m -v ./test/pbx/bench

clean:           ## built files
	rm -rf $(BIN)
