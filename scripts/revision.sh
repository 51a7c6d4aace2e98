#!/usr/bin/env bash
# Prints the revision of the source in this checkout, with +dirty if it was changed since; `unknown` outside git.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files --error-unmatch Cargo.toml >/dev/null 2>&1 || { echo unknown && exit; }
echo "$(git rev-parse HEAD)$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo +dirty)"
