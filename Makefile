# dxctl: make demo, make test. `make` without a target lists the targets.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ADDR ?= 127.0.0.1:8080
DATA ?= ./data

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)
# Without the directory of the checkout in them, compiled packages are shared by all clones and worktrees.
export GOFLAGS := $(shell go env GOFLAGS) -trimpath
# Without cgo, the Go linker makes the binaries by itself, in less time and space, which counts: every package with tests
# has one. The embedded engine does not need cgo. The race detector does.
export CGO_ENABLED := 0
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
NPM      := npm install --no-audit --no-fund --no-package-lock --loglevel=error --prefix
# The race detector needs a C compiler. Without one, the tests run without it and print a note.
RACE     := $(shell command -v cc >/dev/null 2>&1 && echo -race)
# The real API server and controllers for make test-kubernetes. Argo Rollouts needs a newer Go version than dxctl.
BED := .cache/kubernetes-bed
ROLLOUTS_GO := go1.27.3
# The real backend for make test-backstage.
BACKSTAGE_BED := .cache/backstage-bed
# The emulator of GitHub for make test-actions, with the Node.js that it needs (linux x64).
ACTIONS_BED := .cache/actions-bed
# What runs the services of the golden paths for make test-paths.
PATHS_BED := .cache/paths-bed
ACT := v0.2.89
KUBE_SCORE := v1.20.0
FUZZTIME ?= 5s

.PHONY: help demo build engine assets webhook-examples axe tech-insights github-schemas chromium test test-kubernetes test-backstage test-actions test-paths test-images fuzz lint fmt generate bench load screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

demo: build ## load the synthetic demo organization and serve it (ADDR=127.0.0.1:8080 DATA=./data)
	@bin/dxctl demo --addr $(ADDR) --data $(DATA)

build: engine assets ## build bin/dxctl
	@echo "building bin/dxctl"
	@go build -ldflags "-X main.version=$(VERSION)" -o bin/dxctl ./cmd/dxctl

engine: store/embedded/node_modules/.installed ## download the embedded ClickHouse engine (about 180 MB, once)
assets: web/assets/vendor/echarts.min.js ## download the chart library of the dashboard

store/embedded/node_modules/.installed: store/embedded/package.json
	@echo "downloading the embedded ClickHouse engine (about 180 MB, once)"
	@$(NPM) store/embedded
	@touch $@

web/assets/vendor/echarts.min.js: web/package.json web/vendor.js
	@echo "downloading the web assets"
	@$(NPM) web
	@touch $@

webhook-examples: collectors/webhook/testdata/node_modules/.installed ## download the examples of GitHub webhooks that the tests use

collectors/webhook/testdata/node_modules/.installed: collectors/webhook/testdata/package.json
	@echo "downloading the examples of GitHub webhooks"
	@$(NPM) collectors/webhook/testdata
	@touch $@

axe: cmd/browser/node_modules/.installed ## download the accessibility checks of the browser test

cmd/browser/node_modules/.installed: cmd/browser/package.json cmd/browser/package-lock.json
	@echo "downloading the accessibility checks"
	@npm ci --no-audit --no-fund --loglevel=error --prefix cmd/browser
	@touch $@

tech-insights: web/server/testdata/tech-insights/node_modules/.installed ## download the client of Backstage's Tech Insights that a test runs (22 MB)

web/server/testdata/tech-insights/node_modules/.installed: $(addprefix web/server/testdata/tech-insights/,package.json package-lock.json)
	@echo "downloading the client of Backstage's Tech Insights"
	@npm ci --no-audit --no-fund --ignore-scripts --loglevel=error --prefix web/server/testdata/tech-insights
	@touch $@

# The package has the description of every edition, some of them twice; tests read one.
GITHUB_SCHEMAS := actions/github/hosttest/testdata/schemas
github-schemas: $(GITHUB_SCHEMAS)/node_modules/.installed ## download GitHub's description of its API, by which tests check what is written (29 MB)

$(GITHUB_SCHEMAS)/node_modules/.installed: $(addprefix $(GITHUB_SCHEMAS)/,package.json package-lock.json)
	@echo "downloading GitHub's description of its API"
	@npm ci --no-audit --no-fund --ignore-scripts --loglevel=error --prefix $(GITHUB_SCHEMAS)
	@find $(GITHUB_SCHEMAS)/node_modules/@octokit/openapi/generated -type f ! -name ghec.json -delete
	@touch $@

