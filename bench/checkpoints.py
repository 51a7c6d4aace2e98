#!/usr/bin/env python3
"""What checkpoints and refreshed statistics cost: the same runs with one every second and with none, in turn.

    bench/checkpoints.py [PAIRS]        needs target/release/qsd; prints medians and the share at the default interval

Two runs: trajectories as long as the run, whose states are kept, and many short ones, whose statistics are.
"""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

QSD = pathlib.Path(__file__).resolve().parent.parent / "target/release/qsd"
DEFAULT_INTERVAL = 600.0
RUNS = {
    "16 long trajectories": ["--ntraj", "16", "--duration", "30000", "--save-dt", "30"],
    "many short trajectories": ["--ntraj", "15000", "--duration", "10"],
}


def seconds(words, every, directory):
    """Wall time of one run, and how many checkpoints it could take."""
    file = pathlib.Path(directory) / "run.h5"
    command = [QSD, "run", *words, "--checkpoint-every", every, "--json", "--quiet", "--force", "-o", file]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    wall = json.loads(ended.stdout)["cost"]["wall"]
    return wall, int(wall)


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{platform.node()}: {platform.machine()}, {os.cpu_count()} CPUs, {pairs} pairs")
    with tempfile.TemporaryDirectory() as directory:
        for name, words in RUNS.items():
            found = [(seconds(words, "1s", directory), seconds(words, "100h", directory)) for _ in range(pairs)]
            without = statistics.median(wall for _, (wall, _) in found)
            with_them = statistics.median(wall for (wall, _), _ in found)
            each = [(a - b) / max(count, 1) for (a, count), (b, _) in found]
            cost = statistics.median(each)
            print(f"{name}: {with_them:.2f} s with one a second, {without:.2f} s with none;", end=" ")
            print(f"one costs {1e3 * cost:.1f} ms (from {1e3 * min(each):.1f} to {1e3 * max(each):.1f}),", end=" ")
            print(f"{100 * max(cost, 0) / DEFAULT_INTERVAL:.4f} % of a run at the default interval")


if __name__ == "__main__":
    main()
