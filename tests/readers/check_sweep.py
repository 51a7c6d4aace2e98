"""Does the file of a sweep open in xarray, and does it hold at every point what the run of that point alone gives?

    python3 tests/readers/check_sweep.py FILE [ALONE...]

FILE is a sweep of alpha0 and chi; each ALONE is a run with the parameters of one of its points. Both engines of xarray are used;
netcdf4 is left out, loudly, where it is not installed.
"""

import argparse
import importlib.util
import sys

import h5py
import numpy as np
import xarray as xr

# What may differ between two runs of the same input, and what differs in form.
VOLATILE = ("cpu_time", "mpi_rank", "runs", "provenance")


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def datasets(file):
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def check_point(sweep, alone):
    """Every dataset of the run alone, byte for byte; gives the point."""
    axes = text(sweep.attrs["sweep_axes"]).split()
    values = [alone[f"parameters/{name}"][()] for name in axes]
    if sweep.attrs["sweep_zip"]:
        rows = [np.flatnonzero(sweep[name][:] == value) for name, value in zip(axes, values)]
        index = (int(set(rows[0]).intersection(*rows).pop()),)
    else:
        index = tuple(int(np.flatnonzero(sweep[name][:] == value)[0]) for name, value in zip(axes, values))
    dims = ["point"] if sweep.attrs["sweep_zip"] else axes
    compared = 0
    for name, data in datasets(alone).items():
        if name.split("/")[0] in VOLATILE:
            continue
        stacked = sweep[name]
        if "sweep_axes" in stacked.attrs:
            own = text(stacked.attrs["sweep_axes"]).split()
            assert stacked.shape == tuple(sweep[dim].shape[0] for dim in own) + data.shape, name
            found = stacked[tuple(place for dim, place in zip(dims, index) if dim in own)]
        else:
            found = stacked[()]
        if data.dtype.kind == "S":
            assert np.array_equal(found, data[()]), name
        else:
            assert found.dtype == data.dtype and np.asarray(found).tobytes() == np.asarray(data[()]).tobytes(), name
        for attribute in ("units", "long_name", "cell_methods", "flag_meanings"):
            assert text(stacked.attrs.get(attribute, "")) == text(data.attrs.get(attribute, "")), (name, attribute)
        compared += 1
    assert text(sweep["provenance/resolved_input"][index]) == text(alone["provenance/resolved_input"][()])
    return dict(zip(axes, values)), compared


def check_xarray(path, engine):
    with h5py.File(path, "r") as file:
        axes = {name: file[name][:] for name in text(file.attrs["sweep_axes"]).split()}
        leading = ("point",) if file.attrs["sweep_zip"] else tuple(axes)
        observables = text(file.attrs["observables"]).split()
        means = {name: file[f"{name}_mean"][()] for name in observables}
        rows = {name: file[name].ndim for name in observables}
    with xr.open_dataset(path, engine=engine) as data:
        for name, values in axes.items():
            assert name in data.coords and np.array_equal(data[name].values, values), name
        for name in observables:
            assert data[name].dims == leading + ("trajectory", "time") and data[name].ndim == rows[name], data[name].dims
            assert data[f"{name}_mean"].dims == leading + ("time",)
        last = data.time.values[-1]
        # What a plot over the first parameter shows.
        for name in (name for name in observables if means[name].dtype.kind == "f"):
            seen = data[f"{name}_mean"].sel(time=last)
            assert np.array_equal(seen.values, means[name][..., -1]), name
            if leading != ("point",):
                point = {axis: values[-1] for axis, values in axes.items()}
                assert float(seen.sel(**point)) == means[name][(-1,) * len(axes) + (-1,)]
        assert not [dim for dim in data.sizes if dim.startswith("phony")], "every axis has a name"
    for group in ("parameters", "state", "guards"):
        with xr.open_dataset(path, engine=engine, group=group) as data:
            data.load()
    print(f"xarray {xr.__version__}, {engine}: axes {dict((name, len(values)) for name, values in axes.items())}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("sweep")
    arguments.add_argument("alone", nargs="*")
    asked = arguments.parse_args()
    with h5py.File(asked.sweep, "r") as sweep:
        assert text(sweep.attrs["format"]) == "qsd-sweep"
        for name, data in datasets(sweep).items():
            assert "units" in data.attrs and text(data.attrs["long_name"]), f"{name} does not say what it is"
        for path in asked.alone:
            with h5py.File(path, "r") as alone:
                point, compared = check_point(sweep, alone)
                print(f"{point}: {compared} datasets have the bytes of {path}")
    for engine, package in (("h5netcdf", "h5netcdf"), ("netcdf4", "netCDF4")):
        if importlib.util.find_spec(package) is None:
            print(f"xarray, {engine}: NOT CHECKED, {package} is not installed")
            continue
        check_xarray(asked.sweep, engine)


if __name__ == "__main__":
    sys.exit(main())
