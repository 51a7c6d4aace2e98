# shellcheck shell=bash
# Jobs that nothing happens to.

claim "setup.sh finds partition, launcher and program" eval "user_does $scripts/setup.sh >site.env && cat site.env &&
    grep -q 'SBATCH_PARTITION=debug' site.env && grep -q 'QSD=$qsd' site.env && ! grep -q '^export MPIRUN' site.env"

whole_nodes() {
    completes 60 --nodes=2 --time=5 -o whole.out "$scripts/run.sbatch" -- "${short[@]}" --threads auto -o whole.h5 &&
        same short.h5 whole.h5 && says "4 ranks on n[1-2]" whole.out &&
        [ "$("$qsd" info --json whole.h5 | sed -n 's/^ *"ranks": //p;s/^ *"threads": //p' | tr -d ',\n')" = 41 ]
}
claim "two nodes taken whole: one rank a socket, no more threads than its CPUs, the bits of one process" whole_nodes

as_asked() {
    completes 60 --nodes=3 --ntasks-per-node=1 --cpus-per-task=2 --time=5 -o asked.out "$scripts/run.sbatch" -- "${short[@]}" -o asked.h5 &&
        same short.h5 asked.h5 && says "3 ranks on n[1-3]" asked.out &&
        "$qsd" info --json asked.h5 | grep -q '"threads": 2'
}
claim "three nodes, a rank on each with two CPUs, as asked" as_asked

salloc_page() {
    user_does salloc --quiet --nodes=2 --ntasks=4 "$scripts/run.sh" -n 4 -- "${short[@]}" -o salloc.h5 && same short.h5 salloc.h5
}
claim "salloc and run.sh" salloc_page

by_mpirun() {
    user_does env MPIRUN=mpirun sbatch --wait --nodes=2 --ntasks-per-node=2 --time=5 -o mpirun.out "$scripts/run.sbatch" -- \
        "${short[@]}" -o mpirun.h5 || { cat mpirun.out && return 1; }
    same short.h5 mpirun.h5
}
claim "a Slurm that is to use mpirun" by_mpirun

refused "no results file" "a job wants -o FILE" user_does env SLURM_JOB_ID=1 "$scripts/run.sbatch" -- run kerr_qubit
refused "a flag nobody knows" "--lamp is no flag of run.sbatch" user_does env SLURM_JOB_ID=1 "$scripts/run.sbatch" --lamp -- run kerr_qubit -o a.h5
