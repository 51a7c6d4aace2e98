# shellcheck shell=bash
# Results to hand to a reader.

mkdir -p "$work/results"
cp "$work/native.h5" "$work/results/"
claim "results are published in an image" scripts/image.sh "$work/published.sif" containers/publish.def IMAGE="$images/$here.sif" RUNS="$work/results"
claim "it is still the command" sh -c "'$work/published.sif' info --json /results/native.h5 | grep ntraj >/dev/null"

# At the address that it says there is a page, within ten seconds.
serves() {
    local server page='' address i
    "$@" >"$work/server" 2>&1 &
    server=$!
    for ((i = 0; i < 100; i++)); do
        address=$(sed -n 's/^ *open *\(http:.*\)/\1/p' "$work/server")
        if [ -n "$address" ]; then page=$(curl -sf "$address") && break; fi
        kill -0 $server 2>/dev/null || break
        sleep 0.1
    done
    kill $server 2>/dev/null
    wait $server 2>/dev/null
    cat "$work/server"
    grep -qi '<html.*native.h5' <<<"${page//$'\n'/ }"
}

if knows view; then
    claim "started, a published image shows its results" serves "$work/published.sif" --port 9871
    claim "an image shows the results of a directory" serves singularity --quiet run --app view "$images/$here.sif" "$work/results" --port 9872
else
    skip "images that show results" "this qsd has no view"
fi