chromium: ## install Chromium for the browser tests, unless a browser is installed
	@.ci/chromium

TEST := go test -vet=off -p 3 -timeout 30m
# The C compiler links binaries with the race detector. gold, if it is installed, takes less time than bfd.
RACED := $(if $(RACE),CGO_ENABLED=1 GORACE=atexit_sleep_ms=0) $(TEST) $(RACE) \
  -ldflags "-s -w $(if $(RACE),$(shell command -v ld.gold >/dev/null 2>&1 && echo -extldflags=-fuse-ld=gold))"

# Three packages run in parallel: many tests wait for a process, a server or a browser rather than for the CPU. The
# slowest packages start first, so that none of them runs alone in the end. go vet is part of make lint.
#
# The race detector is where goroutines share data, as .ci/tests says. Where a package is in two commands, one skips what
# the other runs.
CONCURRENT := ^TestConcurrent
test: engine assets webhook-examples axe tech-insights github-schemas chromium ## run all tests, with the race detector where goroutines share data, if there is a C compiler
	@test -n "$(RACE)" || echo "no C compiler (cc): running the tests without the race detector"
	$(TEST) -ldflags "-s -w" -skip '$(CONCURRENT)' $(shell .ci/tests wide) $(shell .ci/tests plain)
	$(RACED) -run '$(CONCURRENT)' $(shell .ci/tests wide)
	$(RACED) $(shell .ci/tests raced)

test-kubernetes: engine $(BED)/bed $(BED)/rollouts-controller ## run the scenarios of the Kubernetes collector on a real API server (first build: 10 to 16 minutes)
	go vet -tags kubernetesbed ./collectors/kubernetes/...
	KUBERNETES_BED=$(CURDIR)/$(BED)/bed ROLLOUTS_CONTROLLER=$(CURDIR)/$(BED)/rollouts-controller \
	  ROLLOUTS_CRDS=$$(cd collectors/kubernetes/bed/rollouts && GOTOOLCHAIN=$(ROLLOUTS_GO) go list -m -f "{{.Dir}}/manifests/crds" github.com/argoproj/argo-rollouts) \
	  go test -tags kubernetesbed -count 1 -timeout 30m -run TestOnARealServer ./collectors/kubernetes

$(BED)/bed: $(addprefix collectors/kubernetes/bed/,main.go go.mod go.sum)
	@echo "building the Kubernetes control plane (10 to 16 minutes, once)"
	@mkdir -p $(BED)
	@cd collectors/kubernetes/bed && go build -trimpath -ldflags '-s -w' -o $(CURDIR)/$@ .

$(BED)/rollouts-controller: $(addprefix collectors/kubernetes/bed/rollouts/,go.mod go.sum)
	@echo "building the controller of Argo Rollouts (about 5 minutes, once)"
	@mkdir -p $(BED)
	@cd collectors/kubernetes/bed/rollouts && GOTOOLCHAIN=$(ROLLOUTS_GO) go build -trimpath -ldflags '-s -w' \
	  -o $(CURDIR)/$@ github.com/argoproj/argo-rollouts/cmd/rollouts-controller

test-backstage: engine $(BACKSTAGE_BED)/node_modules/.installed ## run the scenarios of the Backstage collector, and compare validation, on a real backend (first install: 2 to 8 minutes)
	go vet -tags backstagebed ./collectors/backstage
	BACKSTAGE_BED=$(CURDIR)/$(BACKSTAGE_BED) go test -tags backstagebed -count 1 -timeout 15m -run TestOnARealBackstage ./collectors/backstage

$(BACKSTAGE_BED)/node_modules/.installed: $(addprefix collectors/backstage/bed/,package.json package-lock.json)
	@if [ ! -e $@ ] || ! cmp -s collectors/backstage/bed/package-lock.json $(BACKSTAGE_BED)/package-lock.json; then \
	  echo "installing the Backstage backend (350 MB; 2 to 8 minutes, once)"; \
	  mkdir -p $(BACKSTAGE_BED); \
	  cp $^ $(BACKSTAGE_BED); \
	  rm -f $@; \
	  npm ci --no-audit --no-fund --loglevel=error --prefix $(BACKSTAGE_BED); \
	fi
	@touch $@

test-actions: $(ACTIONS_BED)/node_modules/.installed ## create services, open pull requests and carry out a batch on an emulator of GitHub (linux x64; downloads 60 MB)
	go vet -tags actionsbed ./actions/github
	GITHUB_EMULATOR=$(CURDIR)/$(ACTIONS_BED) go test -tags actionsbed -count 1 -timeout 5m -run Emulator ./actions/github

