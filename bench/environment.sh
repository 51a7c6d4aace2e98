#!/usr/bin/env bash
# Prints the Python of the benches, a virtual environment in the user's cache, after making it if it is missing.
# Packages come from the index that pip is configured for; nothing is written into the checkout.
set -euo pipefail
cd "$(dirname "$0")"

environment=${XDG_CACHE_HOME:-$HOME/.cache}/qsd-bench
python=$environment/bin/python
stamp=$environment/requirements.txt

# The first Python that can make virtual environments, of a version that the packages support.
base_python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import sys, ssl, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "no Python 3.11 or later with venv and ssl: apt-get install python3-venv, or load a module" >&2
    return 1
}

if ! cmp -s requirements.txt "$stamp"; then
    echo "setting up $environment (QuTiP, dynamiqs and what they need: about 1 GB)" >&2
    base=$(base_python)
    "$base" -m venv --clear "$environment" >&2
    if ! "$python" -m pip install --quiet -r requirements.txt >&2; then
        echo "pip could not install the packages of bench/requirements.txt; look at the lines above and at 'pip config list'" >&2
        exit 1
    fi
    cp requirements.txt "$stamp"
fi
echo "$python"
