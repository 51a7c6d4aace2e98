# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# What run.sh and mpi-bind.sh both ask: of an image, and of the MPI on this host.

fail() {
    echo "${0##*/}: $1" >&2
    exit "${2:-1}"
}

# Apptainer is the name of today's Singularity; either will do. RUNTIME names another.
container_runtime() {
    local runtime
    for runtime in "${RUNTIME:-}" apptainer singularity; do
        if [ -n "$runtime" ] && command -v "$runtime" >/dev/null; then
            echo "$runtime"
            return
        fi
    done
    fail "neither apptainer nor singularity is in PATH: load its module, or set RUNTIME to it"
}

# A root with less than all capabilities (in a virtual machine, in a container) may start images only as anybody may.
container_flags() {
    local mine all
    [ "$(id -u)" = 0 ] || return 0
    mine=$(sed -n 's/^CapPrm:\t*0*//p' /proc/self/status)
    all=$(printf '%x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
    [ "$mine" = "$all" ] || echo --userns
}

# Sets IMAGE_MODEL, IMAGE_FAMILY, IMAGE_SONAME, IMAGE_MPI and IMAGE_GLIBC from the labels of an image.
read_image() {
    local image=$1 runtime=$2 labels
    [ -e "$image" ] || fail "there is no image $image: make image builds one"
    labels=$("$runtime" inspect --labels "$image" 2>&1) || fail "$image cannot be read by $runtime: $labels"
    label() { sed -n "s/^$1: *//p" <<<"$labels"; }
    IMAGE_MODEL=$(label qsd.mpi.model)
    IMAGE_FAMILY=$(label qsd.mpi.family)
    IMAGE_SONAME=$(label qsd.mpi.soname)
    IMAGE_MPI=$(label qsd.mpi.version)
    IMAGE_GLIBC=$(label qsd.glibc)
    [ -n "$IMAGE_SONAME" ] || fail "$image has no label qsd.mpi.soname: it was not made with Singularity.def"
}

# Sets MPI_LAUNCHER (a path, or empty), LAUNCHER_FAMILY and LAUNCHER_VERSION. MPIRUN names another than mpirun.
read_launcher() {
    local said
    LAUNCHER_FAMILY='' LAUNCHER_VERSION=''
    if [ -n "${MPIRUN:-}" ] && ! command -v "$MPIRUN" >/dev/null; then fail "MPIRUN=$MPIRUN is not in PATH"; fi
    MPI_LAUNCHER=$(command -v "${MPIRUN:-mpirun}" || command -v mpiexec || true)
    [ -n "$MPI_LAUNCHER" ] || return 0
    said=$("$MPI_LAUNCHER" --version 2>&1 || true)
    case $said in
        *"Open MPI"* | *OpenRTE* | *PRRTE*) LAUNCHER_FAMILY=openmpi ;;
        *HYDRA* | *Intel* | *MPICH* | *mpich*) LAUNCHER_FAMILY=mpich ;;
    esac
    LAUNCHER_VERSION=$(grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' <<<"$said" | sed -n 1p)
}

# Of which family a library of this soname is.
family_of() {
    case $1 in
        libmpi.so.40 | libmpi.so.2?) echo openmpi ;;
        libmpi.so.12 | libmpich.so.*) echo mpich ;;
    esac
}

# As people write it.
family_name() {
    case $1 in
        openmpi) echo "Open MPI" ;;
        mpich) echo "MPICH" ;;
        *) echo "an unknown MPI" ;;
    esac
}

# The MPI library on this host that a program wants: beside the launcher, in LD_LIBRARY_PATH, or where the system has its
# libraries. The family of MPICH has one binary interface under two names.
host_library() {
    local soname=$1 names=("$1") directory name prefix found
    case $soname in
        libmpich.so.12) names+=(libmpi.so.12) ;;
        libmpi.so.12) names+=(libmpich.so.12) ;;
    esac
    local directories=()
    if [ -n "$MPI_LAUNCHER" ]; then
        prefix=$(dirname "$(dirname "$(readlink -f "$MPI_LAUNCHER")")")
        directories+=("$prefix/lib" "$prefix/lib64" "$prefix/lib/release")
    fi
    local IFS=:
    # shellcheck disable=SC2206 # a list
    directories+=(${LD_LIBRARY_PATH:-})
    for directory in "${directories[@]}"; do
        for name in "${names[@]}"; do
            if [ -n "$directory" ] && [ -e "$directory/$name" ]; then
                echo "$directory/$name"
                return
            fi
        done
    done
    for name in "${names[@]}"; do
        found=$(system_libraries | awk -v name="$name" '$1 == name && !seen++ { print $2 }')
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
}

# Names and paths of the libraries of this system, of the word length of bash.
# Readers of this read it to the end: a pipe that is closed early ends the script.
system_libraries() {
    { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | libraries_of_list
}

# The same out of what `ldconfig -p` prints.
libraries_of_list() {
    awk '/=>/ && ($0 !~ /\(libc6[^)]*\)/ || $0 ~ /\(libc6,(x86-64|AArch64|64bit)/) { print $1, $NF }'
}

host_glibc() {
    getconf GNU_LIBC_VERSION | cut -d' ' -f2
}

# Whether version $1 is later than $2.
is_later() {
    [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}
