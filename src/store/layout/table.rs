//! The table itself.

use super::{Axis::*, Each, Fill, Kind, Row, Unit};

const BARE: Row = Row {
    path: "",
    each: Each::File,
    axes: &[],
    kind: Kind::Real,
    unit: Unit::Is("1"),
    fill: Fill::Zero,
    checked: false,
    long_name: "",
    description: "",
    attributes: &[],
    flags: &[],
};

const STATUS: &[(i8, &str)] = &[(0, "pending"), (1, "running"), (2, "done"), (3, "failed")];
const VERDICT: &[(i8, &str)] = &[(-1, "recorded"), (0, "good"), (1, "warning"), (2, "failed")];
const STEP_SIZE: &[(i8, &str)] = &[(-1, "unknown"), (0, "below"), (1, "comparable"), (2, "above")];
const CONDITIONAL: &str = "For complex observables .r and .i hold it for the real and the imaginary part separately.";

/// A value of a trajectory that its checksum covers.
const fn of_trajectory(path: &'static str, kind: Kind, fill: Fill, long_name: &'static str) -> Row {
    Row { path, axes: &[Trajectory], kind, fill, checked: true, long_name, ..BARE }
}

/// A value about a trajectory that may differ between runs of the same input.
const fn about_trajectory(path: &'static str, kind: Kind, fill: Fill, long_name: &'static str) -> Row {
    Row { checked: false, ..of_trajectory(path, kind, fill, long_name) }
}

/// One number of the whole file that changes while it is written.
const fn state(path: &'static str, kind: Kind, fill: Fill, long_name: &'static str) -> Row {
    Row { path, kind, fill, long_name, ..BARE }
}

/// A value of every start.
const fn of_run(path: &'static str, kind: Kind, fill: Fill, long_name: &'static str) -> Row {
    Row { path, axes: &[Run], kind, fill, long_name, ..BARE }
}

/// A statistic of every observable.
const fn statistic(
    path: &'static str,
    method: &'static [(&'static str, &'static str)],
    long_name: &'static str,
) -> Row {
    Row {
        path,
        each: Each::Observable,
        axes: &[Time],
        kind: Kind::OfObservable,
        unit: Unit::Own,
        fill: Fill::Nan,
        long_name,
        description: CONDITIONAL,
        attributes: method,
        ..BARE
    }
}

/// One number about the step check.
const fn of_check(path: &'static str, kind: Kind, fill: Fill, long_name: &'static str) -> Row {
    Row { path, each: Each::Check, kind, fill, long_name, ..BARE }
}

/// A statistic of the step check for every observable.
const fn step_error(path: &'static str, long_name: &'static str) -> Row {
    Row { path, each: Each::CheckedObservable, ..statistic(path, &[], long_name) }
}

/// A statistic of every watched factor.
const fn leak(path: &'static str, axes: &'static [super::Axis], checked: bool, long_name: &'static str) -> Row {
    Row { path, each: Each::Leak, axes, fill: Fill::Nan, checked, long_name, ..BARE }
}

