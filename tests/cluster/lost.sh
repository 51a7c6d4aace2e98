# shellcheck shell=bash
# Cables and hosts are lost on the way.

log=power.out
host_is_switched_off() {
    under_way 120 power.h5 --nodes=2 --time=5 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o power.h5 || return 1
    kill_host n2
    thaw
    ends_as COMPLETED 120 && same long.h5 power.h5 && says "start 2, 4 ranks on n[1,3]" "$log"
}
claim "a host is switched off: Slurm starts the job on others, it goes on, to the same bits" host_is_switched_off
start_host n2
wait_until 30 "n2 is back" all_idle

# The ranks behind the cut live on, and with them the lock of rank 0.
log=cable.out
cable_is_cut() {
    under_way 120 cable.h5 --nodes=2 --time=5 -o "$log" "$scripts/run.sbatch" -- "${long[@]}" -o cable.h5 --watchdog 5s || return 1
    cut_host n1
    thaw
    ends_as COMPLETED 120 && same long.h5 cable.h5 && says "start 2, 4 ranks on n[2-3]" "$log"
}
claim "the cable of rank 0's host is cut: the job goes on elsewhere once the ranks behind the cut are gone, to the same bits" cable_is_cut
mend_host n1
wait_until 60 "n1 is back" all_idle
log=''
