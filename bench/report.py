#!/usr/bin/env python3
"""Time and memory of looking at results: the report of 10^4 trajectories x 1000 times x 9 observables, a folder of 300 files.

    bench/report.py [--trajectories N] [--times N]        needs target/release/qsd; keeps runs/<date>-report-<machine>.txt
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

import tools

FILES = 300


def measured(*words):
    """Wall seconds, CPU seconds and MiB of the largest memory of a command."""
    began = time.monotonic()
    child = subprocess.Popen([tools.QSD, *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, words
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def served(folder):
    """Seconds of the first and of the second page of a folder."""
    child = subprocess.Popen([tools.QSD, "view", folder, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = next(word for line in child.stdout for word in line.split() if word.startswith("http://"))
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        times = []
        for _ in range(2):
            began = time.monotonic()
            assert direct.open(address).read().count(b'href="run/') == FILES
            times.append(time.monotonic() - began)
        return times
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--trajectories", type=int, default=10_000)
    arguments.add_argument("--times", type=int, default=1000)
    asked = arguments.parse_args()
    lines = []

    def say(text):
        print(text, flush=True)
        lines.append(text)

    with tempfile.TemporaryDirectory(dir=os.environ.get("QSD_BENCH_DIRECTORY")) as directory:
        large = pathlib.Path(directory) / "large.h5"
        # Three levels and a large step: the numbers do not matter, how many there are does.
        tools.qsd("run", "absorptive_bistable", "--Nfock_a", 3, "--ntraj", asked.trajectories, "--dt", 0.01, "--save-dt", 0.01,
                  "--duration", (asked.times - 1) / 100, "--method", "em", "--allow-unsafe", "--quiet", "-o", large)
        say(f"{asked.trajectories} trajectories x {asked.times} times x 9 observables, {large.stat().st_size / 1e6:.0f} MB")
        for name, words in (("report", ["-o", large.with_suffix(".html")]), ("info", []), ("info --from", ["--from", "5"]),
                            ("plot", ["-o", large.with_suffix(".svg")])):
            wall, cpu, memory = measured(name.split()[0], large, *words)
            say(f"  {name:12} {wall:6.2f} s, {cpu:6.2f} s of CPU, {memory:5.0f} MiB")
        say(f"  the page has {large.with_suffix('.html').stat().st_size / 1e3:.0f} kB")
        large.unlink()
        folder = pathlib.Path(directory) / "folder"
        folder.mkdir()
        tools.qsd("run", "kerr_bistable", "--ntraj", 16, "--duration", 1, "--quiet", "-o", folder / "0.h5")
        for k in range(1, FILES):
            shutil.copy(folder / "0.h5", folder / f"{k}.h5")
        wall, cpu, memory = measured("info", folder)
        say(f"a folder of {FILES} files\n  {'info':12} {wall:6.2f} s, {cpu:6.2f} s of CPU, {memory:5.0f} MiB")
        say("  {:12} {:6.3f} s the first time, {:.3f} s again".format("view", *served(folder)))
    path = tools.results("report", "txt")
    path.write_text(f"{tools.machine()}, {tools.revision()}\n" + "\n".join(lines) + "\n")
    print(path)


if __name__ == "__main__":
    main()
