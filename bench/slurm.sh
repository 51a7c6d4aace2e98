#!/usr/bin/env bash
# What srun over two nodes costs beside mpirun on one: trajectory-steps per core-second, in turn, medians and spread.
#
#   tests/cluster/run.sh cost           in the Slurm of three hosts that the tests make
#   sbatch --nodes=2 --ntasks-per-node=2 --wrap 'bench/slurm.sh [--rounds 9] [--ntraj 4000]'      on a cluster
#
# Two ranks of one thread each, one on each node or both on this one, the results file kept. Prints a table. QSD names the program.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

main() {
    rounds=9 ntraj=4000
    while [ $# -gt 0 ]; do
        case $1 in
            --rounds) rounds=$2 && shift ;;
            --ntraj) ntraj=$2 && shift ;;
            *) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0" && exit ;;
        esac
        shift
    done
    [ -n "${SLURM_JOB_ID:-}" ] || { echo "slurm.sh: this is for a job on two nodes, see --help" >&2 && exit 2; }
    qsd=${QSD:-$here/../target/release/qsd}
    local round
    for ((round = 0; round < rounds; round++)); do
        measure srun srun --mpi=pmix --nodes=2 --ntasks=2 --ntasks-per-node=1
        measure mpirun mpirun --host localhost:2 -n 2
    done
    echo "$("$qsd" --version), $rounds rounds of absorptive_bistable, $ntraj trajectories to t = 40: median [least, most]"
    echo
    echo "| two ranks | million trajectory-steps per core-second | wall time of the ranks (s) | from launcher's start to its end (s) |"
    echo "|---|---|---|---|"
    line "srun, a node each" srun
    line "mpirun, one node" mpirun
    echo
    echo "srun / mpirun, round by round: $(paste -d/ <(words "${speeds[srun]}") <(words "${speeds[mpirun]}") |
        awk -F/ '{ print $1 / $2 }' | spread)"
}

declare -A speeds walls wholes
# measure NAME LAUNCHER...: one run.
measure() {
    local name=$1 said began=$EPOCHREALTIME
    shift
    said=$("$@" "$qsd" run absorptive_bistable --ntraj "$ntraj" --duration 40 --save-dt 4 --threads 1 --json --quiet -o slurm-bench.h5 --force)
    wholes[$name]+="$(awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - began }') "
    walls[$name]+="$(number wall "$said") "
    speeds[$name]+="$(awk -v steps="$(number steps "$said")" -v seconds="$(number core_seconds "$said")" 'BEGIN { print steps / seconds / 1e6 }') "
    rm -f slurm-bench.h5
}

number() {
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p" <<<"$2" | head -n 1
}

words() {
    tr ' ' '\n' <<<"$1" | grep .
}

spread() {
    sort -g | awk '{ all[NR] = $1 } END { printf "%.3g [%.3g, %.3g]", all[int((NR + 1) / 2)], all[1], all[NR] }'
}

line() {
    echo "| $1 | $(words "${speeds[$2]}" | spread) | $(words "${walls[$2]}" | spread) | $(words "${wholes[$2]}" | spread) |"
}

main "$@"
