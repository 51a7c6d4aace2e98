#!/usr/bin/env bash
# What srun over two nodes costs beside mpirun on one: trajectory-steps per core-second, alternating, medians.
#
#   tests/cluster/run.sh cost           in the Slurm of three hosts that the tests make
#   sbatch --nodes=2 --ntasks-per-node=1 --wrap 'bench/slurm.sh [--rounds 5] [--ntraj 400]'      on a cluster
#
# Two ranks of one thread each, one on each node or both on this one, the results file kept. Prints a table. QSD names the program.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

main() {
    rounds=5 ntraj=400
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
    echo "| two ranks | trajectory-steps per core-second | wall time |"
    echo "|---|---|---|"
    line "srun, a node each" srun
    line "mpirun, one node" mpirun
}

declare -A speeds walls
# measure NAME LAUNCHER...: one run.
measure() {
    local name=$1 said
    shift
    said=$("$@" "$qsd" run absorptive_bistable --ntraj "$ntraj" --duration 40 --threads 1 --json --quiet -o slurm-bench.h5 --force)
    walls[$name]+="$(number wall "$said") "
    speeds[$name]+="$(awk -v steps="$(number steps "$said")" -v seconds="$(number core_seconds "$said")" 'BEGIN { print steps / seconds }') "
    rm -f slurm-bench.h5
}

number() {
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p" <<<"$2" | head -n 1
}

median() {
    tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{ all[NR] = $1 } END { printf "%.4g", all[int((NR + 1) / 2)] }'
}

line() {
    echo "| $1 | $(median "${speeds[$2]}") | $(median "${walls[$2]}") s |"
}

main "$@"
