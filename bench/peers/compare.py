#!/usr/bin/env python3
"""CPU seconds per trajectory and step on one core: qsd beside QuTiP, dynamiqs and XMDS2. Start it through bench/peers/run.sh.

    bench/peers/run.sh [--quick] [--only W1,W2] [--peers qsd,qutip] [--to FILE without suffix]

Two lengths of the same run are timed and the difference divided by its steps, so that starting, compiling and importing do not
count. All observables are measured every 100 steps, by every program. Before it is timed a program has to have a mean of the
master equation after 300 steps. The table and the plot go to bench/runs.
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tools
from workloads import SAVE_EVERY, WORKLOADS

PEERS = {"qsd": "qsd", "xmds": "XMDS2", "dynamiqs": "dynamiqs", "qutip": "QuTiP"}
# Required on W1 and W2: em of qsd against these, each at its fastest.
WANTED = [("XMDS2", "XMDS2 Euler", 10), ("QuTiP", "QuTiP's fastest heterodyne method", 100)]


def exact_number(workload):
    """The mean that is checked, by the master equation. Few levels of W3 are occupied by then."""
    import numpy as np
    import qutip

    system = WORKLOADS[workload](12) if workload == "W3" else WORKLOADS[workload]()
    name, steps = system.check
    number, psi0 = qutip.Qobj(system.observables[name].toarray()), qutip.Qobj(system.psi0.reshape(-1, 1))
    times = np.array([0, steps * system.dt])
    lindblads = [qutip.Qobj(L.toarray()).to("CSR") for L in system.lindblads]
    options = {"method": "adams", "atol": 1e-12, "rtol": 1e-9, "nsteps": 100000}
    return qutip.mesolve(qutip.Qobj(system.H.toarray()).to("CSR"), psi0, times, lindblads, e_ops=[number], options=options).expect[0][-1]


def one(peer, workload, method, seconds, repeats):
    """In a process of its own: one row of the table."""
    tools.pin()
    os.environ |= tools.ONE_THREAD
    module = importlib.import_module(f"run_{peer}")
    run = module.Run(workload, method)
    row = {"peer": PEERS[peer], "workload": workload, "method": method, "note": run.note, "early": run.early()}
    row |= tools.two_lengths(run.cost, run.trajectories, seconds, repeats, SAVE_EVERY)
    if peer == "qsd":
        row["default"] = any(found["name"] == method and found["default"] for found in tools.methods())
        row["dt"] = run.dt
    print(json.dumps(row))


def measure(peer, workload, method, seconds, repeats):
    words = [sys.executable, __file__, "--one", peer, workload, method, str(seconds), str(repeats)]
    # Children of the other process time themselves: the prefix is for the whole of it.
    ended = subprocess.run([*tools.PREFIX, *words], capture_output=True, text=True, env=os.environ | {"QSD_BENCH_PREFIX": ""})
    if ended.returncode != 0:
        print(f"  {PEERS[peer]} {method} FAILED on {workload}: {ended.stderr.strip()[-1500:]}", file=sys.stderr)
        return {"peer": PEERS[peer], "workload": workload, "method": method, "failed": ended.stderr.strip().splitlines()[-1][-200:]}
    return json.loads(ended.stdout.strip().splitlines()[-1])


def judge(row, exact):
    """What is to be said of the mean that a program finds."""
    mean, sem = row["early"]
    name, steps = WORKLOADS[row["workload"]]().check
    if mean != mean:
        return f"not finite after {steps} steps"
    # Euler's own error after so few steps is below 0.2 %.
    if abs(mean - exact) > 0.005 * abs(exact) + 5 * sem:
        return f"WRONG: {name} = {mean:.4g} ± {sem:.2g} after {steps} steps, exact {exact:.4g}"
    return ""


def microseconds(x):
    return f"{x:.3g}"


def report(rows, exact, to, arguments):
    head = ["workload", "program", "method", "µs per trajectory-step: median [min, max]", "times em of qsd", "remark"]
    body, required = [], []
    for workload in exact:
        mine = [row for row in rows if row["workload"] == workload]
        times = {(row["peer"], row["method"]): tools.spread([1e6 * x for x in row["samples"]]) for row in mine if "samples" in row}
        em = times.get(("qsd", "em"), (float("nan"),))[0]
        for row in mine:
            if "failed" in row:
                body.append([workload, row["peer"], row["method"], "failed", "", row["failed"].replace("|", "/")])
                continue
            median, least, most = times[row["peer"], row["method"]]
            remark = "; ".join(filter(None, [row["note"], "default" * row.get("default", False), judge(row, exact[workload])]))
            what = f"{microseconds(median)} [{microseconds(least)}, {microseconds(most)}]"
            body.append([workload, row["peer"], row["method"], what, f"{median / em:.3g}", remark])
        for peer, words, ratio in WANTED:
            found = [time[0] for (who, _), time in times.items() if who == peer]
            if workload in ("W1", "W2") and found:
                reached = min(found) / em
                required.append([workload, words, f"{ratio}", f"{reached:.0f}", "reached" if reached >= ratio else "MISSED"])
    titles = "\n".join(f"- {name}: {WORKLOADS[name]().title}, h = {WORKLOADS[name]().dt:g}" for name in exact)
    text = f"""# qsd and its peers

