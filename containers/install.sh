#!/bin/sh
# Last stage of an image: what is left to do when /opt/qsd has come from the build stage.
#
#   install.sh bind|hybrid
#
# bind: MPI is the host's. hybrid: MPI is in the image, too, for laptops and clouds.
set -eu

model=$1
here=/opt/qsd
# shellcheck source=/dev/null # version, revision, family, soname, mpi, glibc
. $here/facts

# Clusters bind these, and without an overlay a folder must be there to be bound on.
mkdir -p /data /db /work /scratch /scratch_storage /share/PI /local-scratch /host/lib

case $model in
    bind) ;;
    hybrid)
        case ${family:?} in
            openmpi) package=openmpi-bin ;;
            *) package=$family ;;
        esac
        # In a user namespace of one user apt-get has no other to become.
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq -o APT::Sandbox::User=root update
        apt-get -qq -o APT::Sandbox::User=root -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends "$package" >/dev/null
        ;;
    *) echo "MODEL=$model: it is bind or hybrid" >&2; exit 1 ;;
esac

# What the system has, it has once.
for library in "$here"/lib/*; do
    if ldconfig -p | awk -v name="${library##*/}" '$1 == name { found = 1 } END { exit !found }'; then
        rm "$library"
    fi
done
echo $here/lib >/etc/ld.so.conf.d/qsd.conf
ldconfig

echo "model=$model" >>$here/facts

# Nobody installs anything in a finished image.
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* /usr/share/man/* /usr/share/locale/* /usr/share/info/*
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type d -empty -delete
