#!/usr/bin/env bash
# Brings the MPI of this host into an image that has none of its own (MODEL=bind).
#
#   mpi-bind.sh IMAGE            says what will be bound, and from where
#   mpi-bind.sh --flags IMAGE    prints the flags for apptainer or singularity:
#
#     mpirun -n 4 singularity exec $(mpi-slurm/mpi-bind.sh --flags qsd.sif) qsd.sif qsd run ...
#
# The library of MPI, its plug-ins and all that they need are copied to one directory, which is bound at /host/lib: in their
# own directories there are too many others. Plug-ins and help texts are bound where the host has them, because MPI looks for
# them by name. The C library and its loader are the image's, unless the host's are later: then the host's are laid
# over them, because its MPI may need them, and programs of the image run under a later C library as well.
#
# The copy is kept for each pair of MPI and image in QSD_CACHE (default: ~/.cache/qsd), which all nodes must see.
# MPIRUN names the launcher whose MPI it is to be, if it is not mpirun.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=mpi-slurm/lib.sh
. "$here/lib.sh"

# Libraries that belong to one C library and its loader.
glibc='^(ld-linux.*|ld64|libc|libm|libmvec|libdl|libpthread|librt|libresolv|libutil|libnsl|libanl|libBrokenLocale|libthread_db|libc_malloc_debug|libnss_(compat|dns|files|hesiod|db))\.so'

main() {
    local flags=no
    if [ "${1:-}" = --flags ]; then
        flags=yes
        shift
    fi
    [ $# = 1 ] || fail "usage: mpi-bind.sh [--flags] IMAGE" 2
    image=$(readlink -f "$1")
    runtime=$(container_runtime)
    read_image "$image" "$runtime"
    if [ "$IMAGE_MODEL" = hybrid ]; then
        [ $flags = yes ] || echo "$1 has its own $(family_name "$IMAGE_FAMILY") $IMAGE_MPI: nothing has to be bound"
        return
    fi
    read_launcher
    check_family "$1"
    stage=$(stage_of)
    [ -e "$stage/flags" ] || make_stage
    if [ $flags = yes ]; then
        cat "$stage/flags"
    else
        cat "$stage/about"
    fi
}

check_family() {
    local wanted offered other=''
    wanted=$(family_name "$IMAGE_FAMILY")
    if [ -n "$LAUNCHER_FAMILY" ] && [ "$LAUNCHER_FAMILY" != "$IMAGE_FAMILY" ]; then
        offered="$(family_name "$LAUNCHER_FAMILY") $LAUNCHER_VERSION"
        ! command -v "mpirun.$IMAGE_FAMILY" >/dev/null || other=", here MPIRUN=mpirun.$IMAGE_FAMILY"
        fail "$1 is built for $wanted, and $MPI_LAUNCHER belongs to $offered: load a module of $wanted$other, \
or build an image with --build-arg MPI=$LAUNCHER_FAMILY"
    fi
    library=$(host_library "$IMAGE_SONAME")
    [ -n "$library" ] || fail "$1 needs $IMAGE_SONAME of $wanted, and this host has none: load its module, \
or build an image with MPI inside (--build-arg MODEL=hybrid)"
    library=$(readlink -f "$library")
}

# Where the copy is for this library and this image.
stage_of() {
    local cache=${QSD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/qsd} key
    key=$(
        {
            stat -L -c '%n %s %Y' "$image" "$library" "$0"
            host_glibc
            echo "$MPI_LAUNCHER ${LD_LIBRARY_PATH:-} ${OPAL_PREFIX:-}"
        } | sha256sum | cut -c1-16
    )
    echo "$cache/host-mpi/$key"
}

make_stage() {
    mkdir -p "$(dirname "$stage")"
    work=$(mktemp -d "$stage.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lib" "$work/glibc"
    list_image_libraries
    find_plugins
    copy_libraries
    write_flags
    write_about
    chmod -R u=rwX,go=rX "$work"
    # Of several that do this at once the first one wins.
    mv -T "$work" "$stage" 2>/dev/null || [ -e "$stage/flags" ] || fail "$stage cannot be made: set QSD_CACHE to a \
directory that you can write and all nodes see"
}

list_image_libraries() {
    local said
    # shellcheck disable=SC2046 # none, or one
    said=$("$runtime" exec $(container_flags) "$image" /sbin/ldconfig -p 2>&1) || fail "$runtime cannot start $image: $said"
    image_libraries=$(libraries_of_list <<<"$said")
    host_is_later=no
    if is_later "$(host_glibc)" "$IMAGE_GLIBC"; then host_is_later=yes; fi
}

# Sets `directories` (to be bound where they are) and `plugins` (files whose libraries are needed, too).
find_plugins() {
    directories=() plugins=()
    local directory
    if [ "$IMAGE_FAMILY" = openmpi ]; then
        for directory in $(openmpi_directories); do add_directory "$directory"; done
    fi
    # Libraries below MPI load plug-ins of their own, from a directory beside them.
    local name path
    while read -r name path; do
        path=$(dirname "$(readlink -f "$path")")
        case $name in
            libpmix.so*) add_directory "$path/pmix" ;;
            libucs.so*) add_directory "$path/ucx" ;;
            libfabric.so*) add_directory "$path/libfabric" ;;
            libibverbs.so*)
                add_directory "$path/libibverbs"
                add_directory /etc/libibverbs.d
                ;;
        esac
    done < <(needed_by "$library" "${plugins[@]}")
}

