"""XMDS2: a C++ program generated from a script, compiled by XMDS2 with its own flags, many paths in one process.

The ket is a field over Fock numbers; |psi|^2 and the means <L> are computed once a step, and the ket is normalised after it, because
Euler's method without that blows up. Algorithm SI (semi-implicit) with one iteration is Euler's method; three are its default,
the midpoint rule.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import h5py
import numpy as np
import tools
from workloads import ALPHA0, CHI, DELTA, KAPPA1, KAPPA2, SAVE_EVERY, WORKLOADS


def methods(_workload):
    return ["Euler", "midpoint"] if shutil.which("xmds2") else []


ITERATIONS = {"Euler": 1, "midpoint": 3}

# Per workload: dimensions of the field, its components, real noises, tables of square roots per dimension, means, the
# time derivative and what is sampled. At the edges of the lattice the tables are zero, so the neighbour does not matter.
JAYNES_CUMMINGS = {
    "components": "e g",
    "noises": 4,
    "start": "e = 0.0; g = 0.0; e(n => 0) = 1.0;",
    "norm": "mod2(e) + mod2(g)",
    "means": {
        "la": "low_n * (conj(e) * e(n => up_n) + conj(g) * g(n => up_n))",
        "lj": "conj(g) * e",
    },
    "derivative": """
        const complex ya = rk * (conj(rk * la) / size + rh * (w1 + i * w2)), yj = rg * (conj(rg * lj) / size + rh * (w3 + i * w4));
        const complex e0 = e(n => n), g0 = g(n => n), eu = low_n * e(n => up_n), gu = low_n * g(n => up_n);
        const complex ed = root_n * e(n => dn_n), gd = root_n * g(n => dn_n);
        de_dt(n => n) = -coupling * gu - force * (ed - eu) - 0.5 * (kappa * n + gamma_) * e0 + ya * eu;
        dg_dt(n => n) = coupling * ed - force * (gd - gu) - 0.5 * kappa * n * g0 + ya * gu + yj * e0;""",
    "rescale": "e *= scale; g *= scale;",
    "moments": {"n": "n * (mod2(e) + mod2(g))", "jz": "0.5 * (mod2(e) - mod2(g))"},
    "complex_moments": {
        "a": "low_n * (conj(e) * e(n => up_n) + conj(g) * g(n => up_n))",
        "jm": "conj(g) * e",
        "aa": "low_n * sqrt(n + 2.0) * (n < last_n - 1 ? 1.0 : 0.0) * (conj(e) * e(n => up2_n) + conj(g) * g(n => up2_n))",
        "ajp": "low_n * conj(e) * g(n => up_n)",
    },
}
KERR = {
    "components": "e",
    "noises": 4,
    "start": "e = 0.0; e(n => 0) = 1.0;",
    "norm": "mod2(e)",
    "means": {"la": "low_n * conj(e) * e(n => up_n)"},
    "derivative": """
        const complex y = r1 * (conj(r1 * la) / size + rh * (w1 + i * w2)) + r2 * (conj(r2 * la) / size + rh * (w3 + i * w4));
        const complex eu = low_n * e(n => up_n);
        de_dt(n => n) = (-i * (Delta * n + 0.5 * chi * n * (n - 1.0)) - 0.5 * (kappa1 + kappa2) * n) * e(n => n)
            + r1 * alpha0 * (root_n * e(n => dn_n) - eu) + y * eu;""",
    "rescale": "e *= scale;",
    "moments": {"n": "n * mod2(e)"},
    "complex_moments": {"a": "low_n * conj(e) * e(n => up_n)"},
}
CASCADE = {
    "components": "e",
    "noises": 6,
    "start": "e = 0.0; e(n => 0, m => 0) = 1.0;",
    "norm": "mod2(e)",
    "means": {
        "la": "low_n * conj(e) * e(n => up_n, m => m)",
        "lb": "low_m * conj(e) * e(n => n, m => up_m)",
    },
    "derivative": """
        const complex y0 = r1 * (conj(r1 * (la + lb)) / size + rh * (w1 + i * w2));
        const complex y1 = r2 * (conj(r2 * la) / size + rh * (w3 + i * w4)), y2 = r2 * (conj(r2 * lb) / size + rh * (w5 + i * w6));
        const complex ea = low_n * e(n => up_n, m => m), eb = low_m * e(n => n, m => up_m);
        const complex da = root_n * e(n => dn_n, m => m), db = root_m * e(n => n, m => dn_m);
        de_dt(n => n, m => m) = (-i * (Delta * (n + m) + 0.5 * chi * (n * (n - 1.0) + m * (m - 1.0)))
            - 0.5 * (kappa1 + kappa2) * (n + m)) * e(n => n, m => m) + r1 * alpha0 * (da - ea + db - eb)
            - kappa1 * root_m * low_n * e(n => up_n, m => dn_m) + (y0 + y1) * ea + (y0 + y2) * eb;""",
    "rescale": "e *= scale;",
    "moments": {"n": "n * mod2(e)", "m": "m * mod2(e)"},
    "complex_moments": {
        "a": "low_n * conj(e) * e(n => up_n, m => m)",
        "b": "low_m * conj(e) * e(n => n, m => up_m)",
    },
}
KERR_NUMBERS = f"""const real chi = {CHI}, Delta = {DELTA}, kappa1 = {KAPPA1}, kappa2 = {KAPPA2}, alpha0 = {ALPHA0};
    const real r1 = sqrt(kappa1), r2 = sqrt(kappa2);"""


def neighbours(dimensions, levels):
    """Numbers of the neighbouring sites, kept inside the lattice."""
    return "\n".join(
        f"const long last_{d} = {levels - 1}; const long up_{d} = {d} < last_{d} ? {d} + 1 : {d}; "
        f"const long up2_{d} = {d} < last_{d} - 1 ? {d} + 2 : {d}; const long dn_{d} = {d} > 0 ? {d} - 1 : {d};"
        for d in dimensions
    )


def cdata(text):
    return f"<![CDATA[\n{text}\n]]>"


def script(workload, system, iterations, paths, steps):
    """The XMDS2 script of one run."""
    levels = system.parameters["levels"]
    parts = {"W1": JAYNES_CUMMINGS, "W2": KERR, "W3": CASCADE}[workload]
    dimensions = ["n", "m"] if workload == "W3" else ["n"]
    if workload == "W1":
        p = system.parameters
        numbers = f"""const real coupling = {p["coupling"]!r}, kappa = {p["kappa"]!r}, gamma_ = {p["gamma"]!r}, force = {p["drive"]!r};
    const real rk = sqrt(kappa), rg = sqrt(gamma_);"""
    else:
        numbers = KERR_NUMBERS
    names = " ".join(dimensions)
    tables = "".join(
        f"""<vector name="roots_{d}" type="real" dimensions="{d}"><components>root_{d} low_{d}</components>
        <initialisation>{cdata(f"root_{d} = sqrt(1.0 * {d}); low_{d} = {d} < {levels - 1} ? sqrt({d} + 1.0) : 0.0;")}</initialisation>
        </vector>"""
        for d in dimensions
    )
    roots = " ".join(f"roots_{d}" for d in dimensions)
    lattice = "".join(
        f'<dimension name="{d}" type="integer" lattice="{levels}" domain="(0, {levels - 1})" />' for d in dimensions
    )
    means = " ".join(f"{name} = {value};" for name, value in parts["means"].items())
    moments = [f"{name}_ = {value};" for name, value in parts["moments"].items()]
    for name, value in parts["complex_moments"].items():
        moments.append(f"const complex z_{name} = {value}; {name}_re = z_{name}.Re(); {name}_im = z_{name}.Im();")
    sampled = [f"{name}_" for name in parts["moments"]]
    sampled += [f"{name}_{part}" for name in parts["complex_moments"] for part in ("re", "im")]
    around = neighbours(dimensions, levels)
    return f"""<simulation xmds-version="2">
    <name>run</name>
    <features><benchmark /><validation kind="none" /><globals>{cdata(f"{numbers} const real rh = sqrt(0.5);")}</globals></features>
    <geometry><propagation_dimension>t</propagation_dimension><transverse_dimensions>{lattice}</transverse_dimensions></geometry>
    <driver name="multi-path" paths="{paths}" />
    <noise_vector name="noises" dimensions="" kind="wiener" type="real" method="dsfmt" seed="11 12 13">
        <components>{" ".join(f"w{k + 1}" for k in range(parts["noises"]))}</components></noise_vector>
    {tables}
    <vector name="ket" type="complex"><components>{parts["components"]}</components>
        <initialisation>{cdata(parts["start"])}</initialisation></vector>
    <computed_vector name="means" dimensions="" type="complex"><components>norm {" ".join(parts["means"])}</components>
        <evaluation><dependencies basis="{names}">ket {roots}</dependencies>
        {cdata(f"{around} norm = {parts['norm']}; {means}")}</evaluation></computed_vector>
    <sequence><integrate algorithm="SI" iterations="{iterations}" interval="{steps * system.dt!r}" steps="{steps}">
        <samples>{steps // SAVE_EVERY}</samples>
        <filters where="step end"><filter><dependencies>ket means</dependencies>
        {cdata(f"const real scale = 1.0 / sqrt(norm.Re()); {parts['rescale']}")}</filter></filters>
        <operators><integration_vectors>ket</integration_vectors><dependencies>noises means {roots}</dependencies>
        {cdata(f"{around} const real size = norm.Re(); {parts['derivative']}")}</operators></integrate></sequence>
    <output format="hdf5" filename="run.xsil"><sampling_group basis="{" ".join(f"{d}(0)" for d in dimensions)}" initial_sample="yes">
        <moments>{" ".join(sampled)}</moments><dependencies>ket {roots}</dependencies>
        {cdata(f"{around} " + " ".join(moments))}</sampling_group></output>
</simulation>
"""


class Run:
    def __init__(self, workload, method):
        self.trajectories = 8 if workload == "W3" else 64
        self.workload, self.system, self.iterations = workload, WORKLOADS[workload](), ITERATIONS[method]
        self.note = ""
        # XMDS2 keeps the flags it found for this machine in the home directory: let that be ours.
        self.home = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "qsd-bench"
        self.home.mkdir(parents=True, exist_ok=True)
        self.scratch = tempfile.TemporaryDirectory()
        self.programs = {}

    def _program(self, steps):
        if steps not in self.programs:
            folder = pathlib.Path(self.scratch.name) / str(steps)
            folder.mkdir()
            text = script(self.workload, self.system, self.iterations, self.trajectories, steps)
            (folder / "run.xmds").write_text(text)
            words = ["xmds2", "run.xmds"]
            ended = subprocess.run(words, cwd=folder, env=os.environ | {"HOME": str(self.home)}, capture_output=True, text=True)
            if not (folder / "run").exists():
                raise RuntimeError(f"xmds2 made no program of {self.workload}: {(ended.stdout + ended.stderr)[-2000:]}")
            self.programs[steps] = folder
        return self.programs[steps]

    def cost(self, steps):
        folder = self._program(steps)
        return tools.cpu_seconds([folder / "run"], cwd=folder, env=os.environ | tools.ONE_THREAD)[0]

    def early(self):
        number, steps = self.system.check
        self.cost(steps)
        moment = {"n": "n_", "n2": "m_", "jz": "jz_"}[number]
        with h5py.File(self._program(steps) / "run.h5") as file:
            mean, error = file[f"1/mean_{moment}"][:], file[f"1/stderr_{moment}"][:]
        return float(np.ravel(mean)[-1]), float(np.ravel(error)[-1])
