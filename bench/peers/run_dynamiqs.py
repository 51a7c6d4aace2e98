"""dynamiqs' dssesolve, a batch of trajectories by vmap, operators stored by diagonals, double precision, compiled before it is timed.

It knows homodyne detection only: one heterodyne channel is two of them, with L/sqrt(2) and -i L/sqrt(2).
"""

import os
import time

os.environ |= {
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

import dynamiqs as dq
import jax
import jax.numpy as jnp
import numpy as np
from workloads import SAVE_EVERY, WORKLOADS


def methods(workload):
    # Rouchon's scheme takes a dense Cholesky factor of the whole space in every step: not for 900 states.
    return ["EulerMaruyama"] + (["Rouchon1"] if workload != "W3" else [])


class Run:
    def __init__(self, workload, method):
        dq.set_precision("double")
        self.trajectories = 16 if workload == "W3" else 64
        self.system, self.note = WORKLOADS[workload](), f"batch of {self.trajectories}"
        self.method = getattr(dq.method, method)(dt=self.system.dt)

        def operator(matrix):
            return dq.asqarray(np.asarray(matrix.toarray()), layout=dq.dia)

        self.H = operator(self.system.H)
        self.lindblads = [operator(factor * L) for L in self.system.lindblads for factor in (2**-0.5, -1j * 2**-0.5)]
        self.observables = [operator(matrix) for matrix in self.system.observables.values()]
        self.psi0 = jnp.asarray(self.system.psi0.reshape(-1, 1))
        self.compiled = set()

    def _solve(self, steps):
        times = np.arange(steps // SAVE_EVERY + 1) * SAVE_EVERY * self.system.dt
        keys = jax.random.split(jax.random.key(1), self.trajectories)
        found = dq.dssesolve(
            self.H, self.lindblads, self.psi0, times, keys, exp_ops=self.observables, method=self.method, save_states=False
        )
        return np.asarray(found.expects)

    def cost(self, steps):
        if steps not in self.compiled:
            self._solve(steps)
            self.compiled.add(steps)
        started = time.process_time()
        self._solve(steps)
        return time.process_time() - started

    def early(self):
        number, steps = self.system.check
        n = self._solve(steps)[:, list(self.system.observables).index(number), -1].real
        return n.mean(), n.std(ddof=1) / np.sqrt(len(n))
