# shellcheck shell=bash
# Results to hand to a reader.

mkdir -p "$work/results"
cp "$work/native.h5" "$work/results/"
claim "results are published in an image" scripts/image.sh "$work/published.sif" containers/publish.def IMAGE="$images/$here.sif" RUNS="$work/results"
claim "which shows them when it is started" sh -c "'$work/published.sif' | grep -q '40 of 40'"
claim "and is still the command" sh -c "'$work/published.sif' info --json /results/native.h5 | grep -q ntraj"
