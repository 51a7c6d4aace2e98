# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# What the job scripts share: flags, the site, what is on the nodes for the time of a job, one start of qsd, and what
# becomes of it.

# shellcheck source=mpi-slurm/lib.sh
. "$here/lib.sh"

# After a restart: how long to wait for processes of the earlier start that a lost node may still run.
patience=1200
# Less integration than this does not count as progress, in seconds.
least_work=10
# Added to runs that say nothing of it: a job whose ranks do not get on ends.
watchdog=15min

# What comes before anything is started is remembered.
asked=no
trap 'asked=yes' USR1

# Sets what may stand before `--`, and `words`, the arguments of qsd behind it. What is not known here is left in `rest`.
read_flags() {
    image=${IMAGE:-} data='' data_bind='' broadcast=no home_overlay=no words=() rest=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case $1 in --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
        case $1 in
            --singularity-container | --image | --data | --data-bind) [ $# -gt 1 ] || fail "$1 needs a value" 2 ;;&
            --singularity-container | --image) image=$2 && shift ;;
            --data) data=$2 && shift ;;
            --data-bind) data_bind=$2 && shift ;;
            --sbcast) broadcast=yes ;;
            --home-overlay) home_overlay=yes ;;
            *) rest+=("$1") ;;
        esac
        shift
    done
    [ $# = 0 ] || words=("${@:2}")
    [ -z "$data" ] || [ -z "$data_bind" ] || fail "--data and --data-bind both go to /data: give one" 2
    [ -z "$image" ] || [ -e "$image" ] || fail "there is no image $image" 2
    [ -z "$data$data_bind" ] || [ -d "$data$data_bind" ] || fail "there is no directory $data$data_bind for /data" 2
    [ -n "$image" ] || [ -z "$data$data_bind" ] || fail "--data and --data-bind are for images: without one, name files \
where they are" 2
}

# site.env, which setup.sh prints: from SITE, from where the job was submitted, or from beside this directory.
read_site() {
    local file
    [ -z "${SITE:-}" ] || [ -e "$SITE" ] || fail "SITE=$SITE names no file" 2
    for file in "${SITE:-}" site.env "$here/../site.env"; do
        if [ -n "$file" ] && [ -e "$file" ]; then
            # shellcheck source=/dev/null # written by setup.sh
            . "$file"
            break
        fi
    done
    # `module` is a function of login shells.
    if [ -n "${MODULES:-}" ]; then
        # shellcheck disable=SC1090,SC1091 # where it is differs
        command -v module >/dev/null || . "${MODULESHOME:-/usr/share/lmod/lmod}/init/bash"
        # shellcheck disable=SC2086 # a list
        module load $MODULES || fail "module load $MODULES failed: correct MODULES in site.env"
    fi
    [ -z "${QSD:-}" ] || command -v "$QSD" >/dev/null || fail "QSD=$QSD is no program: correct it in site.env"
    [ -n "${QSD:-}" ] || QSD=$(command -v qsd || echo "$here/../target/release/qsd")
    export QSD
}

say() {
    echo "$(date +%T) job: $1" >&2
}

# Sets `result`: the file that these arguments of qsd write or go on with.
result_of() {
    local word before=''
    result=''
    for word in "$@"; do
        case $before in -o | --output) result=$word ;; esac
        case $word in
            --output=*) result=${word#*=} ;;
            -o?*) result=${word#-o} result=${result#=} ;;
        esac
        before=$word
    done
    case ${1:-} in resume | extend) result=$(file_among "${@:2}") ;; esac
    [ -n "$result" ] || fail "a job wants -o FILE among the arguments of qsd: it is what a later start goes on with" 2
}

# The one of these words that is no flag; if there are several, because flags have values, the one that is there.
file_among() {
    local word only='' count=0
    for word in "$@"; do
        [[ $word != -* ]] || continue
        only=$word count=$((count + 1))
        if [ -e "$word" ] || [ -d "$word.points" ]; then
            echo "$word"
            return
        fi
    done
    [ $count != 1 ] || echo "$only"
}

# The value of a flag among these words: value_of --ntraj 64 WORDS...
value_of() {
    local flag=$1 value=$2 word before=''
    for word in "${@:3}"; do
        [ "$before" != "$flag" ] || value=$word
        case $word in "$flag"=*) value=${word#*=} ;; esac
        before=$word
    done
    echo "$value"
}

