"""QuTiP's ssesolve with heterodyne detection, one trajectory after the other in one process."""

import time

import numpy as np
import qutip
from workloads import SAVE_EVERY, WORKLOADS


def methods(_workload):
    return ["euler", "rouchon", "platen", "explicit1.5"]


class Run:
    trajectories = 1

    def __init__(self, workload, method, dt=None):
        self.system = WORKLOADS[workload]()
        self.method, self.dt = method, dt or self.system.dt
        self.note = ""

        # The faster of its two sparse layouts at this size, where it was measured.
        layout = "CSR" if len(self.system.psi0) < 400 else "Dia"

        def operator(matrix):
            return qutip.Qobj(matrix.toarray()).to(layout)

        self.H = operator(self.system.H)
        self.lindblads = [operator(matrix) for matrix in self.system.lindblads]
        self.observables = {name: operator(matrix) for name, matrix in self.system.observables.items()}
        self.psi0 = qutip.Qobj(self.system.psi0.reshape(-1, 1))

    def solve(self, times, trajectories, seeds=1, observables=None, parallel=0):
        options = {"progress_bar": "", "method": self.method, "dt": self.dt, "keep_runs_results": True, "store_measurement": ""}
        if parallel:
            options |= {"map": "parallel", "num_cpus": parallel}
        return qutip.ssesolve(
            self.H, self.psi0, times, sc_ops=self.lindblads, heterodyne=True, ntraj=trajectories, seeds=seeds,
            e_ops=observables or self.observables, options=options,
        )

    def cost(self, steps):
        started = time.process_time()
        self.solve(np.arange(steps // SAVE_EVERY + 1) * SAVE_EVERY * self.dt, self.trajectories)
        return time.process_time() - started

    def early(self):
        name, steps = self.system.check
        trajectories = 16 if len(self.system.psi0) < 400 else 4
        number = {"n": self.observables[name]}
        found = self.solve([0, steps * self.dt], trajectories, observables=number)
        n = np.real(found.runs_e_data["n"])[:, -1]
        return n.mean(), n.std(ddof=1) / np.sqrt(trajectories)
