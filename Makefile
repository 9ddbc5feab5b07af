# How initbox is built and tested. "make" alone lists the targets; CONTRIBUTING.md says when to use which.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# CI may run as root in a checkout that belongs to another user; git would refuse that.
GIT = git -c safe.directory='*'
VERSION = $(shell GIT_OPTIONAL_LOCKS=0 $(GIT) describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  = $(shell $(GIT) rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# Without Go's stamp of the repository, which depends on how the commit was checked out.
GOBUILD = go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

# What make image builds, and how.
IMAGE = initbox:dev
ARCH = $(shell go env GOARCH)
DOCKER_BUILD = docker build --quiet

# The one budget: the compressed bytes that our layers may add to the base. make size shows the share of each task.
MAX_IMAGE = 9000000

# Pinned here, not in go.mod: users of initbox as a library do not need these tools.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
ERRCHECK = go run github.com/kisielk/errcheck@v1.30.0
MISSPELL = go run github.com/golangci/misspell/cmd/misspell@v0.8.0
# Its output contains the checksum of the tool itself; -trimpath makes that the same on every machine.
CYCLONEDX = go run -trimpath github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# The tag of tests that need more than Go, git and make: a server, another program, or rights that a plain container
# lacks. Their files begin with it.
TAG = integration

# The parts of e2e/ that make e2e tests. They run one at a time: each starts a Docker engine or a cluster, or builds for long.
E2E = cluster docker helm podsecurity kubernetes

# How many inputs each fuzz target tries in "make fuzz". Not a time by default: go test sometimes reports the end of
# that time as a failure (context deadline exceeded).
FUZZTIME = 20000x

# The binary is static. Only the race detector needs cgo; its command sets this again.
export CGO_ENABLED = 0

space := $(subst ,, )
define newline


endef

# $(call step,NAME,COMMAND) prints one line if COMMAND succeeds, and all of its output if it fails.
# COMMAND has no comma: make would take it for the end of an argument.
define step
@printf '  %-44s ' '$(1)'; begin=$$(date +%s); \
if said=$$( { $(2); } 2>&1 ); then echo "ok  $$(( $$(date +%s) - begin )) s"; \
else echo FAILED; printf '%s\n' "$$said"; exit 1; fi
endef

##@ Every day

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
	/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/initbox, static and stripped
	@$(GOBUILD) -o bin/initbox ./cmd/initbox

.PHONY: image
image: ## build the image with your Docker (IMAGE=initbox:dev; ARCH=arm64 or amd64) and print its size
	@docker version >/dev/null || { echo 'no Docker engine answers: start one, or set DOCKER_HOST' >&2; exit 1; }
	@$(image)

.PHONY: sbom
sbom: ## list the modules of the image's binary in bin/linux-ARCH/initbox.cdx.json (CycloneDX), for a release
	@$(binary) && \
	$(CYCLONEDX) bin -json -std -short-purls -noserial -notimestamp -version '$(VERSION)' -output $$bin.cdx.json $$bin && \
	echo "$$bin.cdx.json lists the modules (CycloneDX)"

.PHONY: check
check: lint test-short ## the fast loop: lint and short tests; it needs only Go, git and make
	@echo "make check: all good; make test runs everything"

.PHONY: update
update: build ## write what derives from the code: each task's README.md, the schema of a plan, Helm chart templates, NOTICE
	@$(call generate,.)

.PHONY: update-diagnosis
update-diagnosis: install-tools ## write docs/troubleshooting.md from failures in a real Kubernetes (needs root)
	@cd e2e && INITBOX_E2E_UPDATE=1 go test -count=1 -timeout 40m -run 'TestDiagnosis$$' ./kubernetes

.PHONY: test
test: lint test-full e2e test-demo test-bench size ## everything, as CI runs it (needs root)
	@echo "make test: all passed"

.PHONY: demo
demo: build ## see initbox hold back an application until its database and its API answer
	@go run ./examples/demo bin/initbox

.PHONY: bench
bench: build install-tools ## compare with what people use today: e2e/bench/RESULTS.md (25 min, needs root)
	@cd e2e && go run ./bench -initbox ../bin/initbox -out bench/RESULTS.md -quote ../README.md

##@ A Kubernetes of one node, to try things (needs root)

.PHONY: cluster-up
cluster-up: install-tools ## start it and print how kubectl and helm find it
	@cd e2e && go run ./cluster/cmd up

.PHONY: cluster-down
cluster-down: ## stop it, and remove what the clusters of killed tests left
	@cd e2e && go run ./cluster/cmd down

.PHONY: cluster-build
cluster-build: ## only build its programs, once, into your cache folder
	@cd e2e && go run ./cluster/cmd build

##@ Parts of check and test

.PHONY: lint
lint: build ## the checks that run no test
	@echo "lint:"
	$(call step,format: gofmt,test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run: gofmt -w .'; false; })
	$(call step,modules: go mod tidy,go mod tidy -diff && cd e2e && go mod tidy -diff)
	$(call step,vet,go vet -tags $(TAG) ./... && cd e2e && go vet ./...)
	$(call step,staticcheck,$(STATICCHECK) -tags $(TAG) ./... && cd e2e && $(STATICCHECK) ./...)
	$(call step,errcheck,$(ERRCHECK) -tags $(TAG) -exclude .ci/errcheck ./... && cd e2e && $(ERRCHECK) -exclude ../.ci/errcheck ./...)
	$(call step,misspell,$(GIT) ls-files -z ':!NOTICE' | xargs -0 $(MISSPELL) -error)
	$(call step,generated files are up to date,$(generated))
	$(call step,no test is left out of make test,$(unskipped))

.PHONY: test-short
test-short: ## the tests that need only Go, git and make, without the long ones
	@echo "tests:"
	$(call step,short tests,go test -short ./...)

.PHONY: test-full
test-full: install-tools ## all tests with the race detector, except those of make e2e
	@echo "tests:"
	$(call step,all tests with -race,CGO_ENABLED=1 go test -race -tags $(TAG) -timeout 30m ./... && cd e2e && CGO_ENABLED=1 go test -race -timeout 30m $$(go list ./... | grep -vE '/e2e/($(subst $(space),|,$(E2E)))(/|$$)'))

# Without -race: these test the image. In parallel: they mostly wait.
.PHONY: e2e
e2e: install-tools ## the image in Docker and in a real Kubernetes (needs root; 10 min more the first time)
	@echo "e2e:"
	$(foreach part,$(E2E),$(call step,$(part),cd e2e && go test -count=1 -parallel 4 -timeout 40m ./$(part)/...)$(newline))

# Not part of make test, which must not fail because of a random input. Every test run tries the inputs that fuzzing
# has found, which are in testdata.
.PHONY: fuzz
fuzz: ## run each fuzz target to find new inputs that break something
	$(call step,fuzz targets with $(FUZZTIME) inputs each,$(fuzz))

.PHONY: test-demo
test-demo: build ## the demo, which fails unless initbox keeps its promises
	$(call step,demo,go run ./examples/demo bin/initbox)

.PHONY: test-bench
test-bench: build install-tools ## the benchmarks in brief: every command must succeed, however long it takes
	$(call step,benchmarks in brief,cd e2e && go run ./bench -initbox ../bin/initbox -brief)

.PHONY: size
size: ## print what each task adds to the compressed binary; fails if the sum is over the budget
	@$(size)

.PHONY: install-tools
install-tools: ## install the missing Debian packages that tests and benchmarks need
	@need=; \
	echo 'int main(void) { return 0; }' | gcc -x c -o /dev/null - 2>/dev/null || need="$$need gcc libc6-dev"; \
	test -x /usr/bin/time || need="$$need time"; \
	command -v nc.openbsd >/dev/null || need="$$need netcat-openbsd"; \
	command -v busybox >/dev/null || need="$$need busybox-static"; \
	command -v rsync >/dev/null || need="$$need rsync"; \
	command -v setpriv >/dev/null || need="$$need util-linux"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || need="$$need postgresql"; \
	command -v mariadbd >/dev/null || test -x /usr/sbin/mariadbd || need="$$need mariadb-server"; \
	command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer || need="$$need pgbouncer"; \
	{ command -v dockerd >/dev/null || test -x /usr/sbin/dockerd; } && command -v docker >/dev/null || need="$$need docker.io"; \
	command -v openssl >/dev/null || need="$$need openssl"; \
	command -v containerd >/dev/null || need="$$need containerd"; \
	command -v runc >/dev/null || test -x /usr/sbin/runc || need="$$need runc"; \
	command -v etcd >/dev/null || need="$$need etcd-server"; \
	test -x /usr/lib/cni/ptp || test -x /opt/cni/bin/ptp || need="$$need containernetworking-plugins"; \
	command -v iptables >/dev/null || test -x /usr/sbin/iptables || need="$$need iptables"; \
	command -v ip >/dev/null || test -x /usr/sbin/ip || need="$$need iproute2"; \
	test -z "$$need" && exit 0; \
	command -v apt-get >/dev/null || { echo "please install:$$need (Debian's names; there is no apt-get here)" >&2; exit 1; }; \
	if [ "$$(id -u)" -ne 0 ]; then sudo=sudo; fi; \
	echo "installing$$need"; \
	$$sudo apt-get update -qq || exit; \
	case "$$need " in *" docker.io "*) ! apt-cache show docker-cli 2>/dev/null | grep -q . || need="$$need docker-cli" ;; esac; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$need >/dev/null

.PHONY: clean
clean: ## remove bin/
	@rm -rf bin

# The shell commands of the targets above.

# LICENSE is ours; this is what the binary links on linux, with the licences, which a module has at its root.
define notice
export LC_ALL=C && part() { echo; printf '=%.0s' $$(seq 80); printf '\n%s\n\n' "$$1"; shift; cat "$$@"; } && \
printf '%s\n' 'initbox' 'Copyright 2026 The initbox authors' '' \
	'initbox is licensed under the Apache License, Version 2.0: see LICENSE.' '' \
	'The binary links what follows, unchanged, each part under the licence below its name. To get the source of a' \
	'module: go mod download MODULE@VERSION. The source of the Go standard library comes with Go: https://go.dev.' && \
part 'The Go standard library' "$$(go env GOROOT)/LICENSE" && \
for arch in amd64 arm64; do \
	GOOS=linux GOARCH=$$arch go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/initbox; \
done | sort -u | while read -r path version dir; do \
	part "$$path $$version" "$$dir"/LICENSE* $$(ls "$$dir"/NOTICE* 2>/dev/null) || exit; \
done
endef

# Writes the pages, the schema, the chart templates and the licences below the folder $(1).
define generate
bin/initbox reference | sed -n '/^<!-- Written by/ { n; n; s/^# //p; }' | while read -r task; do \
	page=$(1)/tasks/$$(echo $$task | tr -d -)/README.md; \
	mkdir -p $$(dirname $$page) && bin/initbox reference --format=markdown $$task >$$page || exit 1; \
done && mkdir -p $(1)/examples/helm/initbox/templates && \
bin/initbox reference --format=helm >$(1)/examples/helm/initbox/templates/_tasks.tpl && \
bin/initbox reference --format=json-schema >$(1)/examples/plan.schema.json && \
{ $(notice); } >$(1)/NOTICE
endef

# Fails if "make update" would change anything.
define generated
new=$$(mktemp -d) && trap 'rm -rf $$new' EXIT && $(call generate,$$new) && \
for f in $$(cd $$new && find . -type f); do diff -u $$f $$new/$$f || stale=1; done; \
test -z "$$stale" || { echo 'run: make update'; false; }
endef

# A test that cannot run must fail: only -short may skip a test, and only our tag may leave out a file.
define unskipped
{ ! grep -rnE --include='*_test.go' '\.Skip(f|Now)?\(' . | grep -v -e '-short' || { echo 'let it fail instead (or say -short in its reason)'; false; }; } && \
{ ! grep -rn --include='*_test.go' '^//go:build ' . | grep -vx '[^:]*:1://go:build $(TAG)' || { echo 'make test builds no other tag'; false; }; }
endef

# go test fuzzes only one target of one package at a time.
define fuzz
grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' cmd internal tasks | while IFS=: read -r file _ func; do \
	go test -tags $(TAG) -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) || exit 1; \
done
endef

# Links the binary without any task, then with one more at a time, in the order of main.go. What tasks share, such as
# TLS or a database driver, counts for the first task that has it.
define size
dir=$$(mktemp -d) && trap 'rm -rf $$dir' EXIT && main=cmd/initbox/main.go && \
tasks=$$(sed -n 's/^\t\([a-z0-9]*\)\.Spec,$$/\1/p' $$main) && \
echo "{\"Replace\": {\"$$main\": \"$$dir/main.go\"}}" >$$dir/overlay && \
without() { sed -E "/^\t($$1)\.Spec,|\/tasks\/($$1)\"/d" $$main >$$dir/main.go && \
	$(GOBUILD) -overlay $$dir/overlay -o $$dir/initbox ./cmd/initbox && gzip -c $$dir/initbox | wc -c; } && \
rest=$$(echo $$tasks | tr ' ' '|') && sum=$$(without "$$rest") && \
printf '%-12s %8d bytes, compressed\n' 'no task' $$sum && \
for task in $$tasks; do \
	rest=$$(echo "$$rest" | sed 's/^[^|]*|*//') && size=$$(without "$${rest:--}") || exit; \
	printf '%-12s %8d\n' $$task $$((size - sum)); sum=$$size; \
done && \
printf '%-12s %8d of at most %d\n' together $$sum $(MAX_IMAGE) && \
{ test $$sum -le $(MAX_IMAGE) || { echo "$$((sum - $(MAX_IMAGE))) bytes too many" >&2; false; }; }
endef

# The binary of a commit has the same time, mode and owner wherever it is built, and so the same layer.
define binary
case $(ARCH) in amd64|arm64) ;; *) echo 'ARCH is amd64 or arm64, not $(ARCH)' >&2; exit 1 ;; esac && \
bin=bin/linux-$(ARCH)/initbox && \
SOURCE_DATE_EPOCH=$$($(GIT) log -1 --format=%ct 2>/dev/null || echo 0) && export SOURCE_DATE_EPOCH && \
GOOS=linux GOARCH=$(ARCH) $(GOBUILD) -o $$bin ./cmd/initbox && \
chmod 0755 $$bin && touch -d @$$SOURCE_DATE_EPOCH $$bin
endef

# The licences lie beside the binary, so that one COPY, which is one layer, takes all.
define image
$(binary) && \
install -m 0644 LICENSE NOTICE $$(dirname $$bin) && touch -r $$bin $$(dirname $$bin)/LICENSE $$(dirname $$bin)/NOTICE && \
BUILDX_NO_DEFAULT_ATTESTATIONS=1 $(DOCKER_BUILD) --platform linux/$(ARCH) -t $(IMAGE) --build-arg TARGETARCH=$(ARCH) \
	--build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' \
	--build-arg CREATED=$$(date -u -d @$$SOURCE_DATE_EPOCH +%Y-%m-%dT%H:%M:%SZ) . >/dev/null && \
docker save $(IMAGE) | (cd e2e && go run ./image/cmd size -ours $$(grep -c ^COPY ../Dockerfile) -max $(MAX_IMAGE))
endef
