# shellcheck shell=bash
# What the scripts that start a server and send clients to it have in common. Sourced, never run.

readonly START_TIMEOUT_S=20

conformance=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
  echo "$*" >&2
  exit 2
}

# program PATH: the program's path from anywhere; ends if it can't be run.
program() {
  [[ -x $1 ]] || die "$1 is no program that can be run: build it first, or name another path"
  echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
}

# python_env NAME: makes the virtual environment of clients/python/requirements-NAME.txt. One is good as long as it was
# made from the file that is there now.
python_env() {
  local venv=$conformance/.venv-$1 wanted=$conformance/clients/python/requirements-$1.txt
  if ! cmp -s "$wanted" "$venv/installed.txt"; then
    echo "installing the Python packages of $1"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install --requirement "$wanted"
    echo "*" >"$venv/.gitignore"
    cp "$wanted" "$venv/installed.txt"
  fi
}

# await_url LOG PROCESS: waits until a server has said in its log where it listens, and sets `url`.
await_url() {
  local log=$1 process=$2 tenths
  url=
  for ((tenths = 0; tenths < START_TIMEOUT_S * 10; tenths++)); do
    url=$(sed -nE 's#.*listening on (http://[^ ]+/mcp).*#\1#p' "$log" | head -n 1)
    [[ -z $url ]] || return 0
    kill -0 "$process" 2>/dev/null || die "the server ended at once: $(cat "$log")"
    sleep 0.1
  done
  die "no \`listening on http://…/mcp\` within $START_TIMEOUT_S s: $(cat "$log")"
}
