#!/usr/bin/env bash
# Runs every client that we did not write against one impresario, over HTTP and over stdio, and some over HTTP+SSE.
#
#   conformance/clients/run.sh path/to/impresario
#
# Installs what is missing (into folders that git ignores) and reuses what is there. VERBOSE=1 shows every check.
set -euo pipefail

readonly CLIENT_TIMEOUT_S=180

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venvs=$(dirname "$here")
# shellcheck source=conformance/common.sh
source "$venvs/common.sh"

[[ $# -eq 1 ]] || die "usage: $0 path/to/impresario"
impresario=$(program "$1")

node_packages() {
  local folder=$here/$1
  if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/installed.json"; then
    echo "installing the Node packages of $1"
    (cd "$folder" && npm ci --silent --no-audit --no-fund)
    cp "$folder/package-lock.json" "$folder/node_modules/installed.json"
  fi
}

for client in mcp mcp-1.9.4 fastmcp; do python_env "$client"; done
for client in typescript inspector; do node_packages "$client"; done
"$here/inspector/node_modules/.bin/node" --version >/dev/null ||
  die "the package node did not unpack: allow its install script, then remove inspector/node_modules"
cargo build --quiet --locked --manifest-path "$here/rust/Cargo.toml" --target-dir "$here/rust/target"

scratch=$(mktemp -d)
server=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

"$impresario" serve --http 127.0.0.1:0 --sse 2>"$scratch/server.log" &
server=$!
await_url "$scratch/server.log" "$server"

passed=0
failed=0

# One process for one client over one transport; its last line says how many checks held.
run_client() {
  local name=$1 transport=$2 started=$SECONDS tally
  shift 2
  local target=("--http" "$url")
  case $transport in
    sse) target=("--sse" "${url%/mcp}/sse") ;;
    stdio) target=("--stdio" "$impresario serve --stdio") ;;
  esac
  timeout "$CLIENT_TIMEOUT_S" "$@" "${target[@]}" >"$scratch/out" 2>"$scratch/err" || true
  tally=$(tail -n 1 "$scratch/out")
  if [[ ! $tally =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    tally="0 passed, 1 failed"
    echo "FAIL  $name $transport: it ended without a tally" >>"$scratch/out"
  fi
  [[ $tally =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]
  passed=$((passed + BASH_REMATCH[1]))
  failed=$((failed + BASH_REMATCH[2]))
  echo "$name $transport: $tally ($((SECONDS - started)) s)"
  if [[ -n ${VERBOSE:-} ]]; then
    grep '^ok' "$scratch/out" || true
  fi
  if ((BASH_REMATCH[2] > 0)); then
    grep '^FAIL' "$scratch/out"
    tail -n 15 "$scratch/err"
  fi
}

for transport in http stdio; do
  run_client "mcp" "$transport" "$venvs/.venv-mcp/bin/python" "$here/python/client_mcp.py"
  run_client "mcp 1.9.4" "$transport" "$venvs/.venv-mcp-1.9.4/bin/python" "$here/python/client_mcp_1_9.py"
  run_client "fastmcp" "$transport" "$venvs/.venv-fastmcp/bin/python" "$here/python/client_fastmcp.py"
  run_client "@modelcontextprotocol/sdk" "$transport" node "$here/typescript/client-v1.mjs"
  run_client "@modelcontextprotocol/client" "$transport" node "$here/typescript/client-v2.mjs"
  run_client "inspector" "$transport" node "$here/inspector/check.mjs"
  run_client "rmcp" "$transport" "$here/rust/target/debug/rmcp-client"
done

# The transport of 2024-11-05, with whatever revision its clients agree on.
run_client "mcp" sse "$venvs/.venv-mcp/bin/python" "$here/python/client_mcp.py"
run_client "mcp 1.9.4" sse "$venvs/.venv-mcp-1.9.4/bin/python" "$here/python/client_mcp_1_9.py"
run_client "@modelcontextprotocol/sdk" sse node "$here/typescript/client-v1.mjs"
run_client "@modelcontextprotocol/client" sse node "$here/typescript/client-v2.mjs"

if ! kill -0 "$server" 2>/dev/null; then
  failed=$((failed + 1))
  echo "FAIL  the server did not outlive its clients"
fi
((failed == 0)) || { echo "the server's log ends:" && tail -n 20 "$scratch/server.log"; }
echo "$passed passed, $failed failed"
((failed == 0))
