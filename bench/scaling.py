#!/usr/bin/env python3
"""Strong and weak scaling over ranks, what input and output and the start cost, and a model of larger machines.

    bench/scaling.py [--quick] [--ranks 1,2,4] [--oversubscribed 16]        needs target/release/qsd and mpirun

Strong: one ensemble on more ranks. Weak: as many trajectories per rank. One thread a rank, the results file kept. Both stop at the number
of cores, because ranks that share a core scale with nothing. More ranks than cores are started only for what does not need
cores of their own: the share of the main threads' time spent on writing, and the time to start, open and close.
The model puts the constants measured here together; bench/README.md names what it assumes. QSD_BENCH_MPIRUN names another launcher.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile

import tools

MPIRUN = os.environ.get("QSD_BENCH_MPIRUN", "mpirun").split()
ENSEMBLE = ["absorptive_bistable", "--duration", "10"]
# Ensembles of the model: words, trajectories to measure them with. The second has the longer trajectories.
MODELLED = [
    (ENSEMBLE, 2000),
    (["kerr_bistable", "--num-systems", "2", "--Nfock_a", "30", "--duration", "0.05"], 64),
]
# What the model takes of a cluster, not of this machine.
START = 1e-3  # seconds that launcher and MPI need per rank, if they treat ranks one after the other
NETWORK = 1e9  # bytes per second that rank 0 receives
DISK = 2e10  # bytes per second that the file system takes from all ranks together
SLOWEST = 0.03  # by how much the slowest core is slower than the mean: parts of ranks are fixed
LOOK = 0.02  # seconds between two looks at an agreement
WORK = 3600.0  # seconds of integration of every rank
# Differences of wall times below this are noise.
NOISE = 0.05
TIMED = ["bash", "-c", 'TIMEFORMAT=%R; time "$@"', "--"]


def environment():
    """What tests and demonstrations start ranks with: more of them than cores are allowed."""
    lines = (tools.HERE.parent / "scripts/mpi.env").read_text().splitlines()
    return os.environ | dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def run(ranks, words, file=None):
    """The JSON of a run, with `elapsed`, the wall time of the launcher."""
    where = ["-o", file, "--force"] if file else []
    launch = [*tools.PREFIX, *TIMED, *MPIRUN, "-n", ranks]
    command = [str(word) for word in [*launch, tools.QSD, "run", *words, "--threads", 1, "--quiet", "--json", *where]]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment())
    if ended.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(command)}: {ended.stderr.strip()}")
    return json.loads(ended.stdout) | {"elapsed": float(ended.stderr.split()[-1])}


def repeated(repeats, *words, **more):
    """Runs in turn; the one of the median wall time, and the spread of wall times."""
    runs = sorted((run(*words, **more) for _ in range(repeats)), key=lambda found: found["cost"]["wall"])
    return runs[len(runs) // 2], runs[0]["cost"]["wall"], runs[-1]["cost"]["wall"]


def percent(x):
    return f"{100 * x:.1f} %"


def scaling(ranks, ntraj, repeats, file):
    """Rows of the table of strong and weak scaling."""
    rows = []
    for kind in ("strong", "weak"):
        alone = None
        for count in ranks:
            total = ntraj if kind == "strong" else ntraj * count
            found, least, most = repeated(repeats, count, [*ENSEMBLE, "--ntraj", total], file=file)
            cost = found["cost"]
            rate = cost["steps"] / cost["wall"]
            alone = alone or rate
            rows.append([
                kind, str(count), str(total), f"{cost['wall']:.2f} [{least:.2f}, {most:.2f}]", percent(rate / alone / count),
                percent(cost["io_share"]), percent(cost["imbalance"]),
            ])  # fmt: skip
    return rows


def writing(ranks, ntraj, repeats, file):
    """Share of the main threads' time spent writing, and milliseconds of it per row, by both ways of writing."""
    rows = []
    for io in ("parallel", "gather"):
        for count in ranks:
            found, *_ = repeated(repeats, count, [*ENSEMBLE, "--ntraj", ntraj, "--io", io], file=file)
            cost = found["cost"]
            each = cost["io_share"] * cost["wall"] * cost["ranks"] / found["n_done"]
            size = file.stat().st_size / found["n_done"]
            rows.append([io, str(count), percent(cost["io_share"]), f"{1e3 * each:.3f}", f"{size / 1e3:.1f}"])
    return rows


def starting(ranks, repeats, file):
    """Seconds from the launcher's start to its end for eight short trajectories a rank, without and with a file."""
    rows = []
    for count in ranks:
        words = ["absorptive_bistable", "--duration", "0.2", "--ntraj", 8 * count]
        without = statistics.median(run(count, words)["elapsed"] for _ in range(repeats))
        with_file = statistics.median(run(count, words, file=file)["elapsed"] for _ in range(repeats))
        rows.append([str(count), f"{without:.2f}", f"{with_file:.2f}"])
    return rows


