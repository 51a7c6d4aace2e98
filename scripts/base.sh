#!/usr/bin/env bash
# A Debian to make images from where no registry can be reached, by debootstrap from the mirror that apt already uses:
#
#   scripts/base.sh SUITE        prints two directories: SUITE, small, and SUITE with compilers
#
# They are kept in the cache directory. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${1:?usage: scripts/base.sh SUITE, for instance bookworm}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qsd/bases
small=$cache/$suite
tools=$cache/$suite-build
# Half-made ones have another name.
part=$cache/part.$$
trap 'rm -rf "$part"' EXIT

main() {
    mkdir -p "$cache"
    [ -d "$small" ] || make_small
    [ -d "$tools" ] || make_tools
    echo "$small $tools"
}

make_small() {
    local mirror
    # shellcheck disable=SC2016 # apt-get expands it, not the shell
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null)
    mirror=${mirror%%$'\n'*}
    [ -n "$mirror" ] || { echo "the apt configuration of this machine names no mirror of Debian" >&2; exit 1; }
    debootstrap --variant=minbase "$suite" "$part" "$mirror" >"$part.log" 2>&1 || { tail -n 5 "$part.log" >&2; exit 1; }
    # Where the build stage has its Rust and what it compiles (containers/compile.sh). What is bound there is bound in all stages.
    mkdir -p "$part/usr/local/rustup" "$part/usr/local/cargo" "$part/usr/local/target"
    # Nobody but the true root may make devices, and a build may be in a user namespace.
    find "$part/dev" -mindepth 1 \( -type b -o -type c \) -delete
    rm -rf "$part"/var/cache/apt/archives/*.deb "$part/usr/share/man" "$part.log"
    mv "$part" "$small"
}

make_tools() {
    cp -a "$small" "$part"
    cp containers/tools.sh "$part/tools.sh"
    # Packages want a /dev/null; in a mount namespace of its own nothing has to be undone.
    unshare --mount sh -c "mount --rbind /dev '$part/dev' && exec chroot '$part' sh /tools.sh openmpi mpich" >&2
    rm -rf "$part/tools.sh" "$part"/var/cache/apt/archives/*.deb "$part"/var/lib/apt/lists/*
    mv "$part" "$tools"
}

main