/// Every dataset of a results file.
pub const TABLE: &[Row] = &[
    Row {
        path: "time",
        axes: &[Time],
        unit: Unit::Time,
        fill: Fill::Known,
        long_name: "time",
        attributes: &[("axis", "T")],
        ..BARE
    },
    Row {
        path: "<observable>",
        each: Each::Observable,
        axes: &[Trajectory, Time],
        kind: Kind::OfObservable,
        unit: Unit::Own,
        fill: Fill::Nan,
        checked: true,
        long_name: "<label> of one trajectory",
        ..BARE
    },
    leak("leak_<factor>", &[Trajectory, Time], true, "population of the top levels of <factor>"),
    Row {
        path: "psi",
        each: Each::Kets,
        axes: &[Trajectory, KetTime, Factors],
        kind: Kind::Complex,
        fill: Fill::Nan,
        checked: true,
        long_name: "normalised ket of one trajectory",
        ..BARE
    },
    Row {
        path: "record",
        each: Each::Record,
        axes: &[Trajectory, Interval, Channel],
        kind: Kind::Complex,
        unit: Unit::RootTime,
        fill: Fill::Nan,
        checked: true,
        long_name: "heterodyne record of one trajectory: dxi + conj(L) dt, added up over a save interval",
        description: "L is the mean of the c_op as it was written. E[|dxi|^2] = dt and E[dxi^2] = 0, so the real and the \
            imaginary part each carry noise of variance dt/2. H. M. Wiseman and G. J. Milburn, Phys. Rev. A 47, 1652 (1993).",
        ..BARE
    },
    of_trajectory("seed", Kind::U64, Fill::Known, "seed; with the trajectory number it names the random numbers"),
    Row {
        description: "Global: the same number and seed give the same trajectory in any file.",
        ..of_trajectory("trajectory", Kind::I64, Fill::Known, "trajectory number")
    },
    of_trajectory("rng_stream", Kind::U64, Fill::Zero, "first eight bytes of the hash that names the random stream"),
    of_trajectory("steps", Kind::I64, Fill::Zero, "steps taken"),
    of_trajectory("norm_drift", Kind::Real, Fill::Nan, "largest | |psi'|^2/|psi|^2 - 1 | of a step, per unit of noise"),
    of_trajectory("h_gamma", Kind::Real, Fill::Nan, "largest step times total rate at a saved time"),
    of_trajectory("h_gamma_above_half", Kind::I64, Fill::Zero, "saved times with step times total rate above 0.5"),
    of_trajectory("h_gamma_above_one", Kind::I64, Fill::Zero, "saved times with step times total rate above 1"),
    Row {
        description: "FNV-1a, 64 bits, over the little-endian bytes of the row: every <observable>, leak_<factor>, psi, record, seed, \
            trajectory, rng_stream, steps, norm_drift, h_gamma, h_gamma_above_half, h_gamma_above_one, in this order. \
            0: no row yet. A row is valid if and only if it matches.",
        ..about_trajectory("checksum", Kind::U64, Fill::Zero, "checksum of the row")
    },
    Row {
        description: "For readers; the checksum is what counts.",
        flags: STATUS,
        ..about_trajectory("status", Kind::I8, Fill::Zero, "state of the trajectory")
    },
    Row {
        unit: Unit::Is("s"),
        ..about_trajectory("cpu_time", Kind::Real, Fill::Nan, "core time spent on the trajectory")
    },
    about_trajectory("mpi_rank", Kind::I32, Fill::MinusOne, "rank that integrated the trajectory"),
    statistic("<observable>_mean", &[("cell_methods", "trajectory: mean")], "mean of <label> over trajectories"),
    statistic(
        "<observable>_sem",
        &[("cell_methods", "trajectory: standard_error")],
        "standard error of the mean of <label> over trajectories",
    ),
    statistic(
        "<observable>_traj_std",
        &[("cell_methods", "trajectory: standard_deviation"), ("ddof", "1")],
        "spread over trajectories of the conditional expectation <label>; not the quantum spread",
    ),
    Row {
        path: "rho",
        each: Each::Density,
        axes: &[Time, BasisRow, BasisColumn],
        kind: Kind::Complex,
        fill: Fill::Nan,
        long_name: "density matrix of the ensemble: the mean of the projectors on the kets over trajectories",
        description: "Estimate of the density matrix by the mean of |psi><psi| over the state/rho_n trajectories marked in in_rho: \
            rho[t, row, col] = <row|rho|col>, and tr(rho A) is the stored mean of A. Basis states are products of levels \
            of the factors, basis_<factor>; the last factor counts fastest. Exactly Hermitian.",
        attributes: &[("cell_methods", "trajectory: mean")],
        ..BARE
    },
    Row {
        path: "rho_row",
        each: Each::Density,
        axes: &[BasisRow],
        kind: Kind::I64,
        fill: Fill::Known,
        long_name: "basis state of a row of rho",
        ..BARE
    },
    Row {
        path: "rho_col",
        each: Each::Density,
        axes: &[BasisColumn],
        kind: Kind::I64,
        fill: Fill::Known,
        long_name: "basis state of a column of rho",
        ..BARE
    },
    Row {
        path: "basis_<factor>",
        each: Each::BasisFactor,
        axes: &[BasisRow],
        kind: Kind::I64,
        fill: Fill::Known,
        long_name: "level of <factor> in a basis state",
        ..BARE
    },
    Row {
        path: "in_rho",
        each: Each::Density,
        axes: &[Trajectory],
        kind: Kind::U8,
        long_name: "1 if the trajectory is in rho",
        ..BARE
    },
    leak("leak_<factor>_mean", &[Time], false, "population of the top levels of <factor>, mean over trajectories"),
    leak("leak_<factor>_max", &[Time], false, "population of the top levels of <factor>, largest over trajectories"),
    Row {
        path: "time_psi",
        each: Each::Kets,
        axes: &[KetTime],
        unit: Unit::Time,
        fill: Fill::Known,
        long_name: "times of the stored kets",
        ..BARE
    },
    Row {
        path: "time_record",
        each: Each::Record,
        axes: &[Interval],
        unit: Unit::Time,
        fill: Fill::Known,
        long_name: "ends of the save intervals of the record; each begins at the saved time before",
        ..BARE
    },
    Row {
        path: "channel",
        each: Each::Record,
        axes: &[Channel],
        kind: Kind::I64,
        fill: Fill::Known,
        long_name: "number of a c_op, from 1",
        ..BARE
    },
    Row {
        path: "channel_name",
        each: Each::Record,
        axes: &[Channel],
        kind: Kind::OfChannel,
        fill: Fill::Known,
        long_name: "name of a c_op; its number if it has none",
        ..BARE
    },
    Row {
        path: "<factor>",
        each: Each::Factor,
        axes: &[Level],
        kind: Kind::I64,
        fill: Fill::Known,
        long_name: "level of <factor>",
        description: "fock_<name> for a Fock factor, level_<name> for any other.",
        ..BARE
    },
    Row {
        path: "parameters/<parameter>",
        each: Each::Parameter,
        kind: Kind::OfParameter,
        unit: Unit::Own,
        fill: Fill::Known,
        long_name: "<description>",
        ..BARE
    },
    Row {
        attributes: &[("encoding", "utf-8")],
        ..state(
            "provenance/resolved_input",
            Kind::OfInput,
            Fill::Known,
            "resolved input (TOML), enough to repeat the run",
        )
    },
    state("state/n_done", Kind::I64, Fill::Zero, "trajectories whose rows are in the file"),
    state("state/stats_n", Kind::I64, Fill::Zero, "trajectories in the statistics"),
    Row {
        description: "FNV-1a, 64 bits, over the little-endian bytes of mean, sem and traj_std of every observable, mean and max of \
            every leak, and stats_n. Where it does not match, recompute the statistics from the valid rows.",
        ..state(
            "state/stats_checksum",
            Kind::U64,
            Fill::Zero,
            "checksum of the statistics, 0 while they are being written",
        )
    },
    Row { each: Each::Density, ..state("state/rho_n", Kind::I64, Fill::Zero, "trajectories in rho") },
    Row {
        each: Each::Density,
        axes: &[Time, BasisRow, BasisColumn],
        description: "With state/rho_sum_low the sums that rho is made of, whole numbers of 2^-51: high 2^64 + low. Where row <= col \
            they are of Re rho[row, col], where row > col of Im rho[row, col].",
        ..state("state/rho_sum_high", Kind::I64, Fill::Zero, "sum of rho over trajectories, high half")
    },
    Row {
        each: Each::Density,
        axes: &[Time, BasisRow, BasisColumn],
        ..state("state/rho_sum_low", Kind::U64, Fill::Zero, "sum of rho over trajectories, low half")
    },
    Row {
        each: Each::Density,
        description: "FNV-1a, 64 bits, over the little-endian bytes of rho_n, in_rho, rho_sum_high and rho_sum_low.",
        ..state(
            "state/rho_checksum",
            Kind::U64,
            Fill::Zero,
            "checksum of the sums of rho, 0 while they are being written",
        )
    },
    state("state/complete", Kind::U8, Fill::Zero, "1 if every trajectory is done and the statistics are in"),
    state("state/end_condition", Kind::Text(32), Fill::Known, "why the last run ended"),
    Row { unit: Unit::Is("1"), ..of_run("runs/run", Kind::I64, Fill::Known, "number of the start") },
    state("runs/n_runs", Kind::I64, Fill::Known, "starts so far"),
    of_run("runs/start", Kind::Text(20), Fill::Known, "start (ISO 8601, UTC)"),
    of_run("runs/end", Kind::Text(20), Fill::Zero, "end (ISO 8601, UTC), empty while running or if killed"),
    of_run("runs/host", Kind::Text(64), Fill::Known, "host of rank 0"),
    of_run("runs/ranks", Kind::I32, Fill::Known, "MPI ranks"),
    of_run("runs/threads", Kind::I32, Fill::Known, "threads of each rank"),
    of_run("runs/exit_code", Kind::I32, Fill::MinusOne, "exit code, -1 while running or if killed"),
    Row { unit: Unit::Is("s"), ..of_run("runs/wall_time", Kind::Real, Fill::Nan, "wall time") },
    Row {
        path: "guards/<guard>",
        each: Each::Guard,
        fill: Fill::Nan,
        long_name: "measured value of the guard <guard>",
        ..BARE
    },
    Row {
        path: "guards/<guard>_verdict",
        each: Each::Guard,
        kind: Kind::I8,
        fill: Fill::MinusOne,
        long_name: "verdict of the guard <guard>",
        flags: VERDICT,
        ..BARE
    },
    of_check(
        "step_check/trajectories",
        Kind::I64,
        Fill::Known,
        "trajectories of the step check, each with steps h and h/2 on the same noise",
    ),
    of_check("step_check/weak_order", Kind::Real, Fill::Nan, "weak order p of the method"),
    step_error("step_check/<observable>_weak", "mean of <label> with steps h less that with steps h/2"),
    step_error("step_check/<observable>_weak_sem", "standard error of the difference of the means of <label>"),
    step_error("step_check/<observable>_strong", "root mean square of the difference of <label> in a trajectory"),
    step_error("step_check/<observable>_bias", "error of the mean of <label> by the step, weak 2^p/(2^p - 1)"),
    Row {
        description: "Of all means: bias and three of its errors beside the standard error, at the end and at the largest.",
        flags: STEP_SIZE,
        ..of_check(
            "step_check/verdict",
            Kind::I8,
            Fill::MinusOne,
            "error of the step beside the standard errors of the means",
        )
    },
    Row {
        unit: Unit::Time,
        ..of_check(
            "step_check/sufficient_step",
            Kind::Real,
            Fill::Nan,
            "step at which the error of the step is surely below the standard errors; at most four times the present one",
        )
    },
    Row {
        description: "FNV-1a, 64 bits, over the little-endian bytes of trajectories and weak_order, then weak, weak_sem and strong \
            of every observable.",
        ..of_check("step_check/checksum", Kind::U64, Fill::Zero, "checksum of the step check, 0 until it is done")
    },
];
