# shellcheck shell=bash
# Images: from source for each Debian, with the MPI of the host, with MPI inside, for MPICH.

small_enough() {
    local megabytes
    megabytes=$(($(stat -c %s "$1") / 1000000))
    echo "$1: $megabytes MB"
    [ $megabytes -lt 120 ]
}

labelled() {
    local label
    for label in org.opencontainers.image.version org.opencontainers.image.revision qsd.mpi.model qsd.mpi.family \
        qsd.mpi.soname qsd.mpi.version qsd.glibc; do
        singularity inspect --labels "$1" | grep -qE "^$label: .+" || { echo "no $label" && return 1; }
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
    "$1" info "$work/native.h5" | grep -q '40 of 40' && "$1" --help | grep -q Usage &&
        singularity run --app info "$1" | grep -q '^soname='
}

remembers_its_source() {
    local label
    label=$(singularity inspect --labels "$1" | sed -n 's/^org.opencontainers.image.revision: //p')
    "${singularity[@]}" "$1" qsd "${ensemble[@]}" -o "$work/source.h5" --force
    h5dump -a /provenance/git_revision "$work/source.h5" | grep -F "\"$label\""
}

clean_scripts() {
    shellcheck -x scripts/*.sh containers/*.sh containers/qsd mpi-slurm/*.sh tests/containers/run.sh tests/containers/lib.sh &&
        shellcheck -x -e SC2154 tests/containers/*.sh
}

claim "shellcheck has nothing to say" clean_scripts
[ -x "$native" ] || cargo build --release --locked
"$native" "${ensemble[@]}" -o "$work/native.h5" || exit 1

for suite in "${suites[@]}"; do
    IMAGE_TARGET=$cache/target/$suite BASE=$suite claim "an image is compiled on $suite and passes its test" image "$suite"
    claim "the image of $suite is small" small_enough "$images/$suite.sif"
    claim "the image of $suite says for which MPI it is" labelled "$images/$suite.sif"
    claim "the image of $suite has the tools of HDF5, the folders of clusters, and no compilers" holds "$images/$suite.sif"
done

# The programs of this Debian once more, for those images that need no compilation of their own.
given=$work/given
mkdir -p "$given"
"${singularity[@]}" "$images/$here.sif" sh -c "cp /opt/qsd/libexec/* '$given'"
BASE=$here claim "an image with MPI inside is made, and two ranks run in it" image hybrid MODEL=hybrid GIVEN="$given"
IMAGE_TARGET=$cache/target/$here BASE=$here claim "an image for MPICH is compiled" image mpich MPI=mpich

claim "what needs no ranks needs no MPI" runs_bare "$images/$here.sif"
claim "results name the revision of the image's label" remembers_its_source "$images/$here.sif"
claim "the checksum holds" sh -c "cd '$images' && sha256sum --quiet -c $here.sif.sha256"
