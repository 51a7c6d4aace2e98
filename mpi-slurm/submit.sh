#!/usr/bin/env bash
# Makes a job out of seeds, regimes and parameters: its list of experiments, its job file and folders for logs and results; and submits it.
#
#   submit.sh [FLAGS] -- ARGUMENTS OF QSD, quoted as in a shell
#
#   submit.sh --nodes 2 --time 04:00:00 -- run kerr_bistable --ntraj 1e5
#   submit.sh --nodes 2 -- run kerr_bistable --ntraj 1000 --sweep 'alpha0=linspace(15,25,11)'
#   submit.sh --job-type array --pieces 20 -- run kerr_bistable --ntraj 1e6
#   submit.sh --job-type sweep --regimes kerr_bistableA20,kerr_bistableA22 --seeds 1-4 --test-first -- run --ntraj 1000
#   submit.sh --job-type sweep --configs models/ -- run --ntraj 1000
#
#   --job-type run|array|sweep    one run on one or several nodes (run.sbatch), one ensemble in pieces that are merged at the
#                                 end (array.sbatch), or many experiments (experiments.sbatch). Default: run. Values of
#                                 parameters are better swept by --sweep behind --: one job, one file
#   --job-name NAME               default: qsd
#   --workdir DIR                 where all is made: job.sbatch, logs/, results/. Default: jobs/NAME
#   --seeds 1-4,9  --regimes A,B  of a sweep: values of --seed and of MODEL
#   --parameter NAME=V1,V2        of a sweep, may be repeated: values of --set NAME. Every combination is an experiment
#   --configs FILE|DIR            of a sweep: a file with the arguments of an experiment in each line, or a directory of model files
#   --pieces K                    of an array
#   --test-first                  waits for the first job alone, and submits the others only if its result is complete
#   --dry-run                     makes and shows all, and submits nothing
#
#   --singularity-container X.sif, --sbcast, --data DIR, --data-bind DIR, --home-overlay    as in run.sbatch
#   --nodes, --ntasks, --ntasks-per-node, --cpus-per-task, --time, --mem, --partition, --account, --qos, --constraint,
#   --mail-type, --mail-user      for Slurm
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=mpi-slurm/job.sh
. "$here/job.sh"

main() {
    case " $* " in *" --help "* | *" -h "*) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0" && exit ;; esac
    read_site
    read_flags "$@"
    read_own_flags "${rest[@]}"
    make_folders
    case $type in
        run) make_run ;;
        array) make_array ;;
        sweep) make_sweep ;;
    esac
    if [ $dry_run = yes ]; then
        show
    else
        submit_all
    fi
}

