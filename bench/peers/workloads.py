"""The three workloads as sparse matrices and as words for `qsd run`, hbar = 1.

Every program gets the same form: constants are taken out of the L_k and moved into H (README, "The equation"), which changes
no trajectory but for a phase, makes the steps of explicit methods more accurate, and is what qsd does by default.

    W1  driven Jaynes-Cummings,  50 x 2 states, L = sqrt(kappa) a, sqrt(gamma) j-
    W2  driven Kerr cavity,      50 states,     L = sqrt(kappa1) a, sqrt(kappa2) a
    W3  a cascade of two of W2,  30 x 30,       L = sqrt(kappa1) (a1 + a2), sqrt(kappa2) a1, sqrt(kappa2) a2

The first factor is the slowest index; the spin is in the order excited, ground and starts excited, cavities start empty.
"""

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from scipy import sparse

SAVE_EVERY = 100


@dataclass
class Workload:
    """A system: H, the Lindblad operators, the observables, the initial ket, and the step of the original script."""

    title: str
    H: sparse.csr_array
    lindblads: list
    observables: dict
    psi0: np.ndarray
    dt: float
    qsd: list
    # Before a program is timed, this mean after so many steps has to be that of the master equation.
    check: tuple = ("n", 300)
    parameters: dict = field(default_factory=dict)


def destroy(levels):
    return sparse.diags_array(np.sqrt(np.arange(1, levels)), offsets=1).tocsr().astype(complex)


def dagger(operator):
    return operator.conj().T.tocsr()


def on(operators):
    """The Kronecker product of one operator per factor."""
    full = operators[0]
    for operator in operators[1:]:
        full = sparse.kron(full, operator, format="csr")
    return sparse.csr_array(full)


def one(size):
    return sparse.eye_array(size, dtype=complex, format="csr")


def first_state(size):
    ket = np.zeros(size, complex)
    ket[0] = 1
    return ket


def w1(levels=50):
    cn, kn, yn, spin = 10.5, 0.12, 11.3, 0.5
    kappa, gamma = 2 * kn, 2 / sqrt(2 * spin)
    coupling = -sqrt(2 * kn * cn) / sqrt(2 * spin)
    omega = yn * kn / (sqrt(2) * sqrt(2 * kn * cn)) / sqrt(2 * kn)
    a = on([destroy(levels), one(2)])
    lower = on([one(levels), sparse.csr_array(np.array([[0, 0], [1, 0]], complex))])
    up = dagger(lower)
    jz = on([one(levels), sparse.diags_array([0.5, -0.5]).astype(complex)])
    swap = a @ up - dagger(a) @ lower
    H = -1j * coupling * swap - 1j * omega * sqrt(kappa) * (dagger(a) - a)
    observables = {
        "a": a, "jm": lower, "jz": jz, "aa": a @ a, "n": dagger(a) @ a, "ajp": a @ up, "jp": up,
        "jx": (up + lower) / 2, "jy": (up - lower) / 2,
    }
    return Workload(
        f"Jaynes-Cummings, {2 * levels} states", H.tocsr(), [sqrt(kappa) * a, sqrt(gamma) * lower], observables,
        first_state(2 * levels), 2e-3, ["absorptive_bistable", "--Nfock_a", levels],
        check=("jz", 300), parameters={"coupling": coupling, "kappa": kappa, "gamma": gamma, "drive": omega * sqrt(kappa), "levels": levels},
    )


CHI, DELTA, KAPPA1, KAPPA2, ALPHA0 = -10.0, 100.0, 25.0, 25.0, 21.75


def kerr(a):
    n = dagger(a) @ a
    return DELTA * n + CHI / 2 * dagger(a) @ dagger(a) @ a @ a


def drive(a):
    """From L = sqrt(kappa1) a - alpha0: i alpha0 sqrt(kappa1) (a.dag - a)."""
    return 1j * ALPHA0 * sqrt(KAPPA1) * (dagger(a) - a)


def quadratures(a, label=""):
    return {f"n{label}": dagger(a) @ a, f"x{label}": a + dagger(a), f"p{label}": (a - dagger(a)) / 1j}


def w2(levels=50):
    a = destroy(levels)
    return Workload(
        f"Kerr cavity, {levels} states", (kerr(a) + drive(a)).tocsr(), [sqrt(KAPPA1) * a, sqrt(KAPPA2) * a],
        quadratures(a), first_state(levels), 1e-5, ["kerr_bistable", "--Nfock_a", levels], parameters={"levels": levels},
    )


def w3(levels=30):
    a1, a2 = on([destroy(levels), one(levels)]), on([one(levels), destroy(levels)])
    link = KAPPA1 / 2j * (dagger(a2) @ a1 - dagger(a1) @ a2)
    H = kerr(a1) + kerr(a2) + drive(a1) + drive(a2) + link
    lindblads = [sqrt(KAPPA1) * (a1 + a2), sqrt(KAPPA2) * a1, sqrt(KAPPA2) * a2]
    return Workload(
        f"cascade of two Kerr cavities, {levels**2} states", H.tocsr(), lindblads, quadratures(a1, 1) | quadratures(a2, 2),
        first_state(levels**2), 1e-5, ["kerr_bistable", "--num-systems", 2, "--Nfock_a", levels],
        check=("n2", 300), parameters={"levels": levels},
    )


WORKLOADS = {"W1": w1, "W2": w2, "W3": w3}
