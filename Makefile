# Two commands do everything on a fresh Debian machine with Go:
#   make demo   the main job on the embedded sandbox
#   make test   everything
# Both install the Debian packages they need, and say so.

GO ?= go
FUZZTIME ?= 1h

.NOTPARALLEL:
.PHONY: demo test setup build build-headless build-window lint screenshots fmt torture fuzz bench bench-window clean

# With a display the window opens on the sandbox's account; without one the
# demo tells each step in a line, and needs nothing but Go. The setup is rehearsed
# with bin/traymail demo --setup, see docs/first-run.md.
demo:
ifneq ($(DISPLAY)$(WAYLAND_DISPLAY),)
	scripts/setup.sh window
	$(MAKE) build-window
	bin/traymail demo
else
	$(MAKE) build-headless
	bin/traymail-headless demo --headless
endif

setup:
	scripts/setup.sh test

build: build-window build-headless

build-window:
	CGO_ENABLED=1 $(GO) build -o bin/traymail ./cmd/traymail

build-headless:
	CGO_ENABLED=0 $(GO) build -o bin/traymail-headless ./cmd/traymail

# The race detector runs on everything but what scripts/unraced names, and that runs
# without it. The window's driver is left out of it, whose C code takes minutes to
# build once more: the window is tested as a program, as it was built. lint vets.
test: setup lint build
	CGO_ENABLED=0 $(GO) test -vet=off -timeout 20m -run "$$(scripts/named.sh without)" $$(scripts/named.sh packages)
	GO="$(GO)" scripts/race.sh

# The program is killed (SIGKILL) at random moments while it takes and delivers
# messages, as often as KILLS says: nothing that was acknowledged may be missing,
# and what arrives twice has to be marked. make test does it a hundred times.
# On PostgreSQL two machines are killed a tenth as often.
KILLS ?= 1000

torture:
	CGO_ENABLED=0 $(GO) test ./cmd/traymail -run TestKillsAtRandomUnderLoad -count=1 -v -timeout 6h -kills $(KILLS)

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run: make fmt"; exit 1; }
	$(GO) mod tidy -diff
	CGO_ENABLED=1 $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin $(GO) vet ./...
	CGO_ENABLED=0 $(GO) tool staticcheck ./...

# The pictures of README and docs, taken of the real window.
screenshots: setup build-window
	CGO_ENABLED=0 $(GO) test ./cmd/traymail -run TestWindowLooks -count=1 -screenshots $(CURDIR)/docs/images

fmt:
	gofmt -w $$(git ls-files '*.go')

# Every parser that meets the outside, each for FUZZTIME: some fifty targets, so
# two days as it stands. A finding ends its own target alone.
fuzz:
	GO="$(GO)" scripts/fuzz.sh $(FUZZTIME)

# traymail and Postfix in turn in front of a server that counts, and a table of
# medians with the ratios; all rounds take about half an hour. It starts Postfix,
# and so wants root. PEERS is the folder of the measuring tools, which are no part
# of this repository. QUEUED=0 leaves out the long queue, which takes minutes and
# 3 GB of disk; ONLY='25 MB|far' measures only what matches; WRITE=docs/performance.md
# has the table written there too. In the folder DISK, which must not be in memory,
# are the queues.
PEERS ?= ../shared/bench
ROUNDS ?= 3
QUEUED ?= 1000000
ONLY ?=
WRITE ?=
DISK ?= /var/tmp

bench: setup build
	CGO_ENABLED=0 $(GO) build -o bin/bench ./bench/beside
	bin/bench -peers "$(PEERS)" -rounds $(ROUNDS) -queued $(QUEUED) -only "$(ONLY)" -write "$(WRITE)" -dir "$(DISK)"

# The window as it was built: first frame, memory, what it costs while nobody
# looks, frames of a long list. They are this machine's, at this moment.
bench-window: setup build-window
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchtime 1x ./bench/window

clean:
	rm -rf bin
