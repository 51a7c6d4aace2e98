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
    # await ROOM: until it is left; sets `crashed`.
    await() {
        local home=$place/${1// /-} word=FAILED code=0
        wait "${inside[0]}" || code=$?
        inside=("${inside[@]:1}")
        crashed=no
        if [ $code != 0 ] && [ -e "$home/crashed" ]; then
            crashed=yes word=LOST
        elif [ $code != 0 ]; then
            failed_rooms=yes
        fi
        sed "/^test result:/d; s/^FAILED/$word/" "$home.out"
    }
    again=()
    for room in "${rooms[@]}"; do
        await "$room"
        [ "$crashed" = no ] || again+=("$room")
    done
    for room in "${again[@]}"; do
        for attempt in second third; do
            echo "-- $room: a rank crashed, as Open MPI does in MPI_Init now and then (see mpi-slurm/README.md): $attempt attempt"
            enter "$room"
            await "$room"
            [ "$crashed" = yes ] || break
        done
        [ "$crashed" = no ] || failed_rooms=yes
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

# A rank died of a segmentation fault: on a busy machine Open MPI 4.1.4 does that now and then in MPI_Init. One of ours would come again.
openmpi_crashed() {
    grep -rqE --include='*.out' 'Segmentation fault|on signal 11' "$home"
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
    mkdir "$QSD_ROOM/outputs" && find "$home" -name '*.out' -exec cp {} "$QSD_ROOM/outputs" \;
    openmpi_crashed && touch "$QSD_ROOM/crashed"
    find "$home" -name 'core*' -size +1M -exec cp {} "$QSD_ROOM" \;
    exit 1
}