{tools.machine()}; {tools.revision()}; {versions()}.
CPU time (user and system) of one core, set-up subtracted, all observables every {SAVE_EVERY} steps, {arguments.repeats} repeats.

{titles}

{tools.table(head, body)}
{tools.table(["workload", "em of qsd against", "wanted", "measured", ""], required)}"""
    to.with_name(to.name + ".md").write_text(text)
    print(text)
    plot(rows, list(exact), to.with_name(to.name + ".svg"))


def versions():
    from importlib.metadata import version

    found = [f"QuTiP {version('qutip')}", f"dynamiqs {version('dynamiqs')}"]
    try:
        found.append(subprocess.run(["xmds2", "--version"], capture_output=True, text=True).stdout.split('"')[0].strip())
    except FileNotFoundError:
        found.append("XMDS2 was NOT measured: it is not installed")
    return ", ".join(found)


def plot(rows, workloads, path):
    figure, all_axes = tools.figure(1, len(workloads), figsize=(3.4 * len(workloads), 3.6), squeeze=False)
    for workload, axes in zip(workloads, all_axes[0]):
        mine = [row for row in rows if row["workload"] == workload and "samples" in row]
        mine.sort(key=lambda row: -tools.spread(row["samples"])[0])
        for place, row in enumerate(mine):
            median, least, most = tools.spread([1e6 * x for x in row["samples"]])
            colour = tools.OURS if row["peer"] == "qsd" else tools.THEIRS
            axes.plot([least, most], [place, place], color=colour, lw=5, alpha=0.4, solid_capstyle="butt")
            axes.plot(median, place, "o", color=colour, ms=5)
        axes.set_yticks(range(len(mine)), [f"{row['peer']} {row['method']}" for row in mine])
        axes.set(xscale="log", xlabel="µs of CPU per trajectory-step", title=workload + ": " + WORKLOADS[workload]().title.replace(", ", "\n"))
        axes.title.set_size(9)
        axes.grid(axis="x", alpha=0.25)
    figure.savefig(path, metadata={"Date": None, "Creator": "bench/peers/compare.py"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time; spreads are larger")
    parser.add_argument("--only", default="W1,W2,W3", help="workloads")
    parser.add_argument("--peers", default=",".join(PEERS), help="programs")
    parser.add_argument("--to", type=pathlib.Path, help="results without suffix [default: in bench/runs]")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        peer, workload, method, seconds, repeats = arguments.one
        return one(peer, workload, method, float(seconds), int(repeats))
    seconds, arguments.repeats = (0.3, 3) if arguments.quick else (1.5, 5)
    rows, exact = [], {}
    for workload in arguments.only.split(","):
        exact[workload] = exact_number(workload)
        for peer in arguments.peers.split(","):
            for method in importlib.import_module(f"run_{peer}").methods(workload):
                print(f"{workload}: {PEERS[peer]} {method}", file=sys.stderr, flush=True)
                rows.append(measure(peer, workload, method, seconds, arguments.repeats))
    to = arguments.to or tools.results("peers", "md").with_suffix("")
    report(rows, exact, to, arguments)
    if any("failed" in row for row in rows):
        sys.exit("some measurements failed, see above")


if __name__ == "__main__":
    main()
