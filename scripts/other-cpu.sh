#!/usr/bin/env bash
# Kernel and noise give the same bits on aarch64 as here: builds tests/elsewhere for both, runs the one for aarch64 under
# qemu, and compares digests. `scripts/setup.sh cross` installs what it needs (Debian and its relatives).
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
crate=(--release --locked --manifest-path tests/elsewhere/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/elsewhere")
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"

digests=$(cargo run --quiet "${crate[@]}"; cargo run --quiet "${crate[@]}" --target "$target")
echo "$digests"
grep -q aarch64 <<<"$digests" || { echo "nothing ran on aarch64" >&2; exit 1; }
if [ "$(cut -d' ' -f1 <<<"$digests" | sort -u | wc -l)" != 1 ]; then
    echo "the paths give different bits" >&2
    exit 1
fi
