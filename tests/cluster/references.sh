# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# What jobs run, and the files of undisturbed runs that theirs are compared with.

# read_references PLACE: the ensembles. The long one is interrupted: some eight core-seconds, in 12 batches of long trajectories, so that both
# finished and unfinished ones are there when it is; `swept` is the same with a sweep of six points.
read_references() {
    read -r duration <"$1/duration"
    long=(run absorptive_bistable --ntraj 96 --duration "$duration" --save-dt 40 --quiet)
    swept=(run absorptive_bistable --ntraj 16 --duration "$duration" --save-dt 40 --quiet --sweep 'yn=8,9,10' --sweep 'Theta=0,0.1')
    endless=(run absorptive_bistable --ntraj 8 --duration 1e6 --save-dt 1e4 --quiet)
    short=(run kerr_qubit --ntraj 40 --duration 0.4 --quiet)
}

run_references() {
    local qsd=${QSD:-${CARGO_TARGET_DIR:-target}/release/qsd} took began=$SECONDS name
    # Processor time, which others that keep this machine busy do not change.
    took=$(TIMEFORMAT=%U && { time "$qsd" run absorptive_bistable --ntraj 96 --duration 400 --save-dt 40 --quiet >/dev/null 2>&1; } 2>&1)
    awk -v took="${took:-1}" 'BEGIN { print 40 * int(1 + 8 * 400 / took / 40) }' >"$1/duration"
    read_references "$1"
    for name in long swept short; do
        declare -n words=$name
        "$qsd" "${words[@]}" -o "$1/$name.h5" || return 1
    done
    echo "-- references: $((SECONDS - began)) s"
}
