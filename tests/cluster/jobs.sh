# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# A user with a checkout in a home that all hosts see, and what happens to jobs.

project=$PWD
home=$shared/home
scripts=$home/qsd/mpi-slurm
qsd=$home/qsd/target/release/qsd

# Ranks of all hosts share the cores of this one.
read -r -a environment <<<"$(grep -vE '^#|ROOT' scripts/mpi.env | tr '\n' ' ')"
user_does() {
    setpriv --reuid "$user" --regid "$user" --clear-groups env -i "${environment[@]}" HOME="$home" USER=somebody PATH="$PATH" \
        SLURM_CONF="$SLURM_CONF" ${APPTAINER_BIND:+APPTAINER_BIND="$APPTAINER_BIND"} "$@"
}

# The checkout, and the references.
move_in() {
    mkdir -p "$home/qsd/target/release"
    cp -r mpi-slurm "$home/qsd/"
    cp "${QSD:-$project/${CARGO_TARGET_DIR:-target}/release/qsd}" "$qsd"
    cp "$QSD_ROOM"/../*.h5 "$home"
    chown -R "$user:$user" "$home"
    read_references "$QSD_ROOM/.."
    cd "$home" || exit 1
}

# submit FLAGS OF SBATCH AND A SCRIPT...: sets `job`.
submit() {
    job=$(user_does sbatch --parsable "$@") || return 1
}

job_is() {
    [ "$(squeue --noheader --format=%T --jobs="$job" 2>/dev/null)" = "$1" ]
}

job_is_over() {
    [ -z "$(squeue --noheader --jobs="$job" 2>/dev/null)" ]
}

# Of a job that is over: scontrol knows for some minutes.
ended_as() {
    local state
    state=$(scontrol show job "$job" | sed -n 's/^ *JobState=\([A-Z_]*\).*/\1/p' | sort -u)
    [ "$state" = "$1" ] || {
        scontrol show job "$job"
        echo "it is $state and not $1"
        return 1
    }
}

# completes SECONDS FLAGS...: the job is over in this time, and succeeded.
completes() {
    local patience=$1
    shift
    submit "$@" && ends_as COMPLETED "$patience"
}

# fails_in SECONDS FLAGS...
fails_in() {
    local patience=$1
    shift
    submit "$@" && ends_as FAILED "$patience"
}

# Whether the first trajectories of this file are done.
is_under_way() {
    [ "$(done_in "$1")" -gt 0 ]
}

# Of all points of a sweep together.
done_in() {
    "$qsd" info --json "$1" | sed -n 's/^ *"done": \([0-9]*\),*$/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# Ranks of all hosts stand still, so that nothing here depends on the speed of this machine. There are no others to be seen in
# these namespaces.
freeze() {
    pgrep -x qsd | xargs -r kill -STOP
}

thaw() {
    pgrep -x qsd | xargs -r kill -CONT
}

# under_way SECONDS FILE FLAGS OF SBATCH AND A SCRIPT...: a job that has finished some trajectories and not all, its ranks standing still.
under_way() {
    local patience=$1 file=$2
    shift 2
    submit "$@" && wait_until "$patience" "$file has its first trajectories" is_under_way "$file" && freeze && [ "$(done_in "$file")" -lt 96 ]
}

ends_as() {
    wait_until "$2" "job $job is over" job_is_over && ended_as "$1"
}

# How often this file was gone on with.
starts() {
    $qsd info --json "$1" | grep -c '"start":'
}

# After a claim that failed: what it left in the queue is not for the next.
tidy_up() {
    scancel --user=somebody
    thaw
    wait_until 30 "the queue is empty" queue_is_empty
}

queue_is_empty() {
    [ -z "$(squeue --noheader)" ]
}