def joining(count, repeats):
    """Bytes of statistics that ranks send to rank 0, and the seconds beyond a run that has none to send."""
    saves = 20000
    words = ["absorptive_bistable", "--dt", "0.005", "--duration", 0.005 * saves, "--ntraj", 8 * count]

    def beyond(save_dt):
        found = run(count, [*words, "--save-dt", save_dt])
        return found["elapsed"] - found["cost"]["core_seconds"] / min(count, os.cpu_count())

    longer = min(beyond(0.005) for _ in range(repeats)) - min(beyond(10) for _ in range(repeats))
    # Mean and squares of 15 series and one leak, and the largest leak; each rank has one batch, which is one node.
    return (count - 1) * node_bytes(16, saves + 1), longer


def node_bytes(series, times):
    """A node of the tree: mean and squared deviations of every series (leaks are one too), and the largest leak."""
    return 8 * times * (2 * series + 1)


def measured(words, ntraj, file):
    """What the model needs of an ensemble: core seconds of a trajectory, bytes of a row, seconds of writing it, saved times."""
    found = run(1, [*words, "--ntraj", ntraj], file=file)
    cost, plan = found["cost"], json.loads(tools.qsd("run", *words, "--dry-run", "--json"))
    return {
        "trajectory": cost["core_seconds"] / found["n_done"],
        "row": file.stat().st_size / found["n_done"],
        "write": cost["io_share"] * cost["wall"] / found["n_done"],
        "saves": plan["saves"],
        "series": 2 * len(found["observables"]),
    }


def model(of, join):
    """Weak scaling on paper: rows of (ranks, efficiency, seconds lost to what)."""
    trajectories = WORK / of["trajectory"]
    # A contiguous part of B batches is at most about 2 log2(B) whole nodes of the tree.
    nodes = 2 * math.log2(max(trajectories / 8, 2))
    rows = []
    for ranks in (1, 10, 100, 1000, 10_000):
        several = float(ranks > 1)
        parts = {
            "start": START * ranks,
            "slowest core": several * SLOWEST * WORK,
            "last batch": several * 8 * of["trajectory"],
            "writing": trajectories * of["write"],
            # Rows are written while others are integrated, until the file system takes no more.
            "full disk": max(0.0, trajectories * ranks * of["row"] / DISK - WORK),
            "statistics": (ranks - 1) * nodes * node_bytes(of["series"], of["saves"]) * (1 / NETWORK + join),
            "agreement": LOOK * math.log2(ranks),
        }
        rows.append([str(ranks), percent(WORK / (WORK + sum(parts.values()))), *(f"{lost:.3g}" for lost in parts.values())])
    words = f"{1e3 * of['trajectory']:.3g} ms a trajectory, {of['row'] / 1e3:.1f} kB a row, {of['saves']} saved times"
    full = f"the file system is full from {DISK * of['trajectory'] / of['row']:.2g} ranks on"
    return f"{words}; {full}.\n\n" + tools.table(["ranks", "efficiency", *(f"{name} (s)" for name in parts)], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = len(os.sched_getaffinity(0))
    powers = sorted({1, cores, *(2**k for k in range(20) if 2**k <= cores)})
    parser.add_argument("--ranks", default=",".join(map(str, powers)), help="for scaling [default: powers of two to the cores]")
    parser.add_argument("--oversubscribed", type=int, default=16, help="most ranks for writing and starting")
    parser.add_argument("--quick", action="store_true", help="shorter runs, fewer repeats")
    parser.add_argument("--to", type=pathlib.Path, help="the table [default: in bench/runs]")
    arguments = parser.parse_args()
    ranks = [int(count) for count in arguments.ranks.split(",")]
    many = [2**k for k in range(12) if 2**k <= arguments.oversubscribed]
    ntraj, repeats = (2000, 3) if arguments.quick else (20000, 5)
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "run.h5"
        of_scaling = scaling(ranks, ntraj, repeats, file)
        of_writing = writing(many, ntraj // 4, 3, file)
        of_starting = starting(many, 3, file)
        sent, longer = joining(8, 3)
        # No better than the noise allows.
        join = max(longer, NOISE) / sent
        of_model = [f"`{' '.join(words)}`: " + model(measured(words, count, file), join) for words, count in MODELLED]
    joined = f"{longer:.2f} s" if longer > NOISE else f"less than {NOISE} s, which is the noise,"
    text = f"""# Scaling over ranks

{tools.machine()}; {tools.revision()}; `{" ".join(ENSEMBLE)}`, one thread a rank.

## Strong and weak

{tools.table(["", "ranks", "trajectories", "wall (s): median [min, max]", "efficiency", "writing", "imbalance"], of_scaling)}
## Writing

{tools.table(["--io", "ranks", "share of the main threads", "ms per row, all ranks", "kB per row"], of_writing)}
## Starting and ending

Seconds from start to end of the launcher, with eight short trajectories a rank; ranks beyond {cores} share cores.

{tools.table(["ranks", "without a file", "with a file"], of_starting)}
## Joining statistics

8 ranks, 20001 saved times: {sent / 1e6:.0f} MB sent to rank 0 and joined in {joined} beyond the same run with few saved times.

## On paper

Weak scaling with {WORK:g} s of integration a rank. Assumed: {START:g} s of start per rank, {NETWORK:g} B/s into rank 0, {DISK:g} B/s into
the file system, a slowest core {100 * SLOWEST:g} % below the mean, {LOOK:g} s between looks.

{chr(10).join(of_model)}"""
    (arguments.to or tools.results("scaling", "md")).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
