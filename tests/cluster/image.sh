# shellcheck shell=bash
# The same in an image with the hosts' MPI, if the tests of containers have left one.

made=${IMAGES:-${XDG_CACHE_HOME:-/root/.cache}/qsd/test-images}/bookworm.sif
if ! [ -e "$made" ]; then
    skip "jobs in images" "there is no $made: make test-containers makes it"
else
    # Whatever revision the image is of, its ranks are those of this program.
    export APPTAINER_BIND=$qsd:/opt/qsd/libexec/qsd-mpi
    cp "$made" qsd.sif
    user_does mkdir -p data

    log=image.out
    in_an_image() {
        completes 120 --nodes=2 --time=5 -o "$log" "$scripts/run.sbatch" --singularity-container qsd.sif -- "${short[@]}" -o image.h5 &&
            same short.h5 image.h5 && says "4 ranks on n[1-2]" "$log"
    }
    claim "two nodes, the hosts' MPI in the image" in_an_image

    log=staged.out
    staged() {
        user_does "$qsd" models --toml kerr_qubit | user_does tee data/qubit.toml >/dev/null
        completes 120 --nodes=2 --time=5 -o "$log" "$scripts/run.sbatch" --singularity-container=qsd.sif --sbcast --data data --home-overlay -- \
            run /data/qubit.toml --ntraj 8 --duration 0.4 --quiet -o /scratch_storage/staged.h5 &&
            "$qsd" info --json scratch/qsd/"$job"/staged.h5 | grep -q '"complete": true' && srun --nodes=3 bash -c '! ls -d /tmp/qsd.*'
    }
    bound() {
        user_does "$scripts/submit.sh" --workdir bound --nodes 2 --time 5 --singularity-container qsd.sif --data-bind data -- \
            run /data/qubit.toml --ntraj 8 --duration 0.4 --quiet -o /data/bound.h5 >bound.out || { cat bound.out && return 1; }
        job=$(sed -n 's/^submitted job \([0-9]*\).*/\1/p' bound.out)
        log=bound/logs/qsd.$job.out
        ends_as COMPLETED 120 && says "4 ranks on n[1-2]" "$log" && "$qsd" info --json data/bound.h5 | grep -q '"complete": true'
    }
    claim "image and data staged to the nodes, results at /scratch_storage outlast the job, nothing else does" staged
    claim "a folder of data is bound as it is, for results too" bound
    log=''
    unset APPTAINER_BIND
fi
