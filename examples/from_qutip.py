#!/usr/bin/env python3
"""A QuTiP system as a model of qsd: H, c_ops, e_ops (a dict) and psi0, a ket.

    from from_qutip import to_qsd
    to_qsd("model.json", H, c_ops, {"n": a.dag() * a}, psi0, factors={"a": "fock", "q": "qubit"})

then `qsd run model.json --duration 10`. Without `factors` the parts of the space are states without structure,
and no truncation is watched. Run as a program it writes a driven cavity, into the file that is named.
"""
import json
import sys

import numpy as np


def to_qsd(path, H, c_ops, e_ops, psi0, factors=None, name=None):
    def matrix(op):
        full = op.full()
        row, col = np.nonzero(full)
        z = full[row, col]
        return {"row": row.tolist(), "col": col.tolist(), "real": z.real.tolist(), "imag": z.imag.tolist()}

    dims = psi0.dims[0]
    kinds = factors or {f"s{k}": "levels" for k in range(len(dims))}
    size = {"fock": lambda d: {"fock": d}, "levels": lambda d: {"levels": d},
            "qubit": lambda d: {"spin": (d - 1) / 2}, "spin": lambda d: {"spin": (d - 1) / 2}}
    psi = psi0.full().ravel()
    model = {"qsd_model": 1, "space": [[f, size[kind](d)] for (f, kind), d in zip(kinds.items(), dims, strict=True)],
             "H": matrix(H), "c_ops": [matrix(c) for c in c_ops], "e_ops": [[n, matrix(e)] for n, e in e_ops.items()],
             "psi0": {"real": psi.real.tolist(), "imag": psi.imag.tolist()}}
    with open(path, "w") as file:
        json.dump(model | ({"name": name} if name else {}), file)


if __name__ == "__main__":
    import qutip
    a = qutip.destroy(12)
    H = 0.5 * a.dag() * a + 0.4 * (a + a.dag())
    to_qsd(sys.argv[1], H, [a], {"n": a.dag() * a, "a": a}, qutip.basis(12, 0), {"a": "fock"}, "driven")
