#!/usr/bin/env bash
# Prints a site.env for this cluster: account, partition, modules, scratch, launcher, program or image, as far as they can
# be found from here. Look it over before you use it.
#
#   mpi-slurm/setup.sh > site.env
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=mpi-slurm/lib.sh
. "$here/lib.sh"

main() {
    [ $# = 0 ] || { sed -n '2,/^set/ s/^# \{0,1\}//p' "$0" && exit; }
    command -v sbatch >/dev/null || fail "there is no sbatch here: this is no login node of Slurm, or its module is not loaded"
    echo "# Of the cluster $(scontrol show config 2>/dev/null | sed -n 's/^ClusterName *= *//p'), for the scripts in mpi-slurm."
    echo "# Read by jobs, and by you before sbatch:  . ./site.env"
    account
    partition
    modules
    scratch
    launcher
    program
}

# setting NAME VALUE COMMENT: a line without a value is left to be filled in.
setting() {
    echo
    echo "# $3"
    if [ -n "$2" ]; then
        printf 'export %s=%q\n' "$1" "$2"
        # salloc reads variables of its own.
        case $1 in SBATCH_*) echo "export SALLOC_${1#SBATCH_}=\$$1" ;; esac
    else
        echo "# export $1="
    fi
}

account() {
    local names
    names=$(sacctmgr --noheader --parsable2 show associations user="${USER:-$(id -un)}" format=account 2>/dev/null | sort -u) || names=''
    setting SBATCH_ACCOUNT "$(sed -n 1p <<<"$names")" "Who pays. Yours: $(paste -sd' ' <<<"${names:-none found}")"
}

partition() {
    local all
    all=$(sinfo --noheader --format='%P %D nodes of %c CPUs and %m MB, %l;' | sort -u | paste -sd' ')
    setting SBATCH_PARTITION "$(sinfo --noheader --format=%P | sed -n 's/\*$//p' | sed -n 1p)" \
        "Where jobs run; the default (*) of: ${all:-none found}"
}

modules() {
    local loaded offered=''
    loaded=${LOADEDMODULES:-}
    if [ -z "$loaded" ] && command -v module >/dev/null; then
        offered=$(module --terse avail 2>&1 | grep -iE '^(openmpi|mpich|intelmpi|hdf5)[^:]*$' | paste -sd' ' || true)
    fi
    setting MODULES "${loaded//:/ }" "Modules that jobs load, those that qsd was built with: MPI, and HDF5 for MPI${offered:+. There are: $offered}"
}

scratch() {
    local directory found=''
    for directory in "${SCRATCH:-}" "${WORK:-}" "/scratch/${USER:-}" "/work/${USER:-}"; do
        if [ -z "$found" ] && [ -n "$directory" ] && [ -d "$directory" ] && [ -w "$directory" ]; then found=$directory; fi
    done
    setting SCRATCH "$found" "Large and fast, seen by all nodes; images get a part of it at /scratch_storage"
}

launcher() {
    local there
    there=$(srun --mpi=list 2>&1 || true)
    if grep -qwE 'pmix(_v[0-9]+)?' <<<"$there"; then
        setting MPIRUN '' "Ranks are started by srun --mpi=pmix, which this Slurm has; with a name here by that mpirun"
    else
        setting MPIRUN mpirun "This Slurm has no pmix (srun --mpi=list says: $(tr -s '\n\t ' ' ' <<<"${there#*:}")): Open MPI's mpirun starts ranks"
    fi
}

program() {
    local built image=''
    built=$(command -v qsd || readlink -f "${CARGO_TARGET_DIR:-$here/../target}/release/qsd" || true)
    [ -x "$built" ] || built=''
    setting QSD "$built" "The program on all nodes; make build builds it"
    if [ -z "$built" ] && [ -e qsd.sif ]; then image=$PWD/qsd.sif; fi
    setting IMAGE "$image" "Or an image; with one named here, jobs use it"
}

main "$@"
