# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# Claims that are checked and counted. QSD_ROOM is a directory for what commands say; after a claim that failed `tidy_up` is called,
# if there is one.

passed=0 failed=0 skipped=0
said=${QSD_ROOM:-}/said

# claim CLAIM COMMAND...: the command succeeds. `log` may name the output of a job, which is shown if it fails.
claim() {
    local text=$1
    shift
    local code=0 began=$SECONDS
    "$@" >"$said" 2>&1 || code=$?
    if [ $code = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $text ($((SECONDS - began)) s)"
    else
        failed=$((failed + 1))
        echo "FAILED  $text: exit code $code of: $*"
        tail -n 25 "$said" | sed 's/^/        /'
        [ -z "${log:-}" ] || tail -n 25 "$log" 2>&1 | sed 's/^/        /'
        ! declare -F tidy_up >/dev/null || tidy_up
    fi
}

# refused CLAIM TEXT COMMAND...: the command fails, and says this.
refused() {
    local text=$1 expected=$2
    shift 2
    claim "$text" fails_with "$expected" "$@"
}

fails_with() {
    local expected=$1
    shift
    if "$@" >"$said.inner" 2>&1; then
        cat "$said.inner"
        echo "it did not fail"
        return 1
    fi
    cat "$said.inner"
    says "$expected" "$said.inner"
}

# says TEXT FILE: it is in there, wherever lines are broken.
says() {
    tr -s '\n ' '  ' <"$2" | grep -qF -- "$1" || {
        cat "$2"
        echo "it does not say: $1"
        return 1
    }
}

# skip CLAIM WHY: loudly.
skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED $1: $2" >&2
}

# same FILE FILE [FLAGS OF h5diff]: the same bits but for what may differ, see README.md, "Promises".
same() {
    local differ=(--exclude-path /cpu_time --exclude-path /mpi_rank --exclude-path /runs --exclude-path /provenance)
    # h5diff leaves out the attributes of whole objects: `history` is one of the root, and the users of a scale, which it
    # follows to what may differ, are one of `trajectory`.
    differ+=(--exclude-attribute / --exclude-attribute /trajectory)
    h5diff -c "${differ[@]}" "${@:3}" "$1" "$2" >"$said.diff"
    local code=$?
    cat "$said.diff"
    [ $code = 0 ] && ! grep -q 'not comparable' "$said.diff"
}

# The last line, as cargo's tests have it, and the exit code.
conclude() {
    local verdict=ok
    [ "$failed" = 0 ] || verdict=FAILED
    echo "test result: $verdict. $passed passed; $failed failed; $skipped ignored; finished in ${SECONDS}s"
    [ "$failed" = 0 ]
}

# sum_up LOG...: the same of several. One without a last line did not come to its end.
sum_up() {
    local log counts
    for log in "$@"; do
        counts=$(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$log")
        # shellcheck disable=SC2086 # three numbers
        set -- ${counts:-0 1 0}
        passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    done
    conclude
}
