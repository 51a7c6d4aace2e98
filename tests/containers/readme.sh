# shellcheck shell=bash
# What README.md tells people to type about images.

typed() {
    local place=$work/readme
    mkdir -p "$place"
    cp "$images/$here.sif" "$place/qsd.sif" && cp "$images/$here.sif.sha256" "$place/qsd.sif.sha256"
    sed -i "s/$here.sif/qsd.sif/" "$place/qsd.sif.sha256"
    ln -sfn "$PWD/mpi-slurm" "$place/mpi-slurm"
    MARK='tested with images' IN=$place scripts/readme-commands.sh
}

claim "the commands of README.md about images" typed
