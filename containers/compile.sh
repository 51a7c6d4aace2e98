#!/bin/sh
# Build stage of an image: compiles both builds of the source tree in /src and collects what they need in /opt/qsd.
#
#   compile.sh openmpi|mpich REVISION PROFILE
#
# Of the libraries all are taken that the programs need, but neither MPI's, nor those that only MPI needs, nor the C
# library's: the linker is asked for them, so no release of Debian is named here. If /given has the two programs
# (qsd-mpi, qsd-serial), they are taken and nothing is compiled: they must come from the same system as this stage.
set -eu

family=$1
export QSD_REVISION="$2"
profile=$3
into=/opt/qsd
src=/src
target=/usr/local/target
given=/given
# Where the images called rust have their Rust; a machine's own is bound to the same place.
export RUSTUP_HOME="${RUSTUP_HOME:-/usr/local/rustup}" CARGO_HOME="${CARGO_HOME:-/usr/local/cargo}"
PATH=$CARGO_HOME/bin:$PATH

main() {
    sh $src/containers/tools.sh "$family"
    mkdir -p "$into/bin" "$into/libexec" "$into/lib" "$into/licences"
    if [ -e "$given/qsd-mpi" ]; then
        cp "$given/qsd-mpi" "$given/qsd-serial" "$into/libexec/"
    else
        compile
    fi
    strip "$into"/libexec/*
    cp /usr/bin/h5dump /usr/bin/h5diff /usr/bin/h5ls "$into/bin/"
    collect "$into"/libexec/* "$into"/bin/h5*
    cp "$src"/containers/qsd "$into/bin/qsd"
    cp "$src"/LICENSE-* "$into/licences/"
    chmod -R u=rwX,go=rX "$into"
    chmod 755 "$into"/bin/* "$into"/libexec/*
    facts >"$into/facts"
    cat "$into/facts"
}

# One after the other in one directory: most crates are the same for both.
compile() {
    hdf5=/usr/lib/$(gcc -print-multiarch)/hdf5
    case $profile in
        dev) built=$target/debug ;;
        *) built=$target/$profile ;;
    esac
    cd "$src"
    set -- cargo build --locked --bin qsd --profile "$profile" --target-dir "$target"
    HDF5_DIR=$hdf5/$family MPICC=mpicc.$family "$@"
    cp "$built/qsd" "$into/libexec/qsd-mpi"
    HDF5_DIR=$hdf5/serial "$@" --no-default-features
    cp "$built/qsd" "$into/libexec/qsd-serial"
}

# Copies the libraries that these programs need, and those that the libraries need, with their licences.
collect() {
    : >/tmp/seen
    while [ $# -gt 0 ]; do
        for name in $(needed "$1"); do
            grep -qxF "$name" /tmp/seen && continue
            echo "$name" >>/tmp/seen
            case $name in
                libmpi.so.* | libmpich.so.* | ld-linux* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | \
                    libresolv.so.* | libutil.so.*) continue ;;
            esac
            path=$(ldconfig -p | awk -v name="$name" '$1 == name && !seen++ { print $NF }')
            [ -n "$path" ] || { echo "nothing called $name, which $1 needs" >&2; exit 1; }
            cp -L "$path" "$into/lib/$name"
            licence "$path"
            set -- "$@" "$path"
        done
        shift
    done
}

needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

licence() {
    package=$(dpkg-query -S "$(readlink -f "$1")" 2>/dev/null || dpkg-query -S "*/${1##*/}" 2>/dev/null) || return 0
    package=${package%%:*}
    cp "/usr/share/doc/$package/copyright" "$into/licences/$package"
}

# What a launcher wants to know before it starts a thousand of these.
facts() {
    soname=$(needed "$into/libexec/qsd-mpi" | grep -E '^libmpi(ch)?\.so\.')
    echo "version=$("$into/libexec/qsd-serial" --version | cut -d' ' -f2)"
    echo "revision=$QSD_REVISION"
    echo "family=$family"
    echo "soname=$soname"
    echo "mpi=$(dpkg-query -W -f '${source:Upstream-Version}' "lib$family-dev")"
    echo "glibc=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"
}

main
