# Lianban 联办. `make` or `make help` lists what there is.
# No flags that split the build cache here: only release trims paths (STK-88).

STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI    = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME   ?= 30s

.DEFAULT_GOAL := help
.PHONY: help build run demo test test-postgres race fuzz lint vet arch cover bench generated check nightly release

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build ./lianban; the first time takes minutes and prints each package
	CGO_ENABLED=0 go build -v ./cmd/lianban

run: build ## serve with the settings of the environment
	./lianban serve

demo: build ## a city with invented people, in the browser
	./lianban demo

test: ## all tests, on SQLite
	go test ./...

test-postgres: ## all tests, on SQLite and a private PostgreSQL
	TEST_POSTGRES=auto go test -timeout 1h ./...

race: ## all tests on both databases with the race detector (needs a C compiler)
	TEST_POSTGRES=auto go test -race -shuffle=on -timeout 3h ./...

fuzz: ## every fuzz target for FUZZTIME (30s)
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s $$package || exit 1; \
		done; \
	done

lint: vet ## staticcheck and golangci-lint; prints SKIPPED where one cannot be fetched
	@if $(STATICCHECK) -version >/dev/null 2>&1; then $(STATICCHECK) ./...; else echo "SKIPPED staticcheck: cannot be fetched"; fi
	@if $(GOLANGCI) version >/dev/null 2>&1; then $(GOLANGCI) run; else echo "SKIPPED golangci-lint: cannot be fetched"; fi

vet: ## format and go vet
	@files=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$files" ] || { echo "not formatted: $$files"; exit 1; }
	go vet ./...

arch: ## imports, home of SQL, clock, documents
	go test .

cover: ## statement coverage, as a page in the browser
	go test -coverprofile=coverage.out -coverpkg=./... ./...
	go tool cover -html=coverage.out

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

generated: ## write generated documents anew and fail on a difference
	go test -run ThirdParty -update .
	git diff --exit-code -- THIRD_PARTY.md docs

check: ## all that CI runs
	bash .ci/run

nightly: ## check, races everywhere, long simulations and kills, planted bugs, long fuzzing, another time zone, other processors
	bash .ci/run
	$(MAKE) race
	LIANBAN_NIGHTLY=1 TEST_POSTGRES=auto go test -timeout 3h . ./inspection ./delivery ./cmd/lianban
	TZ=America/New_York go test -timeout 1h ./...
	$(MAKE) fuzz FUZZTIME=10m
	for arch in amd64 arm64 loong64 riscv64; do CGO_ENABLED=0 GOARCH=$$arch go build -o /dev/null ./cmd/lianban || exit 1; done

release: ## dist/lianban, reproducible and stripped
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o dist/lianban ./cmd/lianban
