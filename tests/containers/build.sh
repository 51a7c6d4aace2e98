# shellcheck shell=bash
# Images: from source for each Debian, with the MPI of the host, with MPI inside, for MPICH. GIVEN=DIR takes programs that were
# compiled before (qsd-mpi, qsd-serial) instead of those of this source.

small_enough() {
    local bytes megabytes
    bytes=$(stat -c %s "$1") || return 1
    megabytes=$((bytes / 1000000))
    echo "$1: $megabytes MB"
    [ $megabytes -lt 120 ]
}

labelled() {
    local label
    for label in org.opencontainers.image.version org.opencontainers.image.revision qsd.mpi.model qsd.mpi.family \
        qsd.mpi.soname qsd.mpi.version qsd.glibc; do
        singularity inspect --labels "$1" | found -E "^$label: .+" || { echo "no $label" && return 1; }
    done
}

holds() {
    # shellcheck disable=SC2016 # the shell in the image expands it
    "${singularity[@]}" "$1" bash -c '
        for folder in /data /db /work /scratch /scratch_storage /share/PI /local-scratch; do
            [ -d $folder ] || { echo "no $folder"; exit 1; }
        done
        for tool in cc gcc c++ make cargo rustc; do
            ! command -v $tool || exit 1
        done
        command -v qsd h5dump h5diff'
}

runs_bare() {
    "$1" info "$work/native.h5" | found '40 of 40' && "$1" --help | found Usage &&
        singularity run --app info "$1" | found '^soname='
}

remembers_its_source() {
    "${singularity[@]}" "$1" qsd "${ensemble[@]}" -o "$work/source.h5" --force
    h5dump -a /provenance/git_revision "$work/source.h5" | grep -F "\"$(revision_of "$1")\""
}

changed() {
    cp "$1" "$1.sha256" "$work/" && printf x | dd of="$work/${1##*/}" bs=1 seek=5000000 conv=notrunc status=none
    (cd "$work" && ! sha256sum --quiet -c "${1##*/}.sha256")
    local code=$?
    rm "$work/${1##*/}"
    return $code
}

clean_scripts() {
    shellcheck -x scripts/*.sh containers/*.sh containers/qsd mpi-slurm/*.sh tests/containers/run.sh tests/containers/lib.sh &&
        shellcheck -x -e SC2154 tests/containers/*.sh
}

claim "shellcheck has nothing to say" clean_scripts

for suite in "${suites[@]}"; do
    from=()
    if [ "$suite" = "$here" ] && [ -n "${GIVEN:-}" ]; then from=("GIVEN=$GIVEN"); fi
    IMAGE_TARGET=$cache/target/$suite BASE=$suite claim "an image is compiled on $suite and passes its test" image "$suite" "${from[@]}"
    claim "the image of $suite is small" small_enough "$images/$suite.sif"
    claim "the image of $suite says for which MPI it is" labelled "$images/$suite.sif"
    claim "the image of $suite has the tools of HDF5, the folders of clusters, and no compilers" holds "$images/$suite.sif"
done

BASE=$here claim "an image with MPI inside is made, and two ranks run in it" image hybrid MODEL=hybrid GIVEN="$(programs)"
IMAGE_TARGET=$cache/target/$here-mpich BASE=$here claim "an image for MPICH is compiled" image mpich MPI=mpich

claim "what needs no ranks needs no MPI" runs_bare "$images/$here.sif"
claim "results name the revision of the image's label" remembers_its_source "$images/$here.sif"
claim "a changed image does not have its checksum" changed "$images/$here.sif"
claim "the checksum holds" sh -c "cd '$images' && sha256sum --quiet -c $here.sif.sha256"
