# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# Ranks are killed, or hang.

log=rank.out
rank_is_killed() {
    under_way 120 rank.h5 --nodes=3 --time=5 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o rank.h5 || return 1
    pgrep -x qsd | tail -n 1 | xargs kill -9
    thaw
    ends_as FAILED 60 && completes 120 --nodes=1 --time=5 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o rank.h5 && same long.h5 rank.h5
}
claim "a rank is killed: the job ends; on another number of nodes it goes on, to the same bits" rank_is_killed

log=hang.out
rank_hangs() {
    under_way 120 hang.h5 --nodes=2 --time=5 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o hang.h5 --watchdog 5s || return 1
    thaw
    pgrep -x qsd | tail -n 1 | xargs kill -STOP
    ends_as FAILED 60 && says "saw no progress of the run for 5 s" "$log" && ! pgrep -x qsd
}
claim "a rank hangs: the watchdog ends the job" rank_hangs
log=''
