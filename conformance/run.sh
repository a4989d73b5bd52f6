#!/usr/bin/env bash
# Runs the official conformance suite against the fixture server, for both eras, and fails unless all is green but what
# expected-failures-*.yaml names.
#
#   conformance/run.sh path/to/impresario-conformance
#
# The suite judges: with a list of expected failures it counts warnings as failures too, and an entry that passes as
# stale. This script only starts the server, and says afterwards what the suite keeps in its files.
set -euo pipefail

readonly SUITE=@modelcontextprotocol/conformance@0.2.0-alpha.12
readonly REVISIONS=(2026-07-28 2025-11-25)
readonly START_TIMEOUT_S=20
readonly SUITE_TIMEOUT_S=600

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
  echo "$*" >&2
  exit 2
}

# The suite needs Node 22; the package `node` brings one where the system's is older.
suite() {
  npm_config_loglevel=error timeout "$SUITE_TIMEOUT_S" npx --yes --package node@22 --package "$SUITE" -- conformance "$@"
}

[[ $# -eq 1 ]] || die "usage: $0 path/to/impresario-conformance"
[[ -x $1 ]] || die "$1 is no program that can be run: build it first, or name another path"

scratch=$(mktemp -d)
server=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

"$1" --http 127.0.0.1:0 2>"$scratch/server.log" &
server=$!
url=
for ((tenths = 0; tenths < START_TIMEOUT_S * 10; tenths++)); do
  url=$(sed -nE 's#.*listening on (http://[^ ]+/mcp).*#\1#p' "$scratch/server.log" | head -n 1)
  [[ -z $url ]] || break
  kill -0 "$server" 2>/dev/null || die "the server ended at once: $(cat "$scratch/server.log")"
  sleep 0.1
done
[[ -n $url ]] || die "no \`listening on http://…/mcp\` within $START_TIMEOUT_S s: $(cat "$scratch/server.log")"

# What each check of a run said: the suite prints only a count, and keeps the reasons in its results.
explain() {
  node - "$@" <<'JAVASCRIPT'
const { readdirSync, readFileSync } = require('node:fs');
const [results, listed, unscored] = process.argv.slice(2);
const expected = new Set(readFileSync(listed, 'utf8').match(/(?<=^ +- )\S+/gm));
const notScored = new Set(unscored.split(' '));
const bad = (check) => ['FAILURE', 'WARNING'].includes(check.status);
const why = (check) => `    ${check.status} ${check.id}: ${(check.errorMessage ?? check.description).slice(0, 600)}`;

const runs = readdirSync(results).map((folder) => ({
  scenario: /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(folder)[1],
  failing: JSON.parse(readFileSync(`${results}/${folder}/checks.json`, 'utf8')).filter(bad),
}));
const show = (title, chosen) => {
  if (chosen.length > 0) console.log(title);
  for (const { scenario, failing } of chosen) console.log([`  ${scenario}`, ...failing.map(why)].join('\n'));
};
const scored = runs.filter(({ scenario }) => !notScored.has(scenario));
const extra = runs.filter(({ scenario }) => notScored.has(scenario));
const names = (chosen) => chosen.map(({ scenario }) => scenario).join(', ') || 'none';
show('failing, and not expected to:', scored.filter((run) => run.failing.length > 0 && !expected.has(run.scenario)));
console.log(`not scored, passing: ${names(extra.filter((run) => run.failing.length === 0))}`);
console.log(`not scored, failing: ${names(extra.filter((run) => run.failing.length > 0))}`);
JAVASCRIPT
}

verdict=0
for revision in "${REVISIONS[@]}"; do
  echo "== $revision"
  baseline=$here/expected-failures-$revision.yaml
  results=$here/results/$revision
  rm -rf "$results"
  mkdir -p "$results"
  outcome=green
  suite server --url "$url" --requirements "$revision" --expected-failures "$baseline" --output-dir "$results" \
    >"$scratch/suite.log" 2>&1 || outcome=red
  sed -n '/^=== SUMMARY ===/,$p' "$scratch/suite.log"
  if ! grep -q '^=== SUMMARY ===' "$scratch/suite.log"; then
    tail -n 30 "$scratch/suite.log"
    die "the suite did not finish its run of $revision"
  fi
  unscored=$(suite list --requirements "$revision" | sed -nE 's/^ +- (.+) \[server\]$/\1/p' | tr '\n' ' ')
  explain "$results" "$baseline" "$unscored"
  echo "$revision is $outcome"
  [[ $outcome == green ]] || verdict=1
done

if ! kill -0 "$server" 2>/dev/null; then
  verdict=1
  echo "the server did not outlive the suite"
fi
((verdict == 0)) || { echo "the server's log ends:" && tail -n 20 "$scratch/server.log"; }
exit "$verdict"
