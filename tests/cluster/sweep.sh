# shellcheck shell=bash
# A sweep within one job.

log=sweep.out
six_points() {
    under_way 120 sweep.h5 --nodes=3 --time=5 -o "$log" "$scripts/run.sbatch" -- "${swept[@]}" -o sweep.h5 || return 1
    user_does scancel --signal=USR1 --batch "$job"
    wait_until 30 "the sweep is asked to stop" test -e sweep.h5.stop && thaw
    ends_as COMPLETED 120 && says "start 2, 6 ranks on n[1-3]" "$log" && [ ! -e sweep.h5.points ] &&
        same swept.h5 sweep.h5 --exclude-attribute /yn --exclude-attribute /Theta
}
claim "a sweep of six points on three nodes, sent back into the queue on its way, gives the file of one process" six_points

log=''
refused "a sweep in pieces" "--sweep makes several" user_does env SLURM_JOB_ID=1 "$scripts/array.sbatch" --pieces 2 -- "${swept[@]}" -o a.h5
tried_first() {
    user_does "$scripts/submit.sh" --test-first --workdir grid --nodes 2 --time 5 -- run kerr_qubit --ntraj 8 --duration 0.08 --sweep chi=-100,-50 --quiet >grid.out &&
        says "its guards are good" grid.out
}
claim "submit.sh makes a job of a sweep, and sees when it is complete" tried_first