read_own_flags() {
    type=run name=qsd workdir='' seeds='' regimes='' parameters=() configs='' pieces='' test_first=no dry_run=no slurm=()
    while [ $# -gt 0 ]; do
        case $1 in
            --test-first) test_first=yes && shift && continue ;;
            --dry-run) dry_run=yes && shift && continue ;;
        esac
        [ $# -gt 1 ] || fail "$1 needs a value, or is no flag of submit.sh (--help lists them); arguments of qsd follow --" 2
        case $1 in
            --job-type) type=$2 ;;
            --job-name) name=$2 ;;
            --workdir) workdir=$2 ;;
            --seeds) seeds=$2 ;;
            --regimes) regimes=$2 ;;
            --parameter) parameters+=("$2") ;;
            --configs) configs=$2 ;;
            --pieces) pieces=$2 ;;
            --nodes | --ntasks | --ntasks-per-node | --cpus-per-task | --time | --mem | --partition | --account | --qos | \
                --constraint | --mail-type | --mail-user) slurm+=("$1=$2") ;;
            *) fail "$1 is no flag of submit.sh (--help lists them); arguments of qsd follow --" 2 ;;
        esac
        shift 2
    done
    [[ $name != *[[:space:]/]* ]] || fail "--job-name '$name' is part of the names of files: without blanks and slashes" 2
    [[ $workdir$PWD != *[[:space:]]* ]] || fail "Slurm's directives have no blanks in names: choose a --workdir, and a directory to be in, \
without any" 2
    for range in ${seeds//,/ }; do
        if ! [[ $range =~ ^[0-9]+(-[0-9]+)?$ ]] || [ "${range%-*}" -gt "${range#*-}" ]; then
            fail "--seeds $seeds: '$range' is not like 1-4 or 9" 2
        fi
    done
    for entry in "${parameters[@]}"; do
        [[ $entry == ?*=?* ]] || fail "--parameter $entry is not NAME=V1,V2,..." 2
        [[ $entry != *[][\(\)]* ]] || fail "--parameter $entry: it takes a list of values; behind -- there is --sweep '$entry'" 2
    done
    case $type in run | array | sweep) ;; *) fail "--job-type is run, array or sweep, and not '$type'" 2 ;; esac
    [ "$type" = sweep ] || [ -z "$seeds$regimes$configs${parameters[*]:-}" ] || fail "--seeds, --regimes, --parameter and \
--configs make several experiments: they want --job-type sweep" 2
    [ "$type" != array ] || [[ $pieces =~ ^[1-9][0-9]*$ ]] || fail "--job-type array wants --pieces, a number" 2
    [ ${#words[@]} -gt 0 ] || [ -n "$configs" ] || fail "the arguments of qsd are missing behind --" 2
}

make_folders() {
    workdir=${workdir:-jobs/$name}
    mkdir -p "$workdir/logs" "$workdir/results"
    workdir=$(readlink -f "$workdir")
}

# Flags of the job scripts that are flags of this one.
job_flags() {
    [ -z "$image" ] || printf -- '--singularity-container %q ' "$(readlink -f "$image")"
    [ -z "$data" ] || printf -- '--data %q ' "$(readlink -f "$data")"
    [ -z "$data_bind" ] || printf -- '--data-bind %q ' "$(readlink -f "$data_bind")"
    [ "$broadcast" = no ] || printf -- '--sbcast '
    [ "$home_overlay" = no ] || printf -- '--home-overlay '
}

# write_job FILE SCRIPT LOG COMMAND-LINE [DIRECTIVE ...]: a job file, with the directives of the script it starts.
write_job() {
    local file=$1 script=$2 log=$3 line=$4
    shift 4
    {
        echo "#!/usr/bin/env bash"
        echo "# Made by submit.sh. To submit it again: sbatch $file"
        grep '^#SBATCH' "$here/$script" | grep -vE -- '--(job-name|output)='
        printf '#SBATCH %s\n' "--job-name=$name" "--chdir=$PWD" "--output=$workdir/logs/$log" "${slurm[@]}" "$@"
        [ -z "${SITE:-}" ] || printf 'export SITE=%q\n' "$(readlink -f "$SITE")"
        echo "exec $here/$script $line"
    } >"$file"
    chmod +x "$file"
}

# The arguments of qsd, with a results file in the folder unless they name one.
arguments() {
    local given=()
    (result_of "${words[@]}") 2>/dev/null || given=(-o "$workdir/results/$name.h5")
    words+=("${given[@]}")
    result_of "${words[@]}"
    first_result=$result
    line=$(printf ' %q' "${words[@]}")
}

make_run() {
    arguments
    write_job "$workdir/job.sbatch" run.sbatch %x.%j.out "$(job_flags)--$line"
    count=1
}

make_array() {
    arguments
    first_result=$result.pieces/00000.h5
    write_job "$workdir/job.sbatch" array.sbatch %x.%A_%a.out "--pieces $pieces $(job_flags)--$line" "--array=0-$((pieces - 1))"
    write_job "$workdir/merge.sbatch" array.sbatch %x.%j.merge.out "--pieces $pieces --merge $(job_flags)--$line"
    count=$pieces
}

make_sweep() {
    local list=$workdir/experiments.txt new=$workdir/.experiments.$$ line results=() twice
    trap 'rm -f "$workdir/.experiments.$$"' EXIT
    combine >"$new"
    count=$(experiments_of "$new" | wc -l)
    [ "$count" -gt 0 ] || fail "there is not a single experiment: --seeds, --regimes, --parameter or --configs name some" 2
    while read -r line; do
        words_of "$list" "$line"
        result_of "${words[@]}"
        results+=("$result")
    done < <(experiments_of "$new")
    twice=$(printf '%s\n' "${results[@]}" | sort | uniq -d | sed -n 1p)
    [ -z "$twice" ] || fail "several experiments go into $twice: leave -o out, then each has a file of its own" 2
    first_result=${results[0]}
    # Jobs that wait read their lines when they start.
    [ ! -e "$list" ] || cmp -s "$new" "$list" || fail "$list is that of other experiments, which may still be waiting: choose another --workdir or \
--job-name, or remove it"
    mv "$new" "$list"
    write_job "$workdir/job.sbatch" experiments.sbatch %x.%A_%a.out "$(printf %q "$list") $(job_flags)" "--array=1-$count"
}

# One line for every combination.
combine() {
    [ ${#words[@]} -gt 0 ] || [ ! -d "$configs" ] || words=(run)
    local lines=("${words[*]:+$(printf ' %q' "${words[@]}")}") more entry line value number=0
    [ -z "$configs" ] || by_configs
    [ -z "$regimes" ] || multiply "" "${regimes//,/ }"
    [ -z "$seeds" ] || multiply "--seed " "$(ranges "$seeds")"
    for entry in "${parameters[@]}"; do
        value=${entry#*=}
        multiply "--set ${entry%%=*}=" "${value//,/ }"
    done
    for line in "${lines[@]}"; do
        number=$((number + 1))
        if (words_of experiments.txt "$line" && result_of "${words[@]}") 2>/dev/null; then
            echo "${line# }"
        else
            printf '%s -o %q\n' "${line# }" "$workdir/results/$(printf %04d $number).h5"
        fi
    done
}

# Each of the lines with each of the words.
multiply() {
    more=()
    for line in "${lines[@]}"; do
        # What looks like the name of a file is none.
        set -f
        for value in $2; do more+=("$line $1$(printf %q "$value")"); done
        set +f
    done
    lines=("${more[@]}")
}

by_configs() {
    more=()
    [ -e "$configs" ] || fail "--configs $configs: there is no such file or directory" 2
    if [ -d "$configs" ]; then
        for value in "$configs"/*.toml "$configs"/*.json; do
            [ ! -e "$value" ] || more+=("${lines[0]} $(printf %q "$(readlink -f "$value")")")
        done
    else
        while read -r line; do
            words_of "$configs" "$line"
            [ "${words[0]}" != qsd ] || words=("${words[@]:1}")
            more+=("$(printf ' %q' "${words[@]}")${lines[0]}")
        done < <(experiments_of "$configs")
    fi
    lines=("${more[@]}")
}

# 1-4,9 as 1 2 3 4 9
ranges() {
    local range
    for range in ${1//,/ }; do
        seq "${range%-*}" "${range#*-}"
    done | paste -sd' '
}

show() {
    local file
    for file in "$workdir/experiments.txt" "$workdir/job.sbatch" "$workdir/merge.sbatch"; do
        [ ! -e "$file" ] || { echo "== $file" && cat "$file"; }
    done
    echo "== nothing was submitted: sbatch $workdir/job.sbatch, or leave out --dry-run"
}

submit_all() {
    local job='' rest_of_them=()
    if [ $test_first = yes ]; then
        try_first
        [ "$count" -gt 1 ] || return 0
        case $type in array) rest_of_them=(--array="1-$((count - 1))") ;; sweep) rest_of_them=(--array="2-$count") ;; esac
    fi
    job=$(sbatch --parsable "${rest_of_them[@]}" "$workdir/job.sbatch")
    echo "submitted job $job ($count in all), logs in $workdir/logs, results in $workdir/results"
    if [ "$type" = array ]; then
        job=$(sbatch --parsable --dependency="afterok:$job" --kill-on-invalid-dep=yes "$workdir/merge.sbatch")
        echo "submitted job $job, which merges the pieces into $result"
    fi
}

# The first job alone; what it wrote decides.
try_first() {
    local alone=() said
    case $type in array) alone=(--array=0) ;; sweep) alone=(--array=1) ;; esac
    echo "the first job is tried alone, which may take as long as one job does"
    sbatch --wait "${alone[@]}" "$workdir/job.sbatch" || fail "the first job failed, and the others were not submitted: see $workdir/logs"
    container=()
    said=$(qsd_alone info --json "$first_result") || fail "the first job left no result that can be read, and the others \
were not submitted: $first_result"
    # Of a sweep within a run: all points are in the file.
    grep -qE '^  "(complete|stacked)": true' <<<"$said" || fail "the first result is not complete, and the others were not submitted: $first_result"
    ! grep -q '"verdict": "failed"' <<<"$said" || fail "a guard of the first result failed, and the others were not submitted: \
qsd info $first_result"
    echo "$first_result is complete and its guards are good"
}

main "$@"
