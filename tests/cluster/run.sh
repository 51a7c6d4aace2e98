#!/usr/bin/env bash
# Do the job scripts work? Brings up a Slurm of three hosts on this one, each with a network, processes and a /tmp of its own,
# and has an ordinary user submit jobs that lose their time, their ranks, their cables and their hosts.
#
#   tests/cluster/run.sh [PART ...]      all parts, or some: scripts start wall lost pieces submit image; and cost
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

# Twice: outside to make the namespaces, in which everything ends that is started there, and inside.
if [ -z "${QSD_ROOM:-}" ]; then
    room=${CARGO_TARGET_DIR:-target}/cluster
    mkdir -p "$room"
    exec 9>"$room.lock"
    flock --nonblock 9 || { echo "another run of these tests is under way ($room.lock)" >&2 && exit 1; }
    rm -rf "$room" && mkdir "$room"
    # However this process ends, that one ends, and with its namespaces all that is in them.
    QSD_ROOM=$(readlink -f "$room") setpriv --pdeathsig KILL unshare --mount --net --pid --uts --ipc --fork --kill-child \
        --mount-proc --propagation private "$0" "$@" &
    inside=$!
    trap 'kill -KILL $inside 2>/dev/null' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    wait $inside
    code=$?
    trap - EXIT
    [ $code != 0 ] || rm -rf "$room"
    exit $code
fi

# shellcheck source=tests/cluster/room.sh
. tests/cluster/room.sh
# shellcheck source=tests/cluster/claims.sh
. tests/cluster/claims.sh
# shellcheck source=tests/cluster/jobs.sh
. tests/cluster/jobs.sh

parts=(scripts start wall lost pieces submit image)
began=$SECONDS
raise_cluster "$QSD_ROOM" || { tail -n 20 $shared/log/*; exit 1; }
move_in
echo "-- ${#hosts[@]} hosts and a reference: $((SECONDS - began)) s"
for part in "${@:-${parts[@]}}"; do
    began=$SECONDS
    echo "-- $part"
    # shellcheck source=/dev/null
    . "$project/tests/cluster/$part.sh"
    echo "-- $part: $((SECONDS - began)) s"
done
verdict=ok
[ "$failed" = 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; $skipped ignored; finished in ${SECONDS}s"
[ "$failed" = 0 ]
