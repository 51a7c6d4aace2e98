"""This program: one process, one thread, no file. `em` takes the step of the original script, as the other programs do; every
other method the step it would take by itself, because the cost of a step may depend on it.
"""

import json

import tools
from workloads import SAVE_EVERY, WORKLOADS


def methods(workload):
    # Two linked systems have no exact part for the default to integrate.
    linked = "--num-systems" in WORKLOADS[workload]().qsd
    return [method["name"] for method in tools.methods() if not (linked and method["default"])]


class Run:
    """Trajectories of one workload by one method; `cost` integrates them for so many steps."""

    trajectories = 256

    def __init__(self, workload, method):
        self.system = WORKLOADS[workload]()
        self.words = [*self.system.qsd, "--method", method]
        self.dt = self.system.dt if method == "em" else tools.default_step(self.system.qsd, method)
        self.note = f"h = {self.dt:.2g}"

    def _run(self, dt, save, saves):
        times = ["--dt", repr(dt), "--save-dt", repr(save), "--duration", repr(saves * save)]
        conduct = ["--threads", 1, "--allow-unsafe", "--quiet", "--json"]
        return tools.cpu_seconds([tools.QSD, "run", *self.words, *times, "--ntraj", self.trajectories, *conduct])

    def cost(self, steps):
        return self._run(self.dt, SAVE_EVERY * self.dt, steps // SAVE_EVERY)[0]

    def early(self):
        number, steps = self.system.check
        end = steps * self.system.dt
        found = json.loads(self._run(min(self.dt, end), end, 1)[1])["observables"][number]
        return found["mean"], found["sem"]
