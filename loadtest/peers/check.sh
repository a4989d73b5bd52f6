#!/usr/bin/env bash
# Starts each peer that is built, asks it for every workload, verifies the answers, and stops it.
#   ./check.sh            every one
#   ./check.sh rmcp pmcp  those whose line below begins so
# Exits with 1 if one answers wrongly or is not built.
set -uo pipefail
cd "$(dirname "$0")"
bin=target/release

# name | era | command; the port is added
peers="
impresario-23|modern|$bin/peer-impresario-23
impresario-23-session|session|$bin/peer-impresario-23
hyper|fixed|$bin/peer-hyper
hyper-echo-id|fixed|$bin/peer-hyper --echo-id
actix-web|fixed|$bin/peer-actix-web
rmcp|modern|$bin/peer-rmcp
rmcp-session|session|$bin/peer-rmcp --sessions
rust-mcp-sdk|modern|$bin/peer-rust-mcp-sdk
turbomcp|modern|$bin/peer-turbomcp
pmcp|modern|$bin/peer-pmcp
tower-mcp|modern|$bin/peer-tower-mcp
python-sdk|modern|python/.venv/bin/python python/server.py
python-sdk-session|session|python/.venv/bin/python python/server.py --sessions
python-fastmcp|modern|python/.venv/bin/python python/server.py --library fastmcp
typescript-2|modern|node typescript/server.mjs
typescript-1|session|node typescript/server.mjs --sdk 1
"

is_wanted() {
    local name=$1
    shift
    [ $# -eq 0 ] && return 0
    for want in "$@"; do
        case $name in "$want"*) return 0 ;; esac
    done
    return 1
}

# Prints the URL that a peer says on standard error, once it does, and nothing if it ends before.
url_of() {
    local log=$1 pid=$2
    for _ in $(seq 300); do
        sed -n 's/^listening on //p' "$log" | grep -m 1 . && return
        kill -0 "$pid" 2>/dev/null || return
        sleep 0.1
    done
}

failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS='|' read -r name era command; do
    [ -n "$name" ] && is_wanted "$name" "$@" || continue
    # Words of the command are separated by spaces, on purpose.
    # shellcheck disable=SC2086
    $command --port 0 2>"$log" &
    pid=$!
    url=$(url_of "$log" "$pid")
    if [ -n "$url" ] && said=$(python3 check.py "$url" "$era" 2>&1); then
        printf 'right  %-22s %s\n' "$name" "$said"
    else
        printf 'wrong  %-22s %s\n' "$name" "$(printf '%s\n%s' "${said:-it does not start}" "$(cat "$log")" | tail -n 3 | tr '\n' ' ')"
        failed=1
    fi
    said=
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
done <<<"$peers"
exit $failed
