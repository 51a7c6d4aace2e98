"""Does a results file open in the tools people use, and do they see what the file promises?

    python3 tests/readers/check.py FILE [--incomplete]

Uses h5py, and xarray with h5netcdf; Octave and ncdump too where they are installed.
"""

import argparse
import shutil
import struct
import subprocess
import sys

import h5py
import numpy as np
import xarray as xr


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def fnv1a(data):
    """FNV-1a, 64 bits; 0 is kept as 1."""
    sum = 0xCBF29CE484222325
    for byte in data:
        sum = (sum ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return max(sum, 1)


def names(file, attribute):
    return text(file.attrs[attribute]).split()


def valid_rows(file):
    """Which trajectories are as they were written, by the rule that the dataset `checksum` describes."""
    row = names(file, "observables") + ["leak_" + factor for factor in names(file, "leaks")]
    row += [name for name in ("psi", "record") if name in file]
    row += "seed trajectory rng_stream steps norm_drift h_gamma h_gamma_above_half h_gamma_above_one".split()
    stored = file["checksum"][:]
    rows = [k for k in range(len(stored)) if stored[k] != 0]
    return [k for k in rows if fnv1a(b"".join(file[name][k].tobytes() for name in row)) == stored[k]]


def check_statistics(file, n_done):
    """Stored statistics are those of the rows, and their checksum holds."""
    data = b""
    for name in names(file, "observables"):
        rows = file[name][:]
        parts = [rows.real, rows.imag] if np.iscomplexobj(rows) else [rows]
        stored = {suffix: file[f"{name}_{suffix}"][:] for suffix in ("mean", "sem", "traj_std")}
        data += b"".join(values.tobytes() for values in stored.values())
        assert np.allclose(stored["mean"], rows.mean(axis=0), rtol=1e-9, atol=1e-12), name
        for part, values in zip(parts, (np.real(stored["traj_std"]), np.imag(stored["traj_std"]))):
            if n_done > 1:
                assert np.allclose(values, part.std(axis=0, ddof=1), rtol=1e-6, atol=1e-12), name
    for factor in names(file, "leaks"):
        data += file[f"leak_{factor}_mean"][:].tobytes() + file[f"leak_{factor}_max"][:].tobytes()
    data += struct.pack("<q", file["state/stats_n"][()])
    assert fnv1a(data) == file["state/stats_checksum"][()], "checksum of the statistics"


def check_density(file):
    """The density matrix is what its sums say, and is one."""
    if "rho" not in file:
        return
    n, listed = file["state/rho_n"][()], file["in_rho"][:]
    assert listed.sum() == n
    high, low = file["state/rho_sum_high"][:], file["state/rho_sum_low"][:]
    data = struct.pack("<q", n) + listed.tobytes() + high.tobytes() + low.tobytes()
    stored = file["state/rho_checksum"][()]
    assert stored == (fnv1a(data) if n else 0), "checksum of the sums of rho"
    if n == 0:
        return
    rho = file["rho"][:]
    mean = (high.astype(object) * 2**64 + low.astype(object)).astype(float) / 2.0**51 / n
    upper = np.triu(mean) + 1j * np.triu(-np.swapaxes(mean, 1, 2), 1)
    assert np.array_equal(np.triu(rho), upper), "rho and its sums"
    assert np.array_equal(rho, np.conj(np.swapaxes(rho, 1, 2))), "Hermitian"
    assert np.allclose(np.trace(rho, axis1=1, axis2=2), 1, rtol=0, atol=1e-14)
    assert np.linalg.eigvalsh(rho).min() > -1e-14
    for name in names(file, "factors"):
        assert len(file[f"basis_{name}"]) == rho.shape[1]


def check_h5py(path, incomplete, statistics):
    with h5py.File(path, "r") as file:
        assert text(file.attrs["format"]) == "qsd-result"
        ntraj, valid = len(file["trajectory"]), valid_rows(file)
        described = []
        file.visititems(lambda name, item: described.append((name, item)) if isinstance(item, h5py.Dataset) else None)
        for name, item in described:
            assert "units" in item.attrs and text(item.attrs["long_name"]), f"{name} does not say what it is"
            text(item.attrs["long_name"]).encode("utf-8")
            assert item.chunks is None and item.compression is None, f"{name} is not contiguous"
        for name in names(file, "observables"):
            missing = [k for k in range(ntraj) if k not in valid]
            assert np.isfinite(file[name][valid]).all(), name
            assert incomplete or not missing, f"rows {missing} do not match their checksums"
        if not incomplete:
            assert file["state/complete"][()] == 1 and file["state/n_done"][()] == ntraj
            if statistics:
                check_statistics(file, ntraj)
        check_density(file)
        assert len(text(file["provenance/resolved_input"][()])) > 0
        print(f"h5py {h5py.__version__}: {len(valid)} of {ntraj} rows valid, {len(described)} datasets")


def check_xarray(path):
    with h5py.File(path, "r") as file:
        observables = {name: np.iscomplexobj(file[name][:1]) for name in names(file, "observables")}
    with xr.open_dataset(path, engine="h5netcdf") as data:
        for name, is_complex in observables.items():
            assert data[name].dims == ("trajectory", "time"), data[name].dims
            assert data[f"{name}_mean"].dims == ("time",)
            assert np.iscomplexobj(data[name].values) == is_complex, name
        if "rho" in data:
            assert data["rho"].dims == ("time", "rho_row", "rho_col") and np.iscomplexobj(data["rho"].values)
        assert not [dim for dim in data.sizes if dim.startswith("phony")], "every axis has a name"
    for group in ("parameters", "state", "runs", "guards", "provenance"):
        with xr.open_dataset(path, engine="h5netcdf", group=group) as data:
            data.load()
    print(f"xarray {xr.__version__}: dimensions named, complex numbers complex, every group opens")


def check_command(name, command, wanted):
    """Another tool, if it is there, prints what is wanted."""
    if not shutil.which(command[0]):
        print(f"{name}: not installed, not checked")
        return
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    output = said.stdout + said.stderr
    missing = [word for word in wanted if word not in output]
    assert not missing, f"{name} does not show {missing}:\n{output[-2000:]}"
    print(f"{name}: shows every observable")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("file")
    arguments.add_argument("--incomplete", action="store_true", help="the run was stopped or killed")
    arguments.add_argument("--no-statistics", action="store_true", help="do not compare the statistics with the rows")
    asked = arguments.parse_args()
    check_h5py(asked.file, asked.incomplete, not asked.no_statistics)
    check_xarray(asked.file)
    with h5py.File(asked.file, "r") as file:
        observables = names(file, "observables")
    script = f"load('{asked.file}'); whos"
    check_command("Octave", ["octave-cli", "-q", "--eval", script], observables + ["trajectory", "parameters"])
    check_command("ncdump", ["ncdump", "-h", asked.file], [f" {name}(trajectory, time)" for name in observables])
    check_command("h5dump", ["h5dump", "-H", asked.file], [f'DATASET "{name}"' for name in observables])


if __name__ == "__main__":
    sys.exit(main())
