#!/usr/bin/env bash
# Runs every fuzz target for so many seconds: fuzz/run.sh 60
# Needs cargo-fuzz (cargo install cargo-fuzz) and a C++ compiler; installs nothing.
set -euo pipefail

seconds="${1:?how many seconds for each target?}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The sanitizers are unstable flags. This lets a stable toolchain take them, so that no nightly is needed.
export RUSTC_BOOTSTRAP=1

# With one codegen unit, as cargo-fuzz has it by itself, a build takes several times as long.
units=(--codegen-units 16)

cargo fuzz build "${units[@]}"
for target in $(cargo fuzz list); do
    # New findings go to the first folder; the seeds, which are kept in the repository, are only read.
    mkdir -p "fuzz/corpus/$target"
    echo "fuzzing $target for $seconds seconds"
    cargo fuzz run "${units[@]}" "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
done
