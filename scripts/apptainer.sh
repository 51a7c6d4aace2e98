#!/usr/bin/env bash
# Installs Apptainer (today's name of Singularity) where it is missing, and only there.
# Debian 12 and 13 have no package of it. Debian's unstable has one, but it wants a newer C library than theirs: here it is
# packed again with that library beside it, seen by Apptainer alone, so that apt-get can install and remove it as usual.
# The result is kept in the cache directory; the mirror is the one that apt already uses on this machine.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/qsd/apptainer
suite=sid
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
libraries=(libc6 libseccomp2 libsqlite3-0 zlib1g)
place=usr/lib/apptainer-libc

main() {
    if command -v apptainer >/dev/null || command -v singularity >/dev/null; then return 0; fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then tell; fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    if apt-get -qq install -y --no-install-recommends apptainer squashfuse fuse3 2>/dev/null; then return 0; fi
    if ! [ -e "$keyring" ] || [ "$(dpkg --print-architecture)" != amd64 ]; then tell; fi
    mkdir -p "$cache"
    local package
    package=$(find "$cache" -name 'apptainer_*.deb' | sort -V | tail -n 1)
    [ -n "$package" ] || package=$(repack)
    echo "installing: $package"
    apt-get -qq install -y --no-install-recommends "$package" squashfuse fuse3
    apptainer --version
}

# A package for this Debian out of unstable's; prints where it is.
repack() {
    local work mirror file part
    apt-get -qq install -y --no-install-recommends patchelf >&2
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    mirror=$(debian_mirror)
    mkdir -p "$work"/{lists/partial,archives/partial,sources.d,tree}
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
    # A list of our own, so that nothing else on this machine hears of unstable. Its index may be older than apt likes
    # where a mirror lags behind; signatures are checked all the same.
    local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=$work/sources.d"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User=root
        -o Acquire::Check-Valid-Until=false)
    "${apt[@]}" update >&2
    (cd "$work" && "${apt[@]}" download apptainer "${libraries[@]}") >&2
    dpkg-deb -R "$work"/apptainer_*.deb "$work/tree"
    mkdir -p "$work/tree/$place"
    for part in "${libraries[@]}"; do
        dpkg-deb -x "$work/$part"_*.deb "$work/$part"
        find "$work/$part" -name '*.so*' ! -type d ! -path '*/gconv/*' ! -path '*/audit/*' -exec cp -L {} "$work/tree/$place" \;
    done
    # RPATH and not RUNPATH: it must hold for what these libraries need, too.
    for file in "$work"/tree/usr/bin/apptainer "$work"/tree/usr/lib/*/apptainer/bin/starter; do
        patchelf --set-interpreter "/$place/ld-linux-x86-64.so.2" --force-rpath --set-rpath "/$place" "$file"
    done
    # What it depended on is inside now.
    sed -i -E '/^Depends:/ { s/lib(c6|seccomp2|sqlite3-0|zlib1g) \([^)]*\)//g; s/containernetworking-plugins//; s/(, *)+/, /g; s/, *$//; s/: *,/:/ }' \
        "$work/tree/DEBIAN/control"
    sed -i -E '/^(Static-)?Built-Using:/d; /^Version:/ s/$/+own.libc/' "$work/tree/DEBIAN/control"
    rm -f "$work/tree/DEBIAN/md5sums"
    file="$cache/apptainer_$(sed -n 's/^Version: //p' "$work/tree/DEBIAN/control")_amd64.deb"
    dpkg-deb -Zxz -z1 -b "$work/tree" "$work/new.deb" >&2
    mv "$work/new.deb" "$file"
    echo "$file"
}

debian_mirror() {
    local mirror
    # No `head` on a pipe: apt-get would die of it, and this script with it.
    # shellcheck disable=SC2016 # apt-get expands it, not the shell
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null)
    mirror=${mirror%%$'\n'*}
    [ -n "$mirror" ] || tell
    echo "$mirror"
}

tell() {
    cat >&2 <<'END'
Please install Apptainer (or Singularity), then try again.
  Fedora, RHEL (EPEL):  dnf install apptainer
  Ubuntu:               its PPA, see apptainer.org
  Debian 12, 13:        run this script as root
  clusters:             module load apptainer, or ask who looks after the machine
END
    exit 1
}

main
