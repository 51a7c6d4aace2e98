# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# What the parts share: claims that are checked and counted, the images, and runs to compare.

# The newest host in the list is this one; the images are older, as old and newer.
suites=(bullseye bookworm trixie)
here=bookworm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qsd
images=$cache/test-images
native=$PWD/${CARGO_TARGET_DIR:-target}/release/qsd
run_sh=$PWD/mpi-slurm/run.sh
mpi_bind=$PWD/mpi-slurm/mpi-bind.sh
ensemble=(run kerr_qubit --ntraj 40 --duration 0.4 --quiet)

passed=0 failed=0 skipped=0
work=$(mktemp -d /tmp/qsd-containers.XXXXXX)
trap 'rm -rf "$work"' EXIT
said=$work/said
chmod 755 "$work"
mkdir -p "$images"
export QSD_CACHE=$work/cache

set -a
# shellcheck source=/dev/null # variables only
. scripts/mpi.env
set +a
# The images have to know this by themselves.
unset OMPI_MCA_btl_vader_single_copy_mechanism

lacking=()
[ "$(id -u)" = 0 ] || lacking+=("root")
unshare --user true 2>/dev/null || lacking+=("user namespaces")
[ -c /dev/fuse ] || lacking+=("/dev/fuse")
if [ ${#lacking[@]} -gt 0 ]; then
    echo "SKIPPED: nothing about containers was tested, this machine has no $(IFS=, && echo "${lacking[*]}")" >&2
    echo "test result: ok. 0 passed; 0 failed; 1 ignored"
    exit 0
fi
# shellcheck source=mpi-slurm/lib.sh
. mpi-slurm/lib.sh
# shellcheck disable=SC2207 # none, or one
singularity=(singularity --quiet exec $(container_flags))

# claim CLAIM COMMAND...: the command succeeds.
claim() {
    local text=$1
    shift
    if "$@" >"$said" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $text"
    else
        failed=$((failed + 1))
        echo "FAILED  $text: exit code $? of: $*"
        tail -n 15 "$said" | sed 's/^/        /'
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
    # Lines may be broken by who wrote them.
    tr -s '\n ' '  ' <"$said.inner" | grep -qF -- "$expected" || {
        echo "it did not say: $expected"
        return 1
    }
}

# skip CLAIM WHY: loudly.
skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED $1: $2" >&2
}

# same FILE FILE: the same bits but for what may differ, see README.md, "Promises".
same() {
    local differ=(--exclude-path /cpu_time --exclude-path /mpi_rank --exclude-path /runs --exclude-path /provenance)
    h5diff -r -c "${differ[@]}" --exclude-attribute /history "$1" "$2" >"$work/diff"
    local code=$?
    cat "$work/diff"
    [ $code = 0 ] && ! grep -q 'not comparable' "$work/diff"
}

# gives_the_bits CLAIM COMMAND...: the ensemble run by this command is that of the host's program on one rank.
gives_the_bits() {
    local text=$1
    shift
    rm -f "$work/out.h5"
    claim "$text" ran_alike "$@"
}

ran_alike() {
    "$@" "${ensemble[@]}" -o "$work/out.h5" && same "$work/native.h5" "$work/out.h5"
}

# image NAME [ARGUMENT ...]: made if it is older than what it is made of.
image() {
    local file=$images/$1.sif
    shift
    if ! [ -e "$file" ] || [ -n "$(find Singularity.def Cargo.toml Cargo.lock build.rs src containers -newer "$file" -print -quit)" ]; then
        scripts/image.sh "$file" PROFILE=dev "$@"
    fi
}
