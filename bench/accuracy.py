#!/usr/bin/env python3
"""Time to a given accuracy: CPU seconds of one core until a mean is known, bias and standard error both below a bound.

    $(bench/environment.sh) bench/accuracy.py [--quick] [--only W1] [--without-qutip]

W1: <n>(10) of the Jaynes-Cummings system, W2: <n>(0.2) of the Kerr cavity, to 1 % and to 0.3 % of the mean, for every method that
the binary lists and for those of QuTiP. Per method

1. the bias is measured against the master equation (QuTiP's mesolve) at a few steps h, and c h^p is fitted to it where it is below
   10 %, p the weak order that the binary states; c h^p + d h^(p+1) if one term does not describe it;
2. the step is the largest one, among those up to the largest that was tried, below which |fitted bias| + its standard error stays
   under the bound;
3. the number of trajectories is (spread of n over trajectories / bound)^2, the cost of one its steps times the CPU time of a step.

Each method therefore pays for what is not known of its bias. For QuTiP, of which fewer trajectories can be afforded, it is |fitted
bias| - twice its standard error, in its favour: its time is at least the one printed.
"""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
import numpy as np
import tools
from workloads import WORKLOADS

BOUNDS = (0.01, 0.003)
END = {"W1": 10.0, "W2": 0.2}
# Steps to try, largest first, as multiples of the step a method takes by itself; and for QuTiP as they are. A run at a step
# that the binary refuses, or whose guards fail, is left out.
LADDER = (8, 4, 2, 1, 0.5)
QUTIP_STEPS = {"W1": (2e-2, 1e-2), "W2": (4e-5, 2e-5)}
# Biases above this are not described by a term or two.
LINEAR = 0.1
# Saved times of a run: guards are judged there.
SAVES = 10
# Wanted: the default method against em on W1 at the smaller bound.
WANTED = ("W1", 0.003, 20)


def exact(workload):
    """<n> at the end by the master equation, and the CPU seconds that took."""
    import qutip

    system = WORKLOADS[workload]()
    started = time.process_time()
    operators = [qutip.Qobj(matrix.toarray()).to("CSR") for matrix in (system.H, system.observables["n"], *system.lindblads)]
    options = {"method": "adams", "atol": 1e-11, "rtol": 1e-9, "nsteps": 10**6}
    psi0 = qutip.Qobj(system.psi0.reshape(-1, 1))
    times = np.linspace(0, END[workload], 11)
    found = qutip.mesolve(operators[0], psi0, times, operators[2:], e_ops=[operators[1]], options=options)
    return float(found.expect[0][-1]), time.process_time() - started


class Method:
    """What was measured of one method on one workload."""

    def __init__(self, program, name, weak, default=False):
        self.program, self.name, self.weak, self.default = program, name, weak, default
        self.points = []  # (h, bias, its standard error), relative to the mean
        self.std = []  # spread over trajectories, relative to the mean
        self.step_seconds = float("nan")
        self.note = ""

    def fit(self):
        """Coefficients of h^p and, if need be, h^(p+1), their covariance, and the largest step they are of; weighted least squares."""
        small = [point for point in self.points if abs(point[1]) < LINEAR] or [min(self.points)]
        h, bias, sem = np.array(small).T
        for terms in (1, 2):
            columns = np.array([h ** (self.weak + k) for k in range(terms)]).T / sem[:, None]
            covariance = np.linalg.inv(columns.T @ columns)
            coefficients = covariance @ columns.T @ (bias / sem)
            misfit = np.sum((bias / sem - columns @ coefficients) ** 2)
            if len(h) <= terms + 1 or misfit < 2 * (len(h) - terms):
                break
        return coefficients, covariance, max(h)

    def largest_step(self, bound, in_favour):
        """Up to the largest step of the fit; below it everything has to be under the bound."""
        coefficients, covariance, top = self.fit()
        steps = top * np.logspace(-4, 0, 2000)
        for below, h in zip(np.r_[steps[0], steps], steps):
            terms = np.array([h ** (self.weak + k) for k in range(len(coefficients))])
            bias, error = coefficients @ terms, np.sqrt(terms @ covariance @ terms)
            if abs(bias) + (-2 * error if in_favour else error) > bound:
                return below
        return top

    def seconds(self, bound, end, in_favour=False):
        """CPU seconds to the bound, the step and the number of trajectories."""
        if not self.points:
            return float("nan"), float("nan"), float("nan")
        h = self.largest_step(bound, in_favour)
        trajectories = (np.median(self.std) / bound) ** 2
        return trajectories * np.ceil(end / h) * self.step_seconds, h, trajectories