$(ACTIONS_BED)/node_modules/.installed: $(addprefix actions/github/bed/,package.json package-lock.json)
	@echo "downloading the emulator of GitHub (60 MB, once)"
	@mkdir -p $(ACTIONS_BED)
	@cp $^ $(ACTIONS_BED)
	@npm ci --no-audit --no-fund --loglevel=error --prefix $(ACTIONS_BED)
	@touch $@

# What is created decides itself whether it needs cgo.
test-paths test-images: export CGO_ENABLED :=
test-paths: $(PATHS_BED)/bed $(PATHS_BED)/act-$(ACT) $(PATHS_BED)/kube-score-$(KUBE_SCORE) $(PATHS_BED)/node_modules/.installed ## create, build, test and run the services of all golden paths, and run patched workflows (first build: 3 to 10 minutes, then 5 to 20)
	go vet -tags pathsbed ./scorecards/paths/pathcheck ./actions/fix
	PATHS_BED=$(CURDIR)/$(PATHS_BED) go test -tags pathsbed -count 1 -timeout 60m -run 'TestCreatedServices|TestPatchedRunTheSame' ./scorecards/paths/pathcheck ./actions/fix

test-images: ## build the image of a created Go service with buildah, and run it (as root; 1 to 5 minutes)
	go vet -tags pathsbed ./scorecards/paths/pathcheck
	go test -tags pathsbed -count 1 -timeout 20m -run TestBuiltImage ./scorecards/paths/pathcheck

$(PATHS_BED)/bed: $(wildcard scorecards/paths/bed/*.go) $(addprefix scorecards/paths/bed/,go.mod go.sum)
	@echo "building what stands in for a cluster and a cache"
	@mkdir -p $(PATHS_BED)
	@cd scorecards/paths/bed && go build -trimpath -o $(CURDIR)/$@ .
	@ln -sf bed $(PATHS_BED)/kubectl

$(PATHS_BED)/act-$(ACT):
	@echo "building act, which runs workflows"
	@GOBIN=$(CURDIR)/$(PATHS_BED) go install github.com/nektos/act@$(ACT)
	@touch $@

$(PATHS_BED)/kube-score-$(KUBE_SCORE):
	@echo "building kube-score, which judges manifests"
	@GOBIN=$(CURDIR)/$(PATHS_BED) go install github.com/zegl/kube-score/cmd/kube-score@$(KUBE_SCORE)
	@touch $@

$(PATHS_BED)/node_modules/.installed: $(addprefix scorecards/paths/bed/node/,package.json package-lock.json)
	@echo "installing Node.js"
	@mkdir -p $(PATHS_BED)
	@cp $^ $(PATHS_BED)
	@npm ci --no-audit --no-fund --loglevel=error --prefix $(PATHS_BED)
	@touch $@

lint: $(GOLANGCI) assets ## check formatting, go.mod, words and the code
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); test -z "$$unformatted" || { echo "not formatted; run make fmt:"; echo "$$unformatted"; exit 1; }
	go mod tidy -diff
	@.ci/words
	$(GOLANGCI) run ./...

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION) (a few minutes, once)"
	@mkdir -p .cache/bin/new
	@GOBIN=$(CURDIR)/.cache/bin/new GOFLAGS=-mod=mod go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .cache/bin/new/golangci-lint $@

fmt: ## format the code
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

generate: engine ## regenerate the generated files (migrations/schema.sql)
	go generate ./...

fuzz: ## run every fuzz test for FUZZTIME (5s); failing inputs are stored in testdata/fuzz
	@.ci/fuzz $(FUZZTIME)

bench: engine assets ## run the benchmarks and print a table: requests per source, and speed
	go test -run '^$$' -bench . -benchmem -timeout 30m $$(git grep --untracked -l '^func Benchmark' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|') | go run ./cmd/benchtable

load: build ## measure requests per second and p95 of every demo page, over 20 connections (about two minutes)
	@go run ./cmd/loadtest

screenshots: build chromium ## create the screenshots of the README (docs/images)
	go run ./cmd/screenshots

clean: ## remove build results and downloads; data is kept
	rm -rf bin .cache store/embedded/node_modules collectors/webhook/testdata/node_modules cmd/browser/node_modules web/server/testdata/tech-insights/node_modules $(GITHUB_SCHEMAS)/node_modules web/node_modules web/assets/vendor
