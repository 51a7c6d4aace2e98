# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# What the parts share: claims that are checked and counted, the images, and runs to compare.

# Debians of the images: as old as this host, and those in SUITES.
here=bookworm
read -r -a suites <<<"${SUITES:-$here}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qsd
images=$cache/test-images
native=${QSD:-$PWD/${CARGO_TARGET_DIR:-target}/release/qsd}
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
# The same for an image that is a command.
if [ -n "$(container_flags)" ]; then export APPTAINER_USERNS=1 SINGULARITY_USERNS=1; fi

# claim CLAIM COMMAND...: the command succeeds.
claim() {
    local text=$1
    shift
    local code=0
    "$@" >"$said" 2>&1 || code=$?
    if [ $code = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $text"
    else
        failed=$((failed + 1))
        echo "FAILED  $text: exit code $code of: $*"
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
    tr -s '\n ' '  ' <"$said.inner" | found -F -- "$expected" || {
        echo "it did not say: $expected"
        return 1
    }
}

# As grep -q, but it reads to the end: whoever writes into a pipe that is closed fails.
found() {
    grep "$@" >/dev/null
}

# skip CLAIM WHY: loudly.
skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED $1: $2" >&2
}

# same FILE FILE: the same bits but for what may differ, see README.md, "Promises".
same() {
    local differ=(--exclude-path /cpu_time --exclude-path /mpi_rank --exclude-path /runs --exclude-path /provenance)
    # h5diff leaves out the attributes of whole objects: `history` is one of the root, and the users of a scale, which it
    # follows to what may differ, are one of `trajectory`.
    differ+=(--exclude-attribute / --exclude-attribute /trajectory)
    h5diff -c "${differ[@]}" "$1" "$2" >"$work/diff"
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

# image NAME [ARGUMENT ...]: made if it is older than what it is made of. Passes if it says of which revision it is.
image() {
    local file=$images/$1.sif
    shift
    if ! [ -e "$file" ] || [ -n "$(find Singularity.def Cargo.toml Cargo.lock build.rs src containers -newer "$file" -print -quit)" ]; then
        scripts/image.sh "$file" PROFILE=draft "$@" && [ "$(revision_of "$file")" = "$(scripts/revision.sh)" ]
    fi
}

# The programs of the first image, for those that need no compilation of their own; prints where they are.
programs() {
    mkdir -p "$work/given"
    "${singularity[@]}" "$images/$here.sif" sh -c "cp /opt/qsd/libexec/* '$work/given'"
    echo "$work/given"
}

revision_of() {
    singularity inspect --labels "$1" | sed -n 's/^org.opencontainers.image.revision: //p'
}

# Whether the program of this host has a command.
knows() {
    "$native" --help | found -E "^  $1 "
}
