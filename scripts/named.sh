#!/usr/bin/env bash
# Prints a pattern of the tests that scripts/unraced names: all of them (without), or
# those that never run with the race detector (only-without).
set -eu
cd "$(dirname "$0")"
case $1 in
without) names=$(sed -n 's/^+\{0,1\}\(Test.*\)/\1/p' unraced) ;;
only-without) names=$(sed -n '/^Test/p' unraced) ;;
*) echo "named.sh without|only-without" >&2; exit 2 ;;
esac
echo "^($(echo "$names" | sort -u | paste -sd'|'))\$"
