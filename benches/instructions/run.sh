#!/usr/bin/env bash
# Instructions per request, by callgrind: bash benches/instructions/run.sh [show|check|record|profile] [SUBJECT…]
#
# Builds the server as it is shipped, with line tables for profiles, and counts. `check` fails where a figure is more
# than 5 % above the stored one (baseline.json), `record` stores today's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v valgrind >/dev/null; then
  echo "valgrind is missing; apt-get install valgrind" >&2
  exit 2
fi
cargo build --profile profiling --package impresario-benches --bin instructions
RUSTC_VERSION=$(rustc --version)
export RUSTC_VERSION
exec "${CARGO_TARGET_DIR:-target}/profiling/instructions" "${@:-show}"