def run(words, method, dt, end, trajectories, threads, seed):
    """One ensemble of ours, as JSON, and the CPU seconds of a trajectory. `None` if the step is refused or a guard fails."""
    times = ["--method", method, "--dt", repr(dt), "--save-dt", repr(end / SAVES), "--duration", repr(end)]
    conduct = ["--ntraj", trajectories, "--seed", seed, "--threads", threads, "--quiet", "--json"]
    try:
        used, printed = tools.cpu_seconds([tools.QSD, "run", *words, *times, *conduct], prefix=[])
    except RuntimeError:
        return None
    found = json.loads(printed)
    return (found, used / trajectories) if found["exit_code"] == 0 else None


def ours(workload, info, truth, seconds, seed):
    """Measures one of our methods: the same share of the time for every possible step of the ladder, and the cost of a step."""
    words, end = WORKLOADS[workload]().qsd, END[workload]
    method = Method("qsd", info["name"], info["weak"], info["default"])
    threads = len(os.sched_getaffinity(0))
    usual = tools.default_step(words, info["name"])
    costs = {}
    for multiple in LADDER:
        h = float(end / SAVES / np.ceil(end / SAVES / (multiple * usual) - 1e-9))
        probe = run(words, info["name"], h, end, 128 * threads, threads, seed)
        if probe is not None:
            costs[h] = probe[1]
    for h, each in costs.items():
        count = int(max(512, min(1e7, seconds / len(costs) * threads / each)) // 8 * 8)
        found = run(words, info["name"], h, end, count, threads, seed + 1)
        if found is None:
            continue
        n = found[0]["observables"]["n"]
        method.points.append((h, n["mean"] / truth - 1, n["sem"] / truth))
        method.std.append(n["traj_std"] / truth)
        print(f"  {info['name']} h = {h:.3g}: {100 * (n['mean'] / truth - 1):+.2f} ± {100 * n['sem'] / truth:.2f} %", file=sys.stderr)
    method.step_seconds = step_cost(workload, info["name"], usual)
    return method


def step_cost(workload, name, dt):
    """CPU seconds of a trajectory-step on one core, set-up subtracted."""
    import run_qsd

    timed = run_qsd.Run(workload, name)
    timed.dt = dt
    return tools.spread(tools.two_lengths(timed.cost, timed.trajectories, 0.7, 5)["samples"])[0]


def theirs(workload, name, truth, seconds, spread):
    """The same for QuTiP's ssesolve, as many processes as there are cores. The spread is that of the unravelling, measured by ours."""
    import run_qutip

    end, threads = END[workload], len(os.sched_getaffinity(0))
    # Strong schemes: the order of means that they promise is 1.
    method = Method("QuTiP", name, 1.0)
    for h in QUTIP_STEPS[workload]:
        timed = run_qutip.Run(workload, name, dt=h)
        each = tools.two_lengths(timed.cost, 1, 0.3, 1)["samples"][0]
        count = int(max(32, seconds / len(QUTIP_STEPS[workload]) * threads / (each * end / h)))
        number = {"n": timed.observables["n"]}
        found = timed.solve([0, end], count, seeds=7, observables=number, parallel=threads if threads > 1 else 0)
        n = np.real(found.runs_e_data["n"])[:, -1]
        method.step_seconds = each if np.isnan(method.step_seconds) else min(each, method.step_seconds)
        if not np.isfinite(n).all() or n.mean() > 10 * truth:
            method.note = f"diverges at h = {h:.3g}"
            continue
        sem = n.std(ddof=1) / np.sqrt(count)
        method.points.append((h, n.mean() / truth - 1, sem / truth))
        method.std = [spread]
        print(f"  QuTiP {name} h = {h:.3g}: {100 * (n.mean() / truth - 1):+.2f} ± {100 * sem / truth:.2f} %", file=sys.stderr)
    return method


def jumps(workload, truth, seconds):
    """QuTiP's mcsolve: jumps instead of diffusion, another unravelling of the same mean; its adaptive steps count as unbiased."""
    import qutip
    import run_qutip

    timed, end = run_qutip.Run(workload, "jumps"), END[workload]
    # With the default tolerances it does not find the collapse times of W2.
    options = {"progress_bar": "", "keep_runs_results": True, "norm_steps": 50, "norm_tol": 1e-3, "norm_t_tol": 1e-8, "nsteps": 10**7}
    method = Method("QuTiP", "mcsolve (jumps)", 1.0)
    number = {"n": timed.observables["n"]}

    def solve(count, seed):
        started = time.process_time()
        found = qutip.mcsolve(
            timed.H, timed.psi0, [0, end], timed.lindblads, e_ops=number, ntraj=count, options=options, seeds=seed
        )
        return time.process_time() - started, np.real(found.runs_e_data["n"])[:, -1]

    used, _ = solve(20, 1)
    count = int(max(50, seconds * 20 / used))
    used, n = solve(count, 2)
    method.points = [(end, 0.0, 1e-9)]
    method.std, method.step_seconds = [n.std(ddof=1) / truth], used / count
    method.note = f"adaptive steps; mean off by {(n.mean() - truth) / (n.std(ddof=1) / np.sqrt(count)):+.1f} standard errors"
    return method


def report(found, truths, to):
    head = ["workload", "program", "method", "bias at h (%)", "spread of n / mean", "µs a step"]
    head += [f"CPU s to {100 * bound:g} % (h, trajectories)" for bound in BOUNDS]
    body = []
    for workload, methods in found.items():
        for method in methods:
            favour = method.program != "qsd"
            points = ", ".join(f"{100 * bias:+.2f} ± {100 * sem:.2f} ({h:.2g})" for h, bias, sem in method.points)
            if method.name.startswith("mcsolve"):
                points = method.note
            cells = []
            for bound in BOUNDS:
                seconds, h, trajectories = method.seconds(bound, END[workload], favour)
                ends = "" if method.name.startswith("mcsolve") else f"{h:.2g}, "
                at_least = "at least " if favour and ends else ""
                cells.append(f"{at_least}{seconds:.3g} ({ends}{trajectories:.2g})" if np.isfinite(seconds) else method.note or "-")
            std = f"{np.median(method.std):.2f}" if method.std else "-"
            name = method.name + (" (default)" if method.default else "")
            body.append([workload, method.program, name, points or method.note, std, f"{1e6 * method.step_seconds:.3g}", *cells])
    lines = [f"- {name}: <n>({END[name]:g}) = {truth:.7g} by the master equation, {used:.1f} CPU s" for name, (truth, used) in truths.items()]
    text = f"""# Time to a given accuracy

{tools.machine()}; {tools.revision()}. CPU seconds of one core until bias and standard error are both below the bound; see bench/accuracy.py.

{chr(10).join(lines)}

{tools.table(head, body)}
{verdict(found)}"""
    to.with_name(to.name + ".md").write_text(text)
    print(text)
    plot(found, to.with_name(to.name + ".svg"))


def verdict(found):
    workload, bound, wanted = WANTED
    mine = {method.name: method for method in found.get(workload, []) if method.program == "qsd"}
    default = next((method for method in mine.values() if method.default), None)
    if default is None or "em" not in mine:
        return ""
    ratio = mine["em"].seconds(bound, END[workload])[0] / default.seconds(bound, END[workload])[0]
    word = "reached" if ratio >= wanted else "MISSED"
    return f"{workload}, {100 * bound:g} %: {default.name} is {ratio:.0f} times faster than em; wanted {wanted}: {word}.\n"


def plot(found, path):
    figure, all_axes = tools.figure(1, len(found), figsize=(3.8 * len(found), 3.6), squeeze=False)
    for (workload, methods), axes in zip(found.items(), all_axes[0]):
        def time_of(method, bound):
            return method.seconds(bound, END[workload], method.program != "qsd")[0]

        methods = [method for method in methods if np.isfinite(time_of(method, BOUNDS[-1]))]
        methods.sort(key=lambda method: -time_of(method, BOUNDS[-1]))
        for place, method in enumerate(methods):
            colour = tools.OURS if method.program == "qsd" else tools.THEIRS
            ends = [time_of(method, bound) for bound in BOUNDS]
            axes.plot(ends, [place, place], color=colour, lw=1, alpha=0.5)
            axes.plot(ends[0], place, "o", mfc="none", mec=colour, ms=5)
            axes.plot(ends[-1], place, "o", color=colour, ms=5)
        axes.set_yticks(range(len(methods)), [f"{method.program} {method.name}" for method in methods])
        axes.set(xscale="log", xlabel="CPU seconds of one core: 1 % (open), 0.3 % (filled)")
        axes.set_title(f"{workload}: {WORKLOADS[workload]().title}", size=9)
        axes.grid(axis="x", alpha=0.25)
    figure.savefig(path, metadata={"Date": None, "Creator": "bench/accuracy.py"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute or two; biases are known less well")
    parser.add_argument("--only", default="W1,W2", help="workloads")
    parser.add_argument("--without-qutip", action="store_true", help="our methods only; QuTiP still solves the master equation")
    parser.add_argument("--seed", type=int, default=1, help="of our ensembles")
    parser.add_argument("--to", type=pathlib.Path, help="results without suffix [default: in bench/runs]")
    arguments = parser.parse_args()
    # Wall seconds for one method on one workload.
    seconds, for_qutip = (6, 4) if arguments.quick else (60, 50)
    found, truths = {}, {}
    for workload in arguments.only.split(","):
        print(workload, file=sys.stderr)
        truths[workload] = exact(workload)
        truth = truths[workload][0]
        found[workload] = [ours(workload, info, truth, seconds, arguments.seed) for info in tools.methods()]
        if not arguments.without_qutip:
            import run_qutip

            spread = next(float(np.median(method.std)) for method in found[workload] if method.default)
            found[workload] += [theirs(workload, name, truth, for_qutip, spread) for name in run_qutip.methods(workload)]
            found[workload].append(jumps(workload, truth, for_qutip / 4))
    report(found, truths, arguments.to or tools.results("accuracy", "md").with_suffix(""))


if __name__ == "__main__":
    main()
