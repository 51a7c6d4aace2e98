#!/usr/bin/env bash
# Builds an image for Apptainer and leaves its checksum beside it:
#
#   scripts/image.sh FILE.sif [RECIPE.def] [NAME=VALUE ...]
#
# RECIPE is Singularity.def if none is named; the values are for its %arguments, MODEL=hybrid for instance.
#
# BASE=SUITE makes the Debian it starts from by scripts/base.sh and takes this machine's Rust, where no registry of images can
# be reached. Of the sources of crates, those that cargo has fetched before are used then.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=mpi-slurm/lib.sh
. mpi-slurm/lib.sh

file=${1:?usage: scripts/image.sh FILE.sif [RECIPE.def] [NAME=VALUE ...]}
shift
recipe=Singularity.def
case ${1:-} in *.def) recipe=$1 && shift ;; esac

main() {
    local runtime flags=() argument
    runtime=$(container_runtime)
    if [ "$recipe" = Singularity.def ]; then
        flags+=(--build-arg "REVISION=$(scripts/revision.sh)")
        if [ -n "${BASE:-}" ]; then on_base; fi
    fi
    for argument in "$@"; do flags+=(--build-arg "$argument"); done
    # A namespace for running images has one user; what is built has several.
    "${as_root[@]}" env -u APPTAINER_USERNS -u SINGULARITY_USERNS "$runtime" build --force "${flags[@]}" "$file.part" "$recipe"
    mv "$file.part" "$file"
    # With the bare name, so that `sha256sum -c` works wherever the two are taken together.
    (cd "$(dirname "$file")" && sha256sum "$(basename "$file")") >"$file.sha256"
    ls -lh "$file"
    cat "$file.sha256"
}

# A Debian made here and the Rust of this machine, at the places where the images called rust have theirs.
on_base() {
    local directories small tools rustup cargo
    directories=$(scripts/base.sh "$BASE")
    read -r small tools <<<"$directories"
    rustup=${RUSTUP_HOME:-$HOME/.rustup} cargo=${CARGO_HOME:-$HOME/.cargo}
    cargo fetch --locked --quiet
    flags+=(--build-arg BOOTSTRAP=localimage --build-arg "FROM=$small" --build-arg "BUILD_FROM=$tools")
    flags+=(--bind "$rustup:/usr/local/rustup:ro" --bind "$cargo:/usr/local/cargo:ro")
    if [ -n "${IMAGE_TARGET:-}" ]; then
        mkdir -p "$IMAGE_TARGET"
        flags+=(--bind "$IMAGE_TARGET:/usr/local/target")
    fi
}

# A root with less than all capabilities may build only in a user namespace of its own, in which it is root with all of them.
as_root=()
if [ -n "$(container_flags)" ]; then as_root=(scripts/as-root.sh); fi

main "$@"
