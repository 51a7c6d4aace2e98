# shellcheck shell=bash
# The time of a job is over before its run is.

log=wall.out
goes_on_after_its_time() {
    under_way 120 wall.h5 --nodes=2 --time=1 --signal=B:USR1@55 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o wall.h5 || return 1
    # Slurm looks at times every half minute.
    wait_until 60 "Slurm says that the time is over" test -e wall.h5.stop || return 1
    # Time enough for the second start, however slow this machine is.
    scontrol update JobId="$job" TimeLimit=10
    thaw
    ends_as COMPLETED 120 && same long.h5 wall.h5 && [ "$(starts wall.h5)" = 2 ] && [ ! -e wall.h5.stop ]
}
claim "at the end of its time a job goes back into the queue, and ends with the bits of an undisturbed run" goes_on_after_its_time

# Told to stop at once whenever it starts, it cannot get on.
log=stuck.out
gives_up() {
    fails_in 60 --nodes=1 --time=5 -o "$log" "$scripts/run.sbatch" -- "${endless[@]}" -o stuck.h5 --max-wall 0s &&
        says "finished no trajectory" "$log" && [ "$(starts stuck.h5)" = 1 ]
}
claim "a job that does not get on does not go back into the queue" gives_up
log=''
