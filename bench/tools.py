"""What the benches share: the binary and what it says, the machine's name, timing, and where results go."""

import datetime
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
QSD = os.environ.get("QSD_BENCH_BINARY", str(HERE.parent / "target/release/qsd"))
# Words in front of every timed command, for a machine that is shared: `taskset -c 3`, `nice -n -5`.
PREFIX = os.environ.get("QSD_BENCH_PREFIX", "").split()
# One thread wherever a library would take more.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def qsd(*words):
    """What the binary prints on standard output. A guard that failed (exit code 3) is no failure of a bench."""
    ended = subprocess.run([QSD, *map(str, words)], capture_output=True, text=True)
    if ended.returncode not in (0, 3):
        raise RuntimeError(f"qsd {' '.join(map(str, words))}: {ended.stderr.strip()}")
    return ended.stdout


def methods():
    """The methods that the binary lists, in its order: name, weak order, whether it is the default."""
    text = qsd("models").split("\nMethods", 1)[1]
    found = re.findall(r"^  (\w+)( +\(default\))?\n +weak order ([\d.]+)", text, re.MULTILINE)
    return [{"name": name, "default": bool(default), "weak": float(order)} for name, default, order in found]


def default_step(words, method):
    """The step that the binary takes for these words when none is named."""
    plan = json.loads(qsd("run", *words, "--method", method, "--dry-run", "--json"))
    return plan["resolved_input"]["time"]["h"]


def cpu_seconds(command, prefix=PREFIX, **more):
    """User and system time of a command and of all it started; its standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([*prefix, *map(str, command)], capture_output=True, text=True, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {ended.returncode}: {ended.stderr.strip()[-2000:]}")
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return used, ended.stdout


def pin():
    """This process and its children on one core, the last of those it may use."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def two_lengths(cost, trajectories, seconds, repeats, save=100):
    """CPU seconds per trajectory and step, one value per repeat, set-up subtracted.

    `cost(steps)` gives the CPU seconds of `trajectories` trajectories of that many steps. Two lengths, one four times the
    other, are chosen so that the long one takes about `seconds`; a repeat times both and divides the difference.
    """
    steps, spent = save, cost(save)
    while True:
        longer = cost(4 * steps)
        rate = (longer - spent) / (3 * steps)
        if longer > seconds / 6 and rate > 0:
            break
        steps, spent = 4 * steps, longer
    short = max(save, round(seconds / rate / 4 / save) * save)
    long = 4 * short
    samples = [(cost(long) - cost(short)) / (trajectories * (long - short)) for _ in range(repeats)]
    return {"samples": samples, "trajectories": trajectories, "steps": [short, long]}


def spread(values):
    """Median, smallest, largest."""
    return statistics.median(values), min(values), max(values)


def machine():
    """The processor as it calls itself, and what the kernel dispatch cares about."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    flags = set(re.search(r"^flags\s*: (.*)$", info, re.MULTILINE)[1].split()) if "flags" in info else set()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    guest = ", virtual machine" if "hypervisor" in flags else ""
    return f"{name[1].strip() if name else os.uname().machine}, {vectors}, {os.cpu_count()} CPUs{guest}"


def results(bench, suffix):
    """bench/runs/<date>-<bench>-<machine>.<suffix>"""
    short = re.sub(r"\(.*?\)|\b(CPU|Processor|Core|Intel|AMD)\b|@.*|,.*", " ", machine())
    short = "-".join(re.findall(r"[a-z0-9]+", short.lower())[:3]) or os.uname().machine
    vm = "-vm" if "virtual" in machine() else ""
    folder = HERE / "runs"
    folder.mkdir(exist_ok=True)
    return folder / f"{datetime.date.today()}-{bench}-{short}{vm}.{suffix}"


def revision():
    """The version of the binary."""
    return qsd("--version").strip()


def table(head, rows):
    """A markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(*shape, **more):
    """An empty figure that can stand on a light and on a dark page."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    grey = "#848a90"
    plt.rcParams.update({
        "svg.hashsalt": "qsd", "svg.fonttype": "path", "font.size": 9, "font.family": "DejaVu Sans",
        "text.color": grey, "axes.labelcolor": grey, "axes.edgecolor": grey, "xtick.color": grey, "ytick.color": grey,
        "axes.spines.top": False, "axes.spines.right": False, "savefig.transparent": True,
    })
    return plt.subplots(*shape, layout="constrained", **more)


OURS, THEIRS = "#1f83c4", "#e08214"
