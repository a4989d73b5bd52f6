#!/usr/bin/env bash
# Runs the official conformance suite against the fixture server: what each revision requires, every other scenario that
# concerns servers in every revision that it exists in, and every extension's. Fails unless all of it passes.
#
#   conformance/run.sh path/to/impresario-conformance
#
# The names of scenarios and revisions come from the suite's own list. judge.mjs reads what the suite has written about
# each check: its exit code alone says too little, for it counts a scenario that skipped everything as passed.
set -euo pipefail

readonly SUITE=@modelcontextprotocol/conformance@0.2.0-alpha.12
# The revisions whose requirements the suite has frozen.
readonly REQUIREMENTS=(2025-11-25 2026-07-28)
readonly SUITE_TIMEOUT_S=600

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly RESULTS=$here/results

# shellcheck source=conformance/common.sh
source "$here/common.sh"

# The suite needs Node 22; the package `node` brings one where the system's is older.
suite() {
  npm_config_loglevel=error timeout "$SUITE_TIMEOUT_S" npx --yes --package node@22 --package "$SUITE" -- conformance "$@"
}

[[ $# -eq 1 ]] || die "usage: $0 path/to/impresario-conformance"
fixture=$(program "$1")

scratch=$(mktemp -d)
server=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

"$fixture" --http 127.0.0.1:0 --skills "$here/assets/skills" 2>"$scratch/server.log" &
server=$!
await_url "$scratch/server.log" "$server"

# run NAME ARGUMENT…: one run of the suite, into a folder of its own. Its exit code is told by judge.mjs's reading, but a
# run that wrote nothing is one that did not take place.
run() {
  local name=$1 results=$RESULTS/$1
  shift
  mkdir -p "$results"
  local before after
  before=$(find "$results" -name checks.json | wc -l)
  suite server --url "$url" "$@" --output-dir "$results" >"$scratch/suite.log" 2>&1 || true
  after=$(find "$results" -name checks.json | wc -l)
  if ((after == before)); then
    tail -n 30 "$scratch/suite.log"
    die "the suite wrote no results for: $name ($*)"
  fi
}

rm -rf "$RESULTS"
suite list >"$scratch/list" || die "the suite does not list its scenarios"
sed '/^Client scenarios/,$d' "$scratch/list" >"$scratch/servers"

for revision in "${REQUIREMENTS[@]}"; do
  run "required-$revision" --requirements "$revision"
done
for revision in $(grep -oE '[0-9]{4}-[0-9]{2}-[0-9]{2}' "$scratch/servers" | sort -u); do
  run "$revision" --suite all --spec-version "$revision"
done
for scenario in $(sed -nE 's/^ +- (.+) \[extension\]$/\1/p' "$scratch/servers"); do
  run extension --scenario "$scenario"
done

verdict=0
node "$here/judge.mjs" "$RESULTS" "$scratch/list" || verdict=1
if ! kill -0 "$server" 2>/dev/null; then
  verdict=1
  echo "the server did not outlive the suite"
fi
((verdict == 0)) || { echo "the server's log ends:" && tail -n 20 "$scratch/server.log"; }
exit "$verdict"
