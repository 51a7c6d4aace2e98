#!/usr/bin/env bash
# Installs what building (`build`), testing (`test`), testing of pages (`browser`), of images (`containers`), of job scripts
# (`cluster`) and of builds with modules (`prefix`), comparing with other programs (`bench`) and testing for another processor
# (`cross`) need beside Rust, and only what is missing.
# Where it may not install it says what is missing, for several kinds of system, and stops with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(build-essential pkg-config libopenmpi-dev openmpi-bin libhdf5-openmpi-dev hdf5-tools libclang-dev)
test_packages=(libhdf5-dev python3-h5py-serial python3-h5netcdf python3-netcdf4 python3-xarray python3-scipy octave netcdf-bin
    python3-nbconvert python3-ipykernel python3-matplotlib)
browser_packages=(chromium fonts-dejavu-core python3)
bench_packages=(python3-venv xmds2)
container_packages=(debootstrap squashfuse fuse3 uidmap mpich buildah shellcheck curl)
cluster_packages=(slurmctld slurmd slurm-client munge iproute2 procps shellcheck)
prefix_packages=(python3-venv)
cross_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)

main() {
    local wanted=() what apptainer=no
    for what in "${@:-build}"; do
        case $what in
            build) wanted+=("${build_packages[@]}") ;;
            test) wanted+=("${test_packages[@]}") ;;
            containers) wanted+=("${container_packages[@]}") apptainer=yes ;;
            cluster) wanted+=("${cluster_packages[@]}") ;;
            browser) wanted+=("${browser_packages[@]}") ;;
            prefix) wanted+=("${prefix_packages[@]}") ;;
            bench) wanted+=("${bench_packages[@]}") ;;
            cross) wanted+=("${cross_packages[@]}") ;;
            *) echo "usage: scripts/setup.sh [build] [test] [browser] [containers] [cluster] [prefix] [bench] [cross]" >&2; exit 2 ;;
        esac
    done
    if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
        debian "${wanted[@]}"
    elif ! tools_are_there; then
        tell "${wanted[@]}"
    fi
    [ $apptainer = no ] || scripts/apptainer.sh
    check_rust
}

# Debian and its relatives: install the missing ones, if we may.
debian() {
    local missing=() package sudo=()
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        # Ask for a password only where somebody can type it.
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            sudo=(sudo)
        elif tools_are_there; then
            echo "not installed as packages: ${missing[*]}; going on with the compilers and libraries found in PATH" >&2
            return 0
        else
            tell "${missing[@]}"
        fi
    fi
    echo "installing: ${missing[*]}"
    "${sudo[@]}" apt-get -qq update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# From modules, conda, or built by hand.
tools_are_there() {
    local tool
    for tool in cc pkg-config mpicc mpirun h5dump; do command -v "$tool" >/dev/null || return 1; done
}

tell() {
    cat >&2 <<END
Please install these (or ask who looks after this machine), then try again.
  Debian, Ubuntu:  apt-get install $*
  Fedora, RHEL:    dnf install gcc gcc-c++ make pkgconf-pkg-config openmpi-devel hdf5-openmpi-devel hdf5 clang-devel
                   (tests also: hdf5-devel python3-h5netcdf python3-netcdf4 python3-xarray), then: module load mpi/openmpi-x86_64
  conda:           compilers make pkg-config openmpi "hdf5=*=mpi_openmpi*" libclang (tests also: h5netcdf xarray)
  clusters:        module load a compiler, Open MPI, parallel HDF5 and LLVM, and
                   export HDF5_DIR=<prefix of HDF5> LIBCLANG_PATH=<directory of libclang.so>
                   (without LLVM: pip install libclang, and
                   export BINDGEN_EXTRA_CLANG_ARGS="-isystem \$(gcc -print-file-name=include)")
END
    exit 1
}

# Rust is not installed from here: distributions are too old, and everybody has a way of their own.
check_rust() {
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing: install rustup (see rust-lang.org) or load a module with Rust $needed or later" >&2
        exit 1
    fi
    found=$(cargo --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
        echo "Rust $found is too old, $needed or later is needed: rustup update stable, or another module" >&2
        exit 1
    fi
}

main "$@"
