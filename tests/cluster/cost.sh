# shellcheck shell=bash
# No claim: what srun over two hosts costs, see bench/README.md.

cp "$project/bench/slurm.sh" "$home/qsd/"
user_does env QSD="$qsd" sbatch --wait --nodes=2 --ntasks-per-node=2 -o cost.out "$home/qsd/slurm.sh" --rounds "${ROUNDS:-9}"
cat cost.out
