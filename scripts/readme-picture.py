#!/usr/bin/env python3
"""The picture of README.md from a real run:

    qsd run kerr_bistable --ntraj 256 --duration 1 -o kerr.h5
    scripts/readme-picture.py kerr.h5 docs/kerr-switching.svg

Needs matplotlib and h5py (python3 -m venv /tmp/picture && /tmp/picture/bin/pip install matplotlib h5py).
No background and grey letters, so that it can stand on a light and on a dark page.
"""

import sys

import h5py
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# <a.dag a> of the master equation (QuTiP 5.3.1, converged in the cutoff), for Nfock_a = 40 and alpha0 = 21.75.
EXACT = [(0.02, 2.216749), (0.05, 3.313928), (0.1, 2.711410), (0.2, 2.797293), (0.5, 3.087119), (1.0, 3.513557)]
HIGH = 9  # between the two branches
GREY, BLUE, THIN = "#848a90", "#1f83c4", ["#e08214", "#3a9d6e", "#b565a7"]


def main(results, picture):
    with h5py.File(results) as file:
        if file.attrs["format"] != b"qsd-result" and file.attrs["format"] != "qsd-result":
            sys.exit(f"{results} is not a result of qsd")
        if not file["state/complete"][()]:
            sys.exit(f"{results} is not complete")
        time, n = file["time"][:], file["n"][:]
        mean, sem = file["n_mean"][:], file["n_sem"][:]
        number = file["trajectory"][:]

    # The first two trajectories that change branch and stay there for a while, and the first that never does.
    high = (n > HIGH).sum(axis=1)
    switching = [k for k in range(len(n)) if 0.15 * len(time) < high[k] < 0.85 * len(time)]
    shown = sorted(switching[:2] + [k for k in range(len(n)) if high[k] == 0][:1])

    plt.rcParams.update({
        "svg.hashsalt": "qsd", "svg.fonttype": "path", "font.size": 10, "font.family": "DejaVu Sans",
        "text.color": GREY, "axes.labelcolor": GREY, "axes.edgecolor": GREY, "xtick.color": GREY, "ytick.color": GREY,
        "axes.spines.top": False, "axes.spines.right": False, "path.simplify_threshold": 0.4,
    })
    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(8, 3.4), width_ratios=[5, 1], layout="constrained"
    )
    for k, colour in zip(shown, THIN):
        left.plot(time, n[k], color=colour, lw=0.9, alpha=0.9, label=f"trajectory {number[k]}")
    left.fill_between(time, mean - 2 * sem, mean + 2 * sem, color=BLUE, alpha=0.35, lw=0)
    left.plot(time, mean, color=BLUE, lw=2, label=f"mean of {len(n)}, band ± 2 standard errors")
    left.plot(*zip(*EXACT), "o", mfc="none", mec=GREY, ms=6, mew=1.4, clip_on=False, zorder=5, label="master equation")
    left.set(xlabel="time (1/rate)", ylabel="⟨a†a⟩", xlim=(0, time[-1]), ylim=(0, None))
    # "outside upper left" needs matplotlib 3.7.
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.86))
    figure.legend(frameon=False, ncols=3, fontsize=8.5, loc="upper left")
    right.hist(n[:, -1], bins=24, orientation="horizontal", color=BLUE, alpha=0.7)
    right.set(xlabel=f"trajectories\nat t = {time[-1]:g}", xscale="log")
    figure.savefig(picture, transparent=True, metadata={"Date": None, "Creator": "scripts/readme-picture.py"})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: scripts/readme-picture.py RESULTS.h5 PICTURE.svg")
    main(*sys.argv[1:])
