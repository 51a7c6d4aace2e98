#!/usr/bin/env bash
# Runs qsd on several ranks, natively or in a container, by mpirun or srun, whatever is there and fits.
#
#   run.sh -n N [--image X.sif [FLAGS OF APPTAINER]] [--print] -- ARGUMENTS OF QSD
#
#   mpi-slurm/run.sh -n 4 -- run kerr_bistable --ntraj 1000 -o run.h5
#   mpi-slurm/run.sh -n 4 --image qsd.sif --bind /scratch -- run kerr_bistable --ntraj 1000 -o /scratch/run.h5
#
# Before anything is started, it compares what qsd or the image was built for with the MPI of this host and says what does not fit.
#
#   --print      prints the command instead of running it
#   MPIRUN       the launcher, if it is not mpirun; MPIRUN_FLAGS, SRUN_FLAGS: more flags for it
#   RUNTIME      apptainer or singularity, if it is neither in PATH
#   QSD          the program, if it is neither in PATH nor in target/release
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=mpi-slurm/lib.sh
. "$here/lib.sh"

usage="usage: run.sh -n N [--image X.sif [flags of apptainer]] [--print] -- arguments of qsd"

main() {
    ranks='' image='' print=no container=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case $1 in
            -n | -np | --image) [ $# -gt 1 ] || fail "$1 needs a value; $usage" 2 ;;&
            -n | -np) ranks=$2 && shift ;;
            --image) image=$2 && shift ;;
            --print) print=yes ;;
            -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0" && exit ;;
            *) container+=("$1") ;;
        esac
        shift
    done
    [ "${1:-}" = -- ] || fail "-- is missing before the arguments of qsd; $usage" 2
    shift
    [[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "-n is to be a number of ranks, and is '$ranks'; $usage" 2
    [ -n "$image" ] || [ ${#container[@]} = 0 ] || fail "${container[0]} is no flag of run.sh (without --image); $usage" 2

    read_launcher
    if [ -n "$image" ]; then
        in_container "$@"
    else
        native "$@"
    fi
    # So that ranks which do not find each other notice.
    export QSD_RANKS=$ranks
    if [ $print = yes ]; then
        printf 'QSD_RANKS=%s' "$ranks"
        printf ' %q' "${command[@]}"
        echo
    else
        exec "${command[@]}"
    fi
}

# Sets `command` for a qsd on this host.
native() {
    local program soname
    program=${QSD:-$(command -v qsd || true)}
    [ -n "$program" ] || program=${CARGO_TARGET_DIR:-$here/../target}/release/qsd
    [ -x "$program" ] || fail "qsd is not in PATH: make build builds it, QSD names it, --image takes one from an image"
    soname=$(ldd "$program" 2>/dev/null | awk '$1 ~ /^libmpi(ch)?\.so/ { print $1, $3 }')
    [ -n "$soname" ] || fail "$program was built without MPI: run it without run.sh, its threads use all cores"
    ! [[ $soname == *" not" ]] || fail "$program needs ${soname% not} of $(family_name "$(family_of "${soname% *}")"), and \
this host does not find it: load the module it was built with"
    launch "$(family_of "${soname% *}")" "$program"
    command=("${launcher[@]}" "$program" "$@")
}

# Sets `command` for a qsd in an image.
in_container() {
    local runtime flags start
    runtime=$(container_runtime)
    read_image "$image" "$runtime"
    flags=$("$here/mpi-bind.sh" --flags "$image") || exit 1
    # shellcheck disable=SC2206,SC2207 # lists of words without blanks
    start=("$runtime" --quiet exec $(container_flags) $flags)
    bind_files "$@"
    start+=("${container[@]}" "$image")
    if [ "$IMAGE_MODEL" = hybrid ] && ! can_start_hybrid; then
        # On a laptop the launcher of the image will do, too: then all ranks share one container.
        command=("${start[@]}" mpirun -n "$ranks" qsd "$@")
        return
    fi
    launch "$IMAGE_FAMILY" "$image"
    command=("${launcher[@]}" "${start[@]}" qsd "$@")
}

# Binds the directories of all files that are named, which an image does not see by itself unless they are in $HOME, /tmp or here:
# those to be written, also where the directory is still to be made, and those that are there, as a model or results.
bind_files() {
    local next='' word place
    for word in "$@"; do
        case $word in
            -o | --output | --output[-_]dir | --log[-_]file | --stop[-_]file) next=yes && continue ;;
            -o?*) next=yes word=${word#-o} ;;
            --output=* | --output[-_]dir=* | --log[-_]file=* | --stop[-_]file=*) next=yes word=${word#*=} ;;
        esac
        if [ -n "$next" ] || [ -e "$word" ]; then
            next=''
            place=$(realpath -m -- "$word")
            [ -d "$place" ] || place=$(dirname "$place")
            until [ -d "$place" ]; do place=$(dirname "$place"); done
            bind_directory "$place"
        fi
    done
}

bind_directory() {
    case $1/ in
        //) return ;;
        "${HOME:-/root}"/*[,:]* | /tmp/*[,:]* | "$PWD"/*[,:]*) return ;;
        *[,:]*) fail "the image cannot be given $1: a comma or a colon in its name means something else to Apptainer; rename it" ;;
    esac
    [[ " ${start[*]} " == *" $1:$1 "* ]] || start+=(--bind "$1:$1")
}

# Whether a launcher of this host can start an image that has its own MPI.
can_start_hybrid() {
    use_srun || [ -n "$MPI_LAUNCHER" ]
}

use_srun() {
    [ -n "${SLURM_JOB_ID:-}" ] && [ -z "${MPIRUN:-}" ] && command -v srun >/dev/null
}

# Sets `launcher` for ranks of this MPI family; $2 is who needs it.
launch() {
    local family=$1 who=$2
    if use_srun; then
        launcher=(srun -n "$ranks" "--mpi=$(slurm_plugin "$family" "$who")" --kill-on-bad-exit=1)
        # shellcheck disable=SC2206 # a list
        launcher+=(${SRUN_FLAGS:-})
        return
    fi
    [ -n "$MPI_LAUNCHER" ] || fail "there is no mpirun here (and this is no Slurm job with srun): load the module of \
$(family_name "$family")"
    if [ -n "$LAUNCHER_FAMILY" ] && [ "$LAUNCHER_FAMILY" != "$family" ]; then
        local other=''
        ! command -v "mpirun.$family" >/dev/null || other=", here MPIRUN=mpirun.$family"
        fail "$who is built for $(family_name "$family"), and $MPI_LAUNCHER belongs to \
$(family_name "$LAUNCHER_FAMILY") $LAUNCHER_VERSION: load a module of $(family_name "$family")$other"
    fi
    launcher=("$MPI_LAUNCHER" -n "$ranks")
    # shellcheck disable=SC2206 # a list
    launcher+=(${MPIRUN_FLAGS:-})
}

# How srun and this MPI find each other; fails if they cannot.
slurm_plugin() {
    local family=$1 who=$2 there kind kinds=(pmix)
    [ "$family" = openmpi ] || kinds=(pmi2 pmix cray_shasta)
    there=$(srun --mpi=list 2>&1)
    for kind in "${kinds[@]}"; do
        if grep -qwE "$kind(_v[0-9]+)?" <<<"$there"; then
            echo "$kind"
            return
        fi
    done
    fail "$who wants srun --mpi=${kinds[0]}, as all $(family_name "$family") does, and this Slurm offers \
$(tr -s '\n\t ' ' ' <<<"${there#*:}"): start with MPIRUN=mpirun in the job, or ask for Slurm's ${kinds[0]} plug-in"
}

main "$@"
