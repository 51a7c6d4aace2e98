# shellcheck shell=bash
# What goes wrong on clusters, and what is said about it.

bind=$images/$here.sif

# Starts it without the flags that mpi-bind.sh gives, or with some of them.
start_with() {
    local flags=$1
    shift
    # shellcheck disable=SC2086 # flags
    mpirun -np 2 "${singularity[@]}" $flags "$bind" qsd "$@"
}

all_flags=$("$mpi_bind" --flags "$bind")
only_libraries=${all_flags%%,*}

refused "an image without MPI under a launcher says how to bind it" "mpi-slurm/run.sh -n 2 --image" start_with "" "${ensemble[@]}"
refused "plug-ins that are not bound are named" "the plug-ins of the host's MPI" start_with "$only_libraries" "${ensemble[@]}"
# Long enough that the second one finds the first at work.
long=(run kerr_bistable --ntraj 20000 --duration 1 --quiet -o "$work/lonely.h5")
refused "ranks that a cleaned environment made lonely do not write one file" "no --cleanenv" start_with "$all_flags --cleanenv" "${long[@]}"
refused "a directory that is not bound is told to be bound" "add --bind DIR" "${singularity[@]}" "$bind" qsd "${ensemble[@]}" --output-dir /nowhere/to/be/seen
if command -v mpirun.mpich >/dev/null; then
    # shellcheck disable=SC2086 # flags
    refused "lonely ranks of another launcher are noticed" "PMI_SIZE=2" env -u QSD_RANKS mpirun.mpich -np 2 "${singularity[@]}" $all_flags "$bind" qsd "${ensemble[@]}"
    refused "another family is refused before anything starts" "belongs to MPICH" env MPIRUN=mpirun.mpich "$run_sh" -n 2 --image "$bind" -- info
    refused "and the other way round" "belongs to Open MPI" "$run_sh" -n 2 --image "$images/mpich.sif" -- info
    refused "also without a container" "belongs to MPICH" env MPIRUN=mpirun.mpich QSD="$native" "$run_sh" -n 2 -- info
else
    skip "launchers of another family" "no mpirun.mpich on this host"
fi

# Runtimes and launchers that this machine does not have, made of a few lines.
mkdir -p "$work/fakes"
fake() {
    cat >"$work/fakes/$1"
    chmod +x "$work/fakes/$1"
}
fake runtime <<'END'
#!/bin/sh
printf 'qsd.mpi.model: bind\nqsd.mpi.family: openmpi\nqsd.mpi.soname: libmpi.so.20\nqsd.mpi.version: 2.0\nqsd.glibc: 2.24\n'
END
refused "an MPI that the host does not have is named" "needs libmpi.so.20 of Open MPI, and this host has none" env RUNTIME="$work/fakes/runtime" "$mpi_bind" "$bind"
fake srun <<'END'
#!/bin/sh
[ "$1" != --mpi=list ] || { printf 'MPI plugin types are...\n\tcray_shasta\n\tnone\n\tpmi2\n'; exit; }
echo "srun $*"
END
in_a_job() { env SLURM_JOB_ID=7 PATH="$work/fakes:$PATH" "$@"; }
refused "a Slurm without pmix is refused to Open MPI" "wants srun --mpi=pmix" in_a_job env QSD="$native" "$run_sh" -n 2 -- info
mkdir -p "$work/mpich-first"
ln -s "$(command -v mpirun.mpich || echo /nowhere)" "$work/mpich-first/mpirun"
claim "MPICH takes pmi2 there" sh -c "SLURM_JOB_ID=7 PATH='$work/fakes:$work/mpich-first:$PATH' '$run_sh' -n 2 --image '$images/mpich.sif' --print -- info | grep -e 'srun -n 2 --mpi=pmi2'"
refused "a mistyped number of ranks is explained" "-n is to be a number" "$run_sh" -n four -- info
refused "an image that is not there is named" "there is no image" "$run_sh" -n 2 --image "$work/no.sif" -- info
refused "flags of the container want an image" "is no flag of run.sh" "$run_sh" -n 2 --nv -- info

hangs() {
    # shellcheck disable=SC2086 # flags
    mpirun -np 2 "${singularity[@]}" $all_flags "$bind" sh -c "unset OMPI_MCA_btl_vader_single_copy_mechanism; exec qsd doctor '$work'"
}
refused "the hang at the first large message is found, and its setting named" "OMPI_MCA_btl_vader_single_copy_mechanism=none" hangs
# It may warn of a full disk or of few cores, which is not the matter here.
examines() {
    "$@" "$work" >"$work/examined"
    local code=$?
    cat "$work/examined"
    [ $code = 0 ] || [ $code = 3 ] && grep -q '^good *directory' "$work/examined"
}
claim "the image's doctor needs no MPI" examines singularity --quiet run --app doctor "$bind"
claim "four ranks of the host's MPI in the image, examined" examines "$run_sh" -n 4 --image "$bind" -- doctor
claim "and found to be four" grep -E '^good *ring .*4 ranks' "$work/examined"
