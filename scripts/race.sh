#!/usr/bin/env bash
# Runs all tests with the race detector but those that scripts/unraced leaves out.
#
# The detector's own runtime can break (ThreadSanitizer: CHECK failed, of itself):
# it ends the process, and says nothing about a test. A package that ended so, with
# no failed test and no race before, is run once more. Whatever failed is not.
#
# GORACE: each process under the detector sleeps for a second before it ends, and
# the tests of the commands start hundreds of them.
set -u
cd "$(dirname "$0")/.." || exit 1
go=${GO:-go}
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

raced() {
  GORACE=atexit_sleep_ms=20 CGO_ENABLED=1 "$go" test -race -vet=off -timeout 30m -tags headless -skip "$(scripts/named.sh only-without)" "$@"
}

set -o pipefail
raced ./... 2>&1 | tee "$out" && exit 0

# go test prints what a package said, and then its line.
broken=$(awk -F'\t' '
  /^ThreadSanitizer: CHECK failed/ { broke = 1 }
  /^ *--- FAIL|^WARNING: DATA RACE|^panic: |^fatal error: / { failed = 1 }
  /^(ok  |\?   |FAIL)\t/ {
    if ($1 == "FAIL" && broke && !failed) print $2
    else if ($1 == "FAIL") others = 1
    broke = failed = 0
  }
  END { exit others }' "$out") || exit 1
[ -n "$broken" ] || exit 1
# shellcheck disable=SC2086 # a word each
echo "race: the detector itself broke, not a test; once more:" $broken
# shellcheck disable=SC2086
raced $broken
