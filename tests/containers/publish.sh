# shellcheck shell=bash
# Results to hand to a reader.

mkdir -p "$work/results"
cp "$work/native.h5" "$work/results/"
claim "results are published in an image" scripts/image.sh "$work/published.sif" containers/publish.def IMAGE="$images/$here.sif" RUNS="$work/results"
claim "it is still the command" sh -c "'$work/published.sif' info --json /results/native.h5 | grep ntraj >/dev/null"

# A page with the results at this address, within ten seconds.
serves() {
    local where=$1 server page i
    shift
    "$@" >"$work/server" 2>&1 &
    server=$!
    for ((i = 0; i < 100; i++)); do
        page=$(curl -sf "$where" 2>/dev/null) && break
        kill -0 $server 2>/dev/null || break
        sleep 0.1
    done
    kill $server 2>/dev/null
    wait $server 2>/dev/null
    cat "$work/server"
    grep -qi '<html' <<<"$page"
}

if knows view; then
    claim "started, a published image shows its results" serves http://127.0.0.1:9871/ "$work/published.sif" --port 9871
    claim "an image shows the results of a directory" serves http://127.0.0.1:9872/ singularity --quiet run --app view "$images/$here.sif" "$work/results" --port 9872
else
    skip "images that show results" "this qsd has no view"
fi
