#!/usr/bin/env python3
"""Would a Fock space that grows and shrinks with the state pay here? A count of the levels that stored kets need.

    $(bench/environment.sh) bench/truncation.py [--quick]

For kets of built-in regimes (`--store-states all`), at every saved time after the first tenth: the number of Fock levels n such that
the population of n and above is below TAIL, for a single trajectory, and the largest of it among the eight trajectories of a batch, which
share one operator table and would have to share one size. The rows that a batch would integrate are that maximum plus a margin of
four levels, rounded up to a multiple of four. Two spaces are compared with: the one the regime has by default, and the
smallest one that keeps `leak_a` good, found by running again.

Times: rows are what a pass is made of, and what it costs beside is the same for any number of them. The cost of a step is measured at two sizes, so
that a + b N describes it; the gain in time is (a + b N)/(a + b rows), without what growing and shrinking costs.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np
import tools

TAIL, MARGIN, MULTIPLE, LANES = 1e-6, 4, 4, 8
# Name, regime, further words, longest time, save interval, states of the other factors (slowest index is the cavity).
RUNS = [
    ("Jaynes-Cummings", "absorptive_bistable", [], 200.0, 0.5, 2),
    ("Kerr A", "kerr_bistableA21.75", [], 2.0, 0.01, 1),
    ("Kerr B", "kerr_bistableB33.25", [], 2.0, 0.01, 1),
    ("Kerr qubit", "kerr_qubit", [], 4.0, 0.04, 1),
]


def kets(words, scratch, ntraj):
    """Populations of the cavity: trajectory, time, Fock level."""
    path = pathlib.Path(scratch) / "kets.h5"
    tools.qsd("run", *words, "--ntraj", ntraj, "--store-states", "all", "--allow-unsafe", "--quiet", "--force", "-o", path)
    with h5py.File(path) as file:
        psi = file["psi"][:]
        rest = np.prod(psi.shape[2:], dtype=int)
        return psi.reshape(*psi.shape[:2], rest)


def levels_needed(population):
    """Smallest n with a population below TAIL in the levels n and above."""
    tail = np.cumsum(population[..., ::-1], axis=-1)[..., ::-1]
    return (tail >= TAIL).sum(axis=-1)


def is_good(words, nfock, ntraj):
    """Whether the leak guard stays good with so many levels; a run that is refused is not."""
    try:
        found = json.loads(tools.qsd("run", *words, "--Nfock_a", nfock, "--ntraj", ntraj, "--quiet", "--json"))
    except (RuntimeError, json.JSONDecodeError):
        return False
    return all(guard["verdict"] == "good" for guard in found["guards"] if guard["name"].startswith("leak"))


def smallest_good(words, default, ntraj):
    """The smallest space, in steps of two levels, whose leak guard is good."""
    low, high = 4, default
    while not is_good(words, high, ntraj):
        low, high = high, high + 10
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if is_good(words, middle, ntraj) else (middle, high)
    return high


def step_cost(regime, nfock):
    """CPU seconds of a trajectory-step of the default method."""
    dt = tools.default_step([regime, "--Nfock_a", nfock], default_method())

    def cost(steps):
        times = ["--dt", repr(dt), "--save-dt", repr(100 * dt), "--duration", repr(steps * dt)]
        words = ["run", regime, "--Nfock_a", nfock, *times, "--ntraj", 64, "--threads", 1, "--allow-unsafe", "--quiet", "--json"]
        return tools.cpu_seconds([tools.QSD, *words])[0]

    return tools.spread(tools.two_lengths(cost, 64, 0.5, 5)["samples"])[0]


def default_method():
    return next(method["name"] for method in tools.methods() if method["default"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter runs of fewer trajectories")
    parser.add_argument("--to", type=pathlib.Path, help="the table [default: in bench/runs]")
    arguments = parser.parse_args()
    ntraj, shorter = (32, 0.25) if arguments.quick else (128, 1.0)
    head = ["regime", "Nfock_a", "levels of a trajectory: mean, largest", "largest of eight: mean, largest",
            "rows of a batch / N", "gain in rows", "gain in time"]  # fmt: skip
    body = []
    for name, regime, more, duration, save, other in RUNS:
        words = [regime, *more, "--duration", shorter * duration, "--save-dt", save]
        plan = json.loads(tools.qsd("run", *words, "--dry-run", "--json"))
        default = plan["basis_states"] // other
        with tempfile.TemporaryDirectory() as scratch:
            psi = kets(words, scratch, ntraj)
        population = (np.abs(psi) ** 2).reshape(*psi.shape[:2], default, other).sum(axis=-1)
        population /= population.sum(axis=-1, keepdims=True)
        levels = levels_needed(population)[:, psi.shape[1] // 10 :]
        largest = levels.reshape(-1, LANES, levels.shape[1]).max(axis=1)
        needed = smallest_good(words, default, ntraj)
        small, large = step_cost(regime, default // 2), step_cost(regime, default)
        slope = (large - small) / (default - default // 2)
        base = large - slope * default
        for size, what in ((default, "default"), (needed, "what the guard needs")):
            rows = np.minimum(-(-(largest + MARGIN) // MULTIPLE) * MULTIPLE, size)
            share = rows.mean() / size
            gain = (base + slope * size) / (base + slope * rows.mean())
            body.append([
                name, f"{size} ({what})", f"{levels.mean():.1f}, {levels.max()}", f"{largest.mean():.1f}, {largest.max()}",
                f"{share:.2f}", f"{1 / share:.2f}", f"{gain:.2f}",
            ])  # fmt: skip
        print(f"{name}: done", file=sys.stderr)
    text = f"""# Levels that states need, and what a batch could save

{tools.machine()}; {tools.revision()}, method {default_method()}; {ntraj} trajectories, tail {TAIL:g}, margin {MARGIN}, sizes in multiples of {MULTIPLE}.

{tools.table(head, body)}"""
    (arguments.to or tools.results("truncation", "md")).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
