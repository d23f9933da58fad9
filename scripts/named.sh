#!/usr/bin/env bash
# Prints a pattern of the tests that scripts/unraced names: all of them (without), or
# those that never run with the race detector (only-without). With packages it prints
# where all of them are.
set -eu
cd "$(dirname "$0")/.."
case $1 in
without | packages) names=$(sed -n 's/^+\{0,1\}\(Test.*\)/\1/p' scripts/unraced) ;;
only-without) names=$(sed -n '/^Test/p' scripts/unraced) ;;
*) echo "named.sh without|only-without|packages" >&2; exit 2 ;;
esac
one=$(echo "$names" | sort -u | paste -sd'|')
if [ "$1" = packages ]; then
  grep -rlE --include='*_test.go' "^func ($one)\(" . | xargs -n1 dirname | sort -u
else
  echo "^($one)\$"
fi
