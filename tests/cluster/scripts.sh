# shellcheck shell=bash
# What can be said without running them.

# shellcheck disable=SC2046 # names without blanks
clean() {
    (cd "$project" && shellcheck $(git ls-files | grep -E '\.(sh|sbatch)$') .ci/run)
}
if command -v shellcheck >/dev/null; then
    claim "shellcheck has nothing to say" clean
else
    skip "shellcheck" "it is not installed (scripts/setup.sh cluster)"
fi
