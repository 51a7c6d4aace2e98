//! Which names observables and parameters may have: those that the results file does not use itself.

/// Datasets and groups of the results file; `store` compares with its own table.
pub const RESERVED: &[&str] = &[
    "time",
    "time_psi",
    "psi",
    "rho",
    "rho_row",
    "rho_col",
    "in_rho",
    "record",
    "time_record",
    "channel",
    "channel_name",
    "seed",
    "trajectory",
    "rng_stream",
    "steps",
    "norm_drift",
    "h_gamma",
    "h_gamma_above_half",
    "h_gamma_above_one",
    "checksum",
    "status",
    "cpu_time",
    "mpi_rank",
    "parameters",
    "provenance",
    "state",
    "runs",
    "guards",
    "step_check",
];

/// Beginnings of names that the program makes from a factor's name.
pub const PREFIXES: &[&str] = &["leak_", "fock_", "level_", "basis_"];

/// Endings of what is stored for an observable beside itself.
pub const SUFFIXES: &[&str] = &["_mean", "_sem", "_traj_std"];

/// Scalars of `/parameters` that every run has.
pub const RESERVED_PARAMETERS: &[&str] = &[
    "model",
    "regime",
    "method",
    "gauge",
    "Ntraj",
    "target_tol",
    "first_trajectory",
    "seed",
    "duration",
    "delta_t",
    "downsample",
    "save_dt",
];

/// Letters, digits and underscores, a letter first.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether an observable can have this name; if not, the rule it breaks.
pub fn check_observable_name(name: &str) -> Result<(), String> {
    if !is_identifier(name) {
        return Err("it must be letters, digits and underscores, starting with a letter".into());
    }
    if RESERVED.contains(&name) {
        return Err("the results file uses it itself".into());
    }
    if let Some(prefix) = PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
        return Err(format!("names that start with {prefix} are made by the program"));
    }
    match SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)) {
        Some(suffix) => Err(format!("names that end in {suffix} are made by the program")),
        None => Ok(()),
    }
}
