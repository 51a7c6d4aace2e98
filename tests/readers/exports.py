"""Do NumPy, scipy and Octave find in the exports of a results file what is in the file itself?

    python3 tests/readers/exports.py FILE.h5

beside which FILE.npz, FILE.mat and FILE.csv lie.
"""

import csv
import shutil
import subprocess
import sys

import h5py
import numpy as np
import scipy.io


def contents(path):
    """What an export is to hold, from the file itself."""
    with h5py.File(path, "r") as file:
        names = file.attrs["observables"].decode().split()
        wanted = {"expects": np.stack([file[name][:] for name in names], axis=-1).astype(complex)}
        if "psi" in file:
            psi = file["psi"][:]
            wanted["psis"] = psi.reshape(*psi.shape[:2], -1)
        if "rho" in file:
            wanted["rho"] = file["rho"][:]
        wanted.update(times=file["time"][:], seeds=file["seed"][:], trajectories=file["trajectory"][:])
        for name in names:
            for suffix in ("mean", "sem", "traj_std"):
                wanted[f"{name}_{suffix}"] = file[f"{name}_{suffix}"][:]
        parameters = {name: data[()] for name, data in file["parameters"].items()}
    return names, wanted, parameters


def same(found, wanted, what):
    assert np.array_equal(np.asarray(found), wanted), what


def plain(value):
    return value.decode() if isinstance(value, bytes) else value


def check_npz(path, names, wanted, parameters):
    with np.load(path) as data:
        assert [str(name) for name in data["observable_str"]] == names
        for name, values in wanted.items():
            same(data[name], values, f"{name} of the .npz file")
        for name, value in parameters.items():
            assert data[name].item() == plain(value), name
    print(f"numpy {np.__version__}: {len(wanted) + len(parameters)} variables of the .npz file are those of the results")


def check_mat(path, names, wanted, parameters):
    data = scipy.io.loadmat(path)
    assert [cell[0] for cell in data["observable_str"][0]] == names
    for name, values in wanted.items():
        same(data[name].reshape(values.shape), values, f"{name} of the MAT file")
    for name, value in parameters.items():
        found = data[name].item() if data[name].size == 1 else str(data[name])
        assert found == plain(value), name
    print(f"scipy {scipy.__version__}: so are those of the MAT file")


def check_octave(path, names, wanted):
    """Sums, shapes and a far corner, so that a transposed or cut array shows."""
    if not shutil.which("octave-cli"):
        sys.exit("octave-cli is not installed: make setup-test")
    last = wanted["expects"][-1, -1, -1]
    script = f"""load('{path}'); assert(size(expects), {list(wanted["expects"].shape)});
        assert(abs(expects(end, end, end) - complex({last.real!r}, {last.imag!r})) < 1e-14);
        assert(abs(real(sum(expects(1, :, 1))) - {wanted["expects"][0, :, 0].real.sum()!r}) < 1e-9);
        assert(observable_str{{1}}, '{names[0]}'); assert(seeds(1) == {wanted["seeds"][0]});
        assert(columns(times), {len(wanted["times"])}); printf('as wanted');"""
    said = subprocess.run(["octave-cli", "-q", "--eval", script], capture_output=True, text=True, timeout=120)
    assert "as wanted" in said.stdout, said.stdout + said.stderr
    print("Octave: loads the MAT file")


def check_csv(path, wanted):
    with open(path, newline="") as file:
        header, *lines = csv.reader(file)
    table = {name: np.array([float(line[at]) for line in lines]) for at, name in enumerate(header)}
    same(table["time"], wanted["times"], "times of the CSV file")
    for name, values in wanted.items():
        if name.endswith(("_mean", "_sem", "_traj_std")):
            if np.iscomplexobj(values):
                same(table[name + "_re"] + 1j * table[name + "_im"], values, name)
            else:
                same(table[name], values, name)
    print(f"CSV: {len(header)} columns, every digit")


def main():
    path = sys.argv[1].removesuffix(".h5")
    names, wanted, parameters = contents(path + ".h5")
    check_npz(path + ".npz", names, wanted, parameters)
    check_mat(path + ".mat", names, wanted, parameters)
    check_octave(path + ".mat", names, wanted)
    check_csv(path + ".csv", wanted)


if __name__ == "__main__":
    sys.exit(main())
