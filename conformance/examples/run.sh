#!/usr/bin/env bash
# Starts every config file of examples/ as a new user would, and does with the Python SDK what NAME.json beside this
# script lists: over HTTP and over stdio.
#
#   conformance/examples/run.sh path/to/impresario [NAME…]
#
# Everything happens in a copy of examples/, so that what an example writes is gone afterwards.
set -euo pipefail

readonly EXAMPLE_TIMEOUT_S=120

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=conformance/common.sh
source "$here/../common.sh"

[[ $# -ge 1 ]] || die "usage: $0 path/to/impresario [NAME…]"
impresario=$(program "$1")
shift
python_env mcp

root=$(cd "$here/../.." && pwd)
names=("$@")
if ((${#names[@]} == 0)); then
  for file in "$root"/examples/*.toml; do names+=("$(basename "$file" .toml)"); done
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0
for name in "${names[@]}"; do
  for transport in http stdio; do
    copy=$scratch/$name-$transport
    cp -R "$root/examples" "$copy"
    if ! [[ -f $here/$name.json ]]; then
      echo "FAIL  $name: write conformance/examples/$name.json: what a client does with examples/$name.toml"
      failed=$((failed + 1))
      break
    fi
    timeout "$EXAMPLE_TIMEOUT_S" "$conformance/.venv-mcp/bin/python" "$here/run.py" \
      "$transport" "$impresario" "$copy/$name.toml" "$here/$name.json" "$root" >"$scratch/out" 2>"$scratch/err" || true
    tally=$(tail -n 1 "$scratch/out")
    if [[ ! $tally =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
      echo "FAIL  $name $transport: it ended without a tally" >>"$scratch/out"
      tally="0 passed, 1 failed"
    fi
    [[ $tally =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    echo "$name $transport: $tally"
    if [[ -n ${VERBOSE:-} ]]; then grep '^ok' "$scratch/out" || true; fi
    if ((BASH_REMATCH[2] > 0)); then
      grep '^FAIL' "$scratch/out"
      tail -n 20 "$scratch/err"
    fi
  done
done
echo "$passed passed, $failed failed"
((failed == 0))
