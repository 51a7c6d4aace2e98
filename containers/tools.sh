#!/bin/sh
# Compilers, MPI and both kinds of HDF5 for the build stage of an image: what is missing of them.
#
#   tools.sh openmpi|mpich ...
set -eu

packages="build-essential pkg-config libclang-dev hdf5-tools libhdf5-dev"
for family; do
    packages="$packages lib$family-dev libhdf5-$family-dev"
done
# shellcheck disable=SC2086 # a list
if [ "$(dpkg-query -W -f '${db:Status-Abbrev}\n' $packages 2>/dev/null | grep -c '^ii')" != "$(echo $packages | wc -w)" ]; then
    export DEBIAN_FRONTEND=noninteractive
    # In a user namespace of one user apt-get has no other to become.
    apt-get -qq -o APT::Sandbox::User=root update
    apt-get -qq -o APT::Sandbox::User=root -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends $packages >/dev/null
fi