# Plug-ins, settings and help texts of Open MPI, in Debian's places or below one prefix.
openmpi_directories() {
    local info what prefix
    info=$(command -v "$(dirname "${MPI_LAUNCHER:-/usr/bin/mpirun}")/ompi_info" || command -v ompi_info || true)
    if [ -n "$info" ]; then
        for what in pkglibdir pkgdatadir sysconfdir; do
            "$info" --path $what | sed 's/^[^:]*: *//'
        done
    fi
    prefix=$(dirname "$(dirname "$library")")
    [ -n "$info" ] || echo "$prefix/lib/openmpi" "$prefix/share/openmpi"
    # Version 5 has parts that are installed, and give help, on their own.
    for what in "$prefix/share" /usr/share; do echo "$what/pmix" "$what/prte"; done
}

add_directory() {
    local known path
    path=$(readlink -f "$1") && [ -d "$path" ] || return 0
    # The settings of a system are not MPI's.
    case $path in /etc | /usr/etc | / | /usr) return 0 ;; esac
    for known in "${directories[@]}"; do
        [ "$known" != "$path" ] || return 0
    done
    directories+=("$path")
    mapfile -t -O ${#plugins[@]} plugins < <(find "$path" -name '*.so' -o -name '*.so.*')
}

# Names and paths of all libraries that these files load.
needed_by() {
    printf '%s\n' "$@" | xargs -r -n 16 -P 4 ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u
}

# Into lib/, the MPI library under the name that the image knows.
copy_libraries() {
    local name path
    cp -L "$library" "$work/lib/$IMAGE_SONAME"
    case $IMAGE_SONAME in
        libmpich.so.12) ln -s "$IMAGE_SONAME" "$work/lib/libmpi.so.12" ;;
        libmpi.so.12) ln -s "$IMAGE_SONAME" "$work/lib/libmpich.so.12" ;;
    esac
    while read -r name path; do
        if [[ $name =~ $glibc ]] || [ -e "$work/lib/$name" ]; then continue; fi
        # What both have is the image's, unless the host's is later.
        if [ $host_is_later = no ] && image_has "$name"; then continue; fi
        cp -L "$path" "$work/lib/$name"
    done < <(needed_by "$library" "${plugins[@]}")
    printf '%s\n' "${directories[@]}" >"$work/lib/expected"
}

image_has() {
    grep -q "^$1 " <<<"$image_libraries"
}

write_flags() {
    local binds=("$stage/lib:/host/lib:ro") directory name path host
    for directory in "${directories[@]}"; do
        binds+=("$directory:$directory:ro")
    done
    if [ $host_is_later = yes ]; then
        while read -r name path; do
            [[ $name =~ $glibc ]] || continue
            host=$(system_libraries | awk -v name="$name" '$1 == name && !seen++ { print $2 }')
            [ -n "$host" ] || continue
            cp -L "$host" "$work/glibc/$name"
            binds+=("$stage/glibc/$name:$path:ro")
        done <<<"$image_libraries"
    fi
    (
        IFS=,
        echo "--bind ${binds[*]}"
    ) >"$work/flags"
}

write_about() {
    {
        echo "MPI      $library ($(family_name "$IMAGE_FAMILY")${LAUNCHER_VERSION:+ $LAUNCHER_VERSION}), the image was built with $IMAGE_MPI"
        if [ $host_is_later = yes ]; then
            echo "glibc    $(host_glibc) of the host over $IMAGE_GLIBC of the image, which the host's MPI may not run with"
        else
            echo "glibc    $IMAGE_GLIBC of the image; the host's is $(host_glibc)"
        fi
        echo "at /host/lib   $(find "$work/lib" -name '*.so*' | wc -l) libraries, $(du -sh "$work/lib" | cut -f1), in $stage"
        for directory in "${directories[@]}"; do echo "as it is $directory"; done
    } >"$work/about"
}

main "$@"