# A command once on every node of the job.
on_every_node() {
    local nodes=${SLURM_JOB_NUM_NODES:-1}
    srun --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 --cpus-per-task=1 --overlap --quiet "$@"
}

# On the nodes, for the time of the job: the image, the data, a working directory and a home, of which nothing outlasts the job.
# /scratch_storage does; it is one directory for a job or for a task of an array.
stage() {
    container=() local_image=$image storage=''
    [ -n "$image" ] || return 0
    image=$(readlink -f "$image")
    place=${SLURM_TMPDIR:-/tmp}/qsd.$SLURM_JOB_ID
    storage=${SCRATCH:-$PWD/scratch}/qsd/${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+/$SLURM_ARRAY_TASK_ID}
    mkdir -p "$storage" || fail "$storage cannot be made: set SCRATCH in site.env to a directory that all nodes see"
    trap unstage EXIT
    on_every_node mkdir -p "$place/work" "$place/home" || fail "$place cannot be made on all nodes"
    container=(--workdir "$place/work" --bind "$storage:/scratch_storage" --bind "$PWD" --pwd "$PWD")
    [ "$home_overlay" = no ] || container+=(--home "$place/home:$HOME")
    if [ -n "$data" ]; then
        data=$(readlink -f "$data")
        on_every_node cp -r "$data/." "$place/data" || fail "$data cannot be copied to all nodes"
        container+=(--bind "$place/data:/data")
    elif [ -n "$data_bind" ]; then
        container+=(--bind "$(readlink -f "$data_bind"):/data")
    fi
    # A stale state in a home that all nodes share stops later starts.
    export APPTAINER_CONFIGDIR=$place/home
    if [ "$broadcast" = yes ]; then
        local_image=$place/$(basename "$image")
        sbcast --force "$image" "$local_image" || fail "$image cannot be sent to all nodes"
        # What belongs to this copy is not for other jobs.
        export QSD_CACHE=$storage/.cache
    fi
}

unstage() {
    trap - EXIT
    [ -n "${place:-}" ] || return 0
    rm -rf "$storage/.cache"
    rmdir "$storage" 2>/dev/null || true
    on_every_node rm -rf "$place" || say "$place could not be removed from all nodes"
}

# Where a file of a container is outside.
outside() {
    case $1 in
        /scratch_storage/*) [ -z "$storage" ] || set -- "$storage/${1#/scratch_storage/}" ;;
        /data/*) [ -z "$data_bind" ] || set -- "$data_bind/${1#/data/}" ;;
    esac
    echo "$1"
}

# One process without a launcher, for what integrates nothing.
qsd_alone() {
    if [ -z "$image" ]; then
        "$QSD" "$@"
    else
        # shellcheck disable=SC2046 # none, or one
        "$(container_runtime)" --quiet exec $(container_flags) "${container[@]}" "$image" qsd "$@"
    fi
}

# Sets `ranks`, and the flags of launchers: as many as were asked for, or one for each socket. Threads are CPUs of the rank.
place_ranks() {
    local nodes=${SLURM_JOB_NUM_NODES:-1} each cpus=${SLURM_CPUS_PER_TASK:-}
    if [ -n "${SLURM_NTASKS_PER_NODE:-}" ]; then
        each=${SLURM_NTASKS_PER_NODE%%(*}
        ranks=${SLURM_NTASKS:-$((nodes * each))}
    elif [ -n "${SLURM_NTASKS:-}" ]; then
        each='' ranks=$SLURM_NTASKS
    else
        [ -z "$cpus" ] || each=$((${SLURM_CPUS_ON_NODE:-1} / cpus))
        [ -n "${each:-}" ] || each=$(scontrol show node "$(hostname -s)" | sed -n 's/.* Sockets=\([0-9]*\).*/\1/p')
        [ "${each:-0}" -ge 1 ] && [ "$each" -le "${SLURM_CPUS_ON_NODE:-1}" ] || each=1
        ranks=$((nodes * each))
        cpus=${cpus:-$((${SLURM_CPUS_ON_NODE:-1} / each))}
    fi
    # srun does not ask sbatch how many CPUs a task has.
    SRUN_FLAGS="${SRUN_FLAGS:-} --distribution=block:block${each:+ --ntasks-per-node=$each}${cpus:+ --cpus-per-task=$cpus}"
    [ -z "$each" ] || MPIRUN_FLAGS="${MPIRUN_FLAGS:-} --map-by ppr:$each:node:pe=${cpus:-1}"
    export SRUN_FLAGS MPIRUN_FLAGS
}

