#!/usr/bin/env bash
# Runs what README.md tells people to type: every ```sh block whose line before says <!-- tested -->,
# in order, in one shell, in a fresh directory. Stops at the first command that fails.
# `scripts/readme-commands.sh FILE` does the same for another page; `--list FILE` only prints them. MARK names other words than
# `tested`, IN a directory that has what the commands need.
set -euo pipefail
cd "$(dirname "$0")/.."

list=no
if [ "${1:-}" = --list ]; then list=yes; shift; fi
page=${1:-README.md}

mark=${MARK:-tested}
commands=$(awk -v mark="<!-- $mark -->" '
    /^```/ && inside { inside = 0; print ""; next }
    inside           { sub(/^\$ /, ""); print }
    /^```sh/ && marked { inside = 1 }
    { marked = index($0, mark) }
' "$page")
[ -n "$commands" ] || { echo "$page has no \`\`\`sh block after a line with <!-- $mark -->" >&2; exit 1; }
[ $list = no ] || { printf '%s\n' "$commands"; exit 0; }

set -a
. scripts/mpi.env
set +a
PATH=$(realpath "${CARGO_TARGET_DIR:-target}")/release:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "${IN:-$scratch}" && bash -euxo pipefail -c "$commands")
echo "the commands of $page work"
