#!/usr/bin/env python3
"""What making, opening and closing the results file costs, over ranks, and what it would cost on larger machines.

    bench/opening.py [--rounds 9] [--most 64] [--directory DIR]        needs target/release/qsd and mpirun

One short batch a rank, with a results file and without one in turn; the cost is the difference of the wall times of a pair, from the
launcher's start to its end. More ranks than cores share them, so ranks open and close one after the other here: what
is measured grows with ranks at least as fast as on a machine that has a core for each. A line through the medians is followed beyond.
"""

import argparse
import os
import pathlib
import statistics
import tempfile

import scaling
import tools

BEYOND = (100, 1000, 10_000)


def costs(ranks, rounds, file):
    """Seconds that the file costs, one value a round; and those of the runs without one."""
    words = ["absorptive_bistable", "--duration", "0.2", "--ntraj", 8 * ranks]
    pairs = [[scaling.run(ranks, words, file=where)["elapsed"] for where in (file, None)] for _ in range(rounds)]
    return [with_file - without for with_file, without in pairs], [without for _, without in pairs]


def line(points):
    """Least squares of the relative error: intercept and slope of cost over ranks, both at least 0."""
    weights = [1 / max(cost, 1e-3) ** 2 for _, cost in points]
    total = sum(weights)
    x = sum(w * ranks for w, (ranks, _) in zip(weights, points)) / total
    y = sum(w * cost for w, (_, cost) in zip(weights, points)) / total
    square = sum(w * (ranks - x) ** 2 for w, (ranks, _) in zip(weights, points))
    slope = max(0.0, sum(w * (ranks - x) * (cost - y) for w, (ranks, cost) in zip(weights, points)) / square)
    return max(0.0, y - slope * x), slope


def quartiles(values):
    least, _, most = statistics.quantiles(values, n=4, method="inclusive")
    return f"{statistics.median(values):.3f} [{least:.3f}, {most:.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--most", type=int, default=64, help="ranks: powers of two up to this")
    parser.add_argument("--directory", help="where the file is made [default: that for temporary files]")
    parser.add_argument("--to", type=pathlib.Path, help="the table [default: in bench/runs]")
    arguments = parser.parse_args()
    rows, points = [], []
    with tempfile.TemporaryDirectory(dir=arguments.directory) as scratch:
        for ranks in [2**k for k in range(20) if 2**k <= arguments.most]:
            cost, without = costs(ranks, arguments.rounds, pathlib.Path(scratch) / "run.h5")
            points.append((ranks, statistics.median(cost)))
            rows.append([str(ranks), quartiles(without), quartiles(cost)])
    intercept, slope = line(points)
    beyond = ", ".join(f"{intercept + slope * ranks:.2g} s with {ranks}" for ranks in BEYOND)
    text = f"""# Opening and closing the results file

{tools.machine()}; {tools.revision()}; {arguments.rounds} pairs of runs each, ranks beyond {os.cpu_count()} share cores. Seconds: median
[quartiles].

{tools.table(["ranks", "a run without a file", "the file in addition"], rows)}
A line through the medians, of least relative error: {1e3 * intercept:.0f} ms and {1e3 * slope:.2f} ms a rank, which would be {beyond} ranks.
"""
    (arguments.to or tools.results("opening", "md")).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
