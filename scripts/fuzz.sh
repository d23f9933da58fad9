#!/usr/bin/env bash
# Fuzzes every target of the tree in turn, goes on after a finding, says at the
# end what each did, and fails when one found something. What was found stands in
# testdata/fuzz of its package: commit it with its mend.
# usage: fuzz.sh TIME [TARGET...]   TIME each, as go test -fuzztime has it; all targets when none is named
# FUZZFLAGS are more flags of go test, such as -parallel=1.
set -u
time=${1:?usage: fuzz.sh TIME [TARGET...]}
shift
cd "$(dirname "$0")/.." || exit 1
go=${GO:-go}
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

summary=()
failed=0 ran=0
while IFS=: read -r file target; do
  if [ $# -gt 0 ] && [[ " $* " != *" $target "* ]]; then continue; fi
  package=./$(dirname "$file")
  echo "== $package $target"
  # shellcheck disable=SC2086 # several flags
  if CGO_ENABLED=0 "$go" test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5s -timeout 0 ${FUZZFLAGS:-} >"$out" 2>&1 </dev/null; then
    result="ok"
  else
    result="FAILED" failed=$((failed + 1))
    cat "$out"
  fi
  ran=$((ran + 1))
  # The last line of progress has the executions and the new interesting ones.
  summary+=("$(printf '%-7s %-28s %-46s %s' "$result" "$package" "$target" \
    "$(grep -o 'execs: [0-9]*.*' "$out" | tail -n 1 | sed 's/ ([^)]*\/sec)//')")")
done < <(grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|^\./||; s|:func |:|' | sort)

if [ $ran = 0 ]; then
  echo "fuzz: no such target: $*" >&2
  exit 1
fi
echo
printf '%s\n' "${summary[@]}"
echo "fuzz: $ran targets for $time each, $failed with a finding"
[ $failed = 0 ]
