# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031 # where PATH is another one, it is for one command
# The same bits everywhere: host and images, one rank and several, other MPI libraries.

mpich=$(command -v mpirun.mpich || true)

# Ranks by the plain command of the documents.
plain() {
    # shellcheck disable=SC2046 # flags
    mpirun -np "$1" "${singularity[@]}" $("$mpi_bind" --flags "$2") "$2" qsd "${@:3}"
}

# A module's MPI: everything below one directory, found by variables only.
below_a_prefix() {
    local prefix=$work/prefix libraries=/usr/lib/x86_64-linux-gnu
    rm -rf "$prefix"
    mkdir -p "$prefix/bin" "$prefix/lib" "$prefix$libraries/openmpi/lib" "$prefix/share" "$prefix/etc"
    cp -L /usr/bin/orterun "$prefix/bin/mpirun"
    cp -L /usr/bin/orted /usr/bin/ompi_info "$prefix/bin/"
    cp -a $libraries/libmpi.so.40* $libraries/libopen-*.so.40* $libraries/libmca_common_* "$prefix/lib/"
    mkdir -p "$prefix/lib/x86_64-linux-gnu/openmpi/lib"
    cp -a $libraries/openmpi/lib/openmpi3 "$prefix/lib/x86_64-linux-gnu/openmpi/lib/"
    cp -a /usr/share/openmpi "$prefix/share/"
    (export OPAL_PREFIX="$prefix" PATH="$prefix/bin:$PATH" LD_LIBRARY_PATH="$prefix/lib" && "$@")
}

uses_the_prefix() {
    "$mpi_bind" "$images/$here.sif" | tee /dev/stderr | found "^MPI *$work/prefix/lib/libmpi" &&
        "$mpi_bind" "$images/$here.sif" | found "^as it is $work/prefix/lib/.*openmpi3"
}

# A build of MPICH by hand calls its library libmpi.so.12, Debian calls it libmpich.so.12.
mpich_below_a_prefix() {
    local prefix=$work/mpich
    mkdir -p "$prefix/bin" "$prefix/lib"
    cp -L "$mpich" "$prefix/bin/mpirun"
    cp -L /usr/bin/hydra_pmi_proxy "$prefix/bin/"
    cp -L /usr/lib/x86_64-linux-gnu/libmpich.so.12 "$prefix/lib/libmpi.so.12"
    (export PATH="$prefix/bin:$PATH" && "$@")
}

gives_the_bits "four ranks of the host give the bits of one" "$run_sh" -n 4 --
gives_the_bits "an image without any MPI gives the bits of the host" "$images/$here.sif"
for ranks in 1 4; do
    gives_the_bits "the host's MPI in the image, $ranks ranks" "$run_sh" -n $ranks --image "$images/$here.sif" --
    gives_the_bits "the image's own MPI, $ranks ranks" "$run_sh" -n $ranks --image "$images/hybrid.sif" --
done
gives_the_bits "the plain command of the documents" plain 4 "$images/$here.sif"
gives_the_bits "the launcher of the image" "${singularity[@]}" "$images/hybrid.sif" mpirun -n 4 qsd
gives_the_bits "flags for the container go through" "$run_sh" -n 2 --image "$images/$here.sif" --nv --env A=B --
claim "an MPI below a prefix is found" below_a_prefix uses_the_prefix
gives_the_bits "an MPI below a prefix runs" below_a_prefix "$run_sh" -n 4 --image "$images/$here.sif" --
if [ -n "$mpich" ]; then
    MPIRUN=mpirun.mpich gives_the_bits "MPICH" "$run_sh" -n 4 --image "$images/mpich.sif" --
    gives_the_bits "MPICH under its other name" mpich_below_a_prefix "$run_sh" -n 4 --image "$images/mpich.sif" --
else
    skip "MPICH" "no mpirun.mpich on this host"
fi