# Starts qsd with these arguments on all ranks and gives its exit code. USR1 asks it to stop, through its stop file: signals
# do not go to ranks, because in a container they would also end what mounts the image.
launch_and_wait() {
    local flags=() code step
    [ -z "$image" ] || flags=(--image "$local_image" "${container[@]}")
    case $1 in
        run | resume | extend)
            case " $* " in *" --watchdog"*) ;; *) set -- "$@" --watchdog $watchdog ;; esac
            ;;
    esac
    "$here/run.sh" -n "$ranks" "${flags[@]}" -- "$@" &
    step=$!
    while :; do
        code=0
        wait $step || code=$?
        kill -0 $step 2>/dev/null || break
    done
    return $code
}

# Again after a while: ranks that are just starting take the file for one of an earlier run, and remove it.
ask_to_stop() {
    say "the time is nearly over: $stop_file asks the ranks to stop"
    touch "$stop_file"
    (for pause in 5 10 20 20; do sleep $pause && touch "$stop_file"; done) &
    asking=$!
}

# Sets `finished` (trajectories) and `worked` (seconds of all starts) of the results file, or of all points of a sweep, which
# are in files of their own until its end.
look_at_result() {
    local said
    finished=0 worked=0
    [ -e "$file" ] || [ -d "$file.points" ] || return 0
    said=$(qsd_alone info --json "$result" 2>/dev/null) || return 0
    finished=$(sum_of 'done' <<<"$said")
    worked=$(sum_of wall_time <<<"$said")
}

# Of the numbers under this key of JSON, wherever it stands; whole.
sum_of() {
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p" | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# Whether unfinished trajectories are kept.
has_checkpoint() {
    [ -e "$file.ckpt" ] || compgen -G "$file.points/*.ckpt" >/dev/null
}

# Runs qsd with these arguments to its end or to that of the job. A run that stopped early and got on goes back into the queue.
run_job() {
    local code=0 finished_before worked_before asking='' waited=no
    result_of "$@"
    file=$(outside "$result")
    stop_file=$(outside "$(value_of --stop-file "$(value_of --stop_file "$result.stop" "$@")" "$@")")
    place_ranks
    say "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $ranks ranks on ${SLURM_JOB_NODELIST:-this host}: qsd $*"
    wait_for_lost_ranks
    look_at_result
    finished_before=$finished worked_before=$worked
    if [ $asked = yes ]; then
        say "the time is nearly over before a rank was started"
        [ $waited = no ] || go_on_later
        return 75
    fi
    trap ask_to_stop USR1
    launch_and_wait "$@" || code=$?
    trap '' USR1
    [ -z "$asking" ] || kill "$asking" 2>/dev/null || true
    rm -f "$stop_file"
    [ $code = 75 ] || return $code
    look_at_result
    if [ "$finished" -gt "$finished_before" ] || { has_checkpoint && [ $((worked - worked_before)) -ge $least_work ]; }; then
        go_on_later
    else
        say "this start finished no trajectory and integrated for $((worked - worked_before)) s only, so another one would not either: \
ask for more time"
    fi
    return 75
}

# A node that was lost to Slurm may go on for a while, and with it the locks of the results file and of a sweep's points.
wait_for_lost_ranks() {
    [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || return 0
    local lock
    for lock in "$file.lock" "$file".points/*.lock; do
        if [ -e "$lock" ] && ! flock --nonblock "$lock" true; then
            say "ranks of an earlier start still write ${lock%.lock}: waiting for their end"
            waited=yes
            # In the background, so that a signal is heard meanwhile.
            flock --timeout $patience "$lock" true &
            wait $! || [ $asked = yes ] || fail "ranks of an earlier start still write ${lock%.lock} after $patience s"
            [ $asked = no ] || return 0
        fi
    done
}

go_on_later() {
    say "stopped early with $finished trajectories done: the job goes back into the queue"
    unstage
    if scontrol requeue "$SLURM_JOB_ID"; then
        # Slurm ends this script.
        sleep 60
    else
        say "Slurm does not requeue this job: submit the same again, it goes on"
    fi
}

# The lines of a list that are experiments.
experiments_of() {
    tr -d '\r' <"$1" | grep -vE '^[[:space:]]*(#|$)' || true
}

# Sets `words` to those of a line of LIST; a comment may follow them.
words_of() {
    eval "words=(
$2
)" 2>/dev/null || fail "this line of $1 is not one that a shell understands: $2" 2
}
