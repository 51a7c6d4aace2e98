#!/usr/bin/env bash
# qsd beside QuTiP, dynamiqs and XMDS2, with everything it takes: bench/peers/run.sh [--quick] (see compare.py).
# QSD_BENCH_BINARY names another binary than target/release/qsd.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v xmds2 >/dev/null; then
    scripts/setup.sh bench || true
    command -v xmds2 >/dev/null || echo "XMDS2 IS MISSING and could not be installed: the comparison goes on without it" >&2
fi
python=$(bench/environment.sh)
binary=${QSD_BENCH_BINARY:-target/release/qsd}
[ -x "$binary" ] || { echo "no $binary: make build" >&2; exit 1; }
exec "$python" bench/peers/compare.py "$@"
