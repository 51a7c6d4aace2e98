#!/usr/bin/env bash
# Do the images work, on this host, from a bare machine on? Builds them from source for the Debians in SUITES, runs them beside the
# program of this host, and provokes what goes wrong on clusters.
#
#   tests/containers/run.sh [PART ...]      all parts, or some: build bits systems users messages docker publish readme cost
#
# Ends with a line as cargo's tests do. Needs root (debootstrap makes the Debians; no registry of images is asked),
# user namespaces and /dev/fuse; where these are missing it says so and tests nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/containers/lib.sh
. tests/containers/lib.sh

parts=(build bits systems users messages docker publish readme cost)
# What everything is compared with.
"$native" "${ensemble[@]}" -o "$work/native.h5" || exit 1
for part in "${@:-${parts[@]}}"; do
    began=$SECONDS
    echo "-- $part"
    # shellcheck source=/dev/null
    . "tests/containers/$part.sh"
    echo "-- $part: $((SECONDS - began)) s"
done
verdict=ok
[ "$failed" = 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; $skipped ignored; finished in ${SECONDS}s"
[ "$failed" = 0 ]
