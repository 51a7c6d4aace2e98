# shellcheck shell=bash
# One ensemble in pieces, and lists of experiments.

log=pieces.0.out
pieces_make_one_run() {
    submit --array=0-2 --time=5 -o pieces.%a.out "$scripts/array.sbatch" --pieces 3 -- "${short[@]}" -o pieces.h5 || return 1
    local pieces=$job
    submit --dependency="afterok:$pieces" --time=5 -o merge.out "$scripts/array.sbatch" --pieces 3 --merge -- "${short[@]}" -o pieces.h5 &&
        ends_as COMPLETED 120 && same short.h5 pieces.h5 --exclude-path /state/end_condition && [ "$(find pieces.h5.pieces -name '*.h5' | wc -l)" = 3 ]
}
claim "an array of three pieces and a job that merges them give the file of one run" pieces_make_one_run

log=''
model_in_pieces() {
    "$qsd" models --toml kerr_qubit | sed 's/^\[run\]/&\nntraj = 21\nfirst_trajectory = 1000/; s/^duration.*/duration = 0.4/' |
        user_does tee own.toml >/dev/null
    user_does "$qsd" run own.toml -o own.h5 --quiet && submit --array=0-1 --time=5 -o own.%a.out "$scripts/array.sbatch" --pieces 2 -- run own.toml -o parts.h5 || return 1
    local pieces=$job
    submit --dependency="afterok:$pieces" --time=5 -o own.out "$scripts/array.sbatch" --pieces 2 --merge -- run own.toml -o parts.h5 &&
        ends_as COMPLETED 90 && same own.h5 parts.h5 --exclude-path /state/end_condition
}
claim "the size of a run may stand in its model" model_in_pieces

other_pieces() {
    user_does cp -r parts.h5.pieces less.h5.pieces
    fails_in 60 --time=5 -o less.out "$scripts/array.sbatch" --pieces 1 --merge -- run own.toml -o less.h5 &&
        says "have 8 trajectories together, and 21 were asked for" less.out && [ ! -e less.h5 ]
}
claim "pieces of another number of pieces are not merged" other_pieces

log=part.out
piece_goes_on() {
    under_way 120 part.h5.pieces/00000.h5 --array=0 --cpus-per-task=2 --time=5 -o "$log" "$scripts/array.sbatch" --pieces 2 -- "${long[@]}" -o part.h5 || return 1
    scancel --signal=USR1 --batch "${job}_0"
    wait_until 30 "the piece is asked to stop" test -e part.h5.pieces/00000.h5.stop && thaw
    ends_as COMPLETED 120 && [ "$(starts part.h5.pieces/00000.h5)" = 2 ] && says "--ntraj 48 --first-trajectory 0" "$log"
}
claim "a piece whose time is over goes on, too" piece_goes_on

log=many.1.out
experiments_of_a_list() {
    user_does tee list.txt >/dev/null <<END
# Experiments, one a line.
qsd ${short[*]} -o many1.h5

run kerr_qubit --ntraj 8 --duration 0.4 --set chi=-150 --quiet -o 'many 2.h5'
END
    completes 60 --array=1-2 --time=5 -o many.%a.out "$scripts/experiments.sbatch" list.txt &&
        same short.h5 many1.h5 && "$qsd" info --json 'many 2.h5' | grep -q '"chi": -150.0'
}
claim "a list of experiments, quoted as in a shell" experiments_of_a_list
log=''
