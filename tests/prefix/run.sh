#!/usr/bin/env bash
# Does qsd build and run where nothing may be installed? Lays out Open MPI and HDF5 below prefixes of their own, as modules of a
# cluster do, takes libclang from PyPI, hides the system's (and apt), and builds and runs with variables only.
#
#   tests/prefix/run.sh
#
# Ends with a line as cargo's tests do. Needs root for a mount namespace, and a Debian to take Open MPI and HDF5 from; elsewhere it says
# so and tests nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

libclang=libclang==18.1.1
target=$(readlink -f "${CARGO_TARGET_DIR:-target}")
native=${QSD:-$target/release/qsd}

lacking=()
[ "$(id -u)" = 0 ] || lacking+=("no root")
unshare --mount true 2>/dev/null || lacking+=("no namespaces")
command -v dpkg-query >/dev/null || lacking+=("no packages of Debian")
if [ ${#lacking[@]} = 0 ]; then
    unshare --mount --propagation private bash -c 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w &&
        mount -t overlay overlay -o lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w /usr' 2>/dev/null || lacking+=("no overlays")
fi
if [ ${#lacking[@]} -gt 0 ]; then
    echo "SKIPPED: nothing about prefixes was tested, this machine has $(printf '%s, ' "${lacking[@]}" | sed 's/, $//')" >&2
    echo "test result: ok. 0 passed; 0 failed; 1 ignored"
    exit 0
fi

# Once outside, and once in a namespace for mounts, with which all that is hidden comes back.
if [ -z "${QSD_ROOM:-}" ]; then
    QSD_ROOM=$(mktemp -d) || exit 1
    export QSD_ROOM
    unshare --mount --propagation private "$0"
    code=$?
    rm -rf "$QSD_ROOM"
    exit $code
fi

# shellcheck source=tests/claims.sh
. tests/claims.sh

prefix=$QSD_ROOM/apps
mpi_packages=(libopenmpi3 libopenmpi-dev openmpi-bin openmpi-common)

# packaged NAME...: files and links of packages whose names match.
packaged() {
    local name
    for name in "$@"; do
        dpkg-query --show --showformat '${db:Status-Status} ${binary:Package}\n' "$name" 2>/dev/null
    done | sed -n 's/^installed //p' | sort -u | xargs -r dpkg-query --listfiles | grep '^/usr/' |
        while read -r file; do { [ -d "$file" ] && [ ! -L "$file" ]; } || echo "$file"; done
}

# Copies, so that nothing of the originals is needed once they are gone.
lay_out() {
    mkdir -p "$prefix/openmpi" "$prefix/hdf5/include" "$prefix/hdf5/lib" "$prefix/hdf5/bin"
    packaged "${mpi_packages[@]}" | grep -v /share/doc/ | sed 's|^/usr/||' |
        tar --create --directory /usr --files-from - | tar --extract --directory "$prefix/openmpi" || return 1
    local tool libraries
    for tool in mpicc mpirun; do ln -sf $tool.openmpi "$prefix/openmpi/bin/$tool"; done
    # Debian has MPI's HDF5 under names of its own, everybody else has these.
    libraries=$(dirname "$(readlink -f "$(ldconfig -p | awk '/libhdf5_openmpi.so.[0-9]* / { print $NF; exit }')")")
    cp -L /usr/include/hdf5/openmpi/*.h "$prefix/hdf5/include/" && cp -a "$libraries"/libhdf5_openmpi.so.* "$libraries"/libhdf5_openmpi_hl.so.* \
        "$libraries"/libhdf5_serial.so.* "$libraries"/libhdf5_serial_hl.so.* "$prefix/hdf5/lib/" && cp -L "$(command -v h5dump)" "$(command -v h5diff)" "$prefix/hdf5/bin/" || return 1
    (cd "$prefix/hdf5/lib" && ln -s libhdf5_openmpi.so.[0-9]*.*.* libhdf5.so && ln -s libhdf5_openmpi_hl.so.[0-9]*.*.* libhdf5_hl.so) || return 1
    # This one is the user's own, in a home.
    python3 -m venv "$QSD_ROOM/clang" && "$QSD_ROOM/clang/bin/pip" --quiet --disable-pip-version-check install $libclang
}

# All that was copied, the other libraries of the same kind, and the means to install any.
hide() {
    mkdir "$QSD_ROOM/hidden" && mount -t tmpfs tmpfs "$QSD_ROOM/hidden" && mkdir "$QSD_ROOM/hidden/u" "$QSD_ROOM/hidden/w" || return 1
    packaged "${mpi_packages[@]}" '*hdf5*' '*mpich*' '*clang*' '*llvm*' >"$QSD_ROOM/files"
    mount -t overlay overlay -o "lowerdir=/usr,upperdir=$QSD_ROOM/hidden/u,workdir=$QSD_ROOM/hidden/w" /usr || return 1
    xargs -d '\n' rm -f <"$QSD_ROOM/files"
    rm -f /usr/bin/apt /usr/bin/apt-get /usr/bin/dpkg /usr/bin/dpkg-query
    hash -r
}

is_hidden() {
    local tool
    for tool in mpicc mpirun mpiexec h5dump h5cc clang llvm-config apt-get dpkg-query; do
        if command -v $tool; then return 1; fi
    done
    ! find /usr/lib /usr/include \( -name 'libmpi*.so*' -o -name 'libhdf5*.so*' -o -name 'libclang*.so*' -o -name mpi.h -o -name hdf5.h \) \
        ! -xtype l | grep . && ! "$native" --version
}

# What `module load` does, and what README.md asks a user for.
load_modules() {
    local mpi=$prefix/openmpi multiarch
    multiarch=$(cc -print-multiarch)
    export PATH=$mpi/bin:$prefix/hdf5/bin:$PATH OPAL_PREFIX=$mpi LD_LIBRARY_PATH=$mpi/lib/$multiarch:$prefix/hdf5/lib
    export HDF5_DIR=$prefix/hdf5
    LIBCLANG_PATH=$(dirname "$QSD_ROOM"/clang/lib/python3*/site-packages/clang/native/libclang.so)
    BINDGEN_EXTRA_CLANG_ARGS="-isystem $(cc -print-file-name=include)"
    export LIBCLANG_PATH BINDGEN_EXTRA_CLANG_ARGS
}

# What does not know of libraries may be of an earlier build.
builds() {
    local made=(--profile draft --target-dir "$target/prefix")
    cargo clean --quiet "${made[@]}" -p mpi-sys -p hdf5-metno-sys -p qsd 2>/dev/null
    cargo build --locked "${made[@]}"
}

is_linked_below() {
    ldd "$qsd" | tee /dev/stderr | grep -E 'lib(mpi|hdf5)' | awk -v below="$prefix/" 'index($3, below) != 1 { exit 1 } END { exit NR < 2 }'
}

four_ranks() {
    QSD=$qsd mpi-slurm/run.sh -n 4 --print -- "${short[@]}" | grep -F " $prefix/openmpi/bin/mpirun " || return 1
    QSD=$qsd mpi-slurm/run.sh -n 4 -- "${short[@]}" --json -o "$QSD_ROOM/prefix.h5" | grep '"ranks": 4' || return 1
}

set -a
# shellcheck source=/dev/null # variables only
. scripts/mpi.env
set +a
qsd=$target/prefix/draft/qsd
short=(run kerr_qubit --ntraj 40 --duration 0.4 --quiet)
"$native" "${short[@]}" -o "$QSD_ROOM/native.h5" || exit 1
claim "Open MPI, HDF5 and PyPI's libclang, each below a directory of its own" lay_out
hide || { echo "the system's libraries cannot be hidden" >&2 && exit 1; }
claim "the system has none of them, and no apt" is_hidden
refused "setup.sh says which modules are missing" "export HDF5_DIR=" scripts/setup.sh build
load_modules
claim "with the modules it has nothing to say" scripts/setup.sh build
claim "it builds" builds
claim "its libraries are those of the prefixes" is_linked_below
claim "run.sh starts four ranks by the mpirun of the prefix" four_ranks
claim "the results have the bits of the system's own build" same "$QSD_ROOM/native.h5" "$QSD_ROOM/prefix.h5"
conclude
