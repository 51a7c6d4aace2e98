#!/usr/bin/env bash
# Do the job scripts work? Brings up a Slurm of three hosts on this one, each with a network, processes and a /tmp of its own,
# and has an ordinary user submit jobs that lose their time, their ranks, their cables and their hosts.
#
#   tests/cluster/run.sh [PART ...]      all parts, side by side, or some: scripts start submit wall pieces sweep image killed
#                                        lost; and cost
#
# Ends with a line as cargo's tests do. Needs root for the namespaces; where they are not allowed it says so and tests nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

lacking=()
[ "$(id -u)" = 0 ] || lacking+=("no root")
unshare --mount --net --pid --uts --ipc --fork true 2>/dev/null || lacking+=("no namespaces")
for tool in slurmctld slurmd sbatch munged ip; do
    command -v $tool >/dev/null || lacking+=("no $tool (scripts/setup.sh cluster)")
done
if [ ${#lacking[@]} -gt 0 ]; then
    echo "SKIPPED: nothing about Slurm was tested, this machine has $(printf '%s, ' "${lacking[@]}" | sed 's/, $//')" >&2
    echo "test result: ok. 0 passed; 0 failed; 1 ignored"
    exit 0
fi

# shellcheck source=tests/claims.sh
. tests/claims.sh
# shellcheck source=tests/cluster/references.sh
. tests/cluster/references.sh

# Outside: what runs are compared with, and namespaces, one for each room, in which everything ends that is started there.
if [ -z "${QSD_ROOM:-}" ]; then
    # Parts wait more than they compute, so several rooms are there at once; each has a Slurm of its own.
    rooms=("killed start" "lost" "wall submit" "scripts pieces sweep image")
    [ $# = 0 ] || rooms=("$*")
    place=${CARGO_TARGET_DIR:-target}/cluster
    mkdir -p "$place"
    exec 9>"$place.lock"
    flock --nonblock 9 || { echo "another run of these tests is under way ($place.lock)" >&2 && exit 1; }
    rm -rf "$place" && mkdir "$place" && place=$(readlink -f "$place")
    run_references "$place" || exit 1
    inside=()
    trap 'kill -KILL "${inside[@]}" 2>/dev/null' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # enter ROOM: begins to test its parts.
    enter() {
        local home=$place/${1// /-}
        rm -rf "$home" && mkdir "$home"
        # However this process ends, that one ends, and with its namespaces all that is in them.
        # shellcheck disable=SC2086 # names of parts
        QSD_ROOM=$home setpriv --pdeathsig KILL unshare --mount --net --pid --uts --ipc --fork --kill-child \
            --mount-proc --propagation private "$0" $1 >"$home.out" 2>&1 9>&- &
        inside+=($!)
    }
    for room in "${rooms[@]}"; do enter "$room"; done
    again=()
    for room in "${rooms[@]}"; do
        lost=FAILED
        wait "${inside[0]}" || if [ -e "$place/${room// /-}/crashed" ]; then again+=("$room") lost=LOST; else failed_rooms=yes; fi
        inside=("${inside[@]:1}")
        sed "/^test result:/d; s/^FAILED/$lost/" "$place/${room// /-}.out"
    done
    for room in "${again[@]}"; do
        echo "-- $room: Open MPI crashed in MPI_Init (see mpi-slurm/README.md), which says nothing of qsd: once more"
        enter "$room"
        wait "${inside[0]}" || failed_rooms=yes
        inside=()
        grep -v '^test result:' "$place/${room// /-}.out"
    done
    trap - EXIT
    sum_up "$place"/*.out && [ -z "${failed_rooms:-}" ] || exit 1
    rm -rf "$place"
    exit 0
fi

# shellcheck source=tests/cluster/room.sh
. tests/cluster/room.sh
# shellcheck source=tests/cluster/jobs.sh
. tests/cluster/jobs.sh

# A rank died of a segmentation fault while others were about to make their first connection to it: no line of ours runs then.
openmpi_crashed() {
    local outputs
    mapfile -t outputs < <(grep -rlF --include='*.out' 'failed to TCP connect to a peer' "$home")
    [ ${#outputs[@]} -gt 0 ] && grep -qF 'Segmentation fault' "${outputs[@]}"
}

began=$SECONDS
raise_cluster || { tail -n 20 $shared/log/*; exit 1; }
move_in
echo "-- ${#hosts[@]} hosts: $((SECONDS - began)) s"
for part in "$@"; do
    began=$SECONDS
    echo "-- $part"
    # shellcheck source=/dev/null
    . "$project/tests/cluster/$part.sh"
    echo "-- $part: $((SECONDS - began)) s"
done
conclude || {
    # What is in memory is gone with this process.
    cp -r $shared/log "$QSD_ROOM"
    openmpi_crashed && touch "$QSD_ROOM/crashed"
    find "$home" -name 'core*' -size +1M -exec cp {} "$QSD_ROOM" \;
    exit 1
}
