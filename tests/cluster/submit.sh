# shellcheck shell=bash
# The generator of jobs.

sent() {
    user_does "$scripts/submit.sh" "$@"
}

only_shown() {
    sent --dry-run --workdir shown --nodes 2 --time=00:05:00 -- "${short[@]}" -o 'shown/results/two words.h5' >shown.out && cat shown.out &&
        grep -qx '#SBATCH --nodes=2' shown.out && grep -qx '#SBATCH --time=00:05:00' shown.out && grep -qx '#SBATCH --requeue' shown.out &&
        [ -d shown/logs ] && [ -d shown/results ] && queue_is_empty
}
claim "submit.sh --dry-run makes and shows a job, and submits nothing" only_shown

shown_file_works() {
    completes 60 shown/job.sbatch && "$qsd" info --json 'shown/results/two words.h5' | grep -q '"complete": true' &&
        says "4 ranks on n[1-2]" shown/logs/qsd."$job".out
}
claim "the job file that was shown is one, with its arguments quoted" shown_file_works

combinations() {
    sent --job-type sweep --workdir sweep --test-first --time 5 --regimes kerr_qubit,kerr_bistableA20 --seeds 1-2,5 \
        -- run --ntraj 8 --duration 0.08 --quiet >sweep.out || { cat sweep.out && return 1; }
    cat sweep.out sweep/experiments.txt
    job=$(sed -n 's/^submitted job \([0-9]*\).*/\1/p' sweep.out)
    ends_as COMPLETED 90 && says "its guards are good" sweep.out && [ "$(grep -c . sweep/experiments.txt)" = 6 ] || return 1
    local line
    for line in 1 2 3 4 5 6; do "$qsd" info --json "sweep/results/000$line.h5" | grep -q '"complete": true' || return 1; done
    "$qsd" info --json sweep/results/0006.h5 | grep -q '"title": "kerr_bistableA20, .*seed 5"'
}
claim "a sweep of six points; the first is tried alone" combinations

# A space that is far too small.
not_after_a_failed_guard() {
    fails_with "the others were not submitted" sent --job-type sweep --workdir bad --test-first --time 5 --seeds 1-3 \
        -- run kerr_bistable --Nfock_a 4 --ntraj 8 --quiet &&
        [ "$(find bad/results -name '*.h5' | wc -l)" -le 1 ] && queue_is_empty
}
claim "after a first job whose guard failed the others are not submitted" not_after_a_failed_guard

of_configs() {
    user_does mkdir -p models
    for gain in 0.1 0.2; do
        user_does "$qsd" models --toml kerr_qubit | user_does tee models/"$gain".toml >/dev/null
    done
    sent --dry-run --job-type sweep --workdir configs --configs models --parameter chi=-100,-50 -- run --ntraj 8 >configs.out && cat configs.out &&
        [ "$(grep -c . configs/experiments.txt)" = 4 ] && grep -q "models/0.2.toml --set chi=-50 -o" configs/experiments.txt
}
claim "--configs and --parameter make every combination" of_configs

in_pieces() {
    sent --job-type array --pieces 4 --workdir array --time 5 -- "${short[@]}" -o array.h5 >array.out || return 1
    cat array.out
    job=$(sed -n 's/^submitted job \([0-9]*\), which merges.*/\1/p' array.out)
    ends_as COMPLETED 90 && same short.h5 array.h5 --exclude-path /state/end_condition
}
claim "--job-type array sends the pieces and the job that merges them" in_pieces

refused "seeds without a sweep" "they want --job-type sweep" sent --seeds 1-3 -- run kerr_qubit
refused "a flag nobody knows" "--lamp is no flag of submit.sh" sent --lamp 3 -- run kerr_qubit
refused "seeds that are none" "'x' is not like 1-4 or 9" sent --job-type sweep --seeds 1-2,x -- run kerr_qubit
refused "an image that is not there" "there is no image nodir/q.sif" sent --singularity-container nodir/q.sif -- run kerr_qubit
refused "a list that other jobs may wait for" "is that of other experiments" \
    sent --dry-run --job-type sweep --workdir configs --configs models --seeds 7 -- run --ntraj 8
refused "two experiments in one file" "several experiments go into one.h5" \
    sent --dry-run --job-type sweep --workdir one --seeds 1-2 -- run kerr_qubit -o one.h5
claim "refused is refused" queue_is_empty
