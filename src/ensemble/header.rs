//! Everything a results file says about its run before the first step.

use super::clock::utc_now;
use super::setup::Ensemble;
use super::{Header, Parameter, Value};
use crate::comm::{Comm, hostname};
use crate::input::{Gauge, LinkKind, Origin, write_initial};
use crate::kernel::Isa;

impl Ensemble {
    /// The header of a run on these ranks; `hdf5` is the version of the library that will write it.
    pub fn header(&self, comm: &dyn Comm, threads: usize, hdf5: &str) -> Header {
        let spec = &self.spec;
        let last = spec.first_trajectory + spec.ntraj - 1;
        Header {
            title: format!("{}, trajectories {}-{last}, seed {}", spec.origin.name(), spec.first_trajectory, spec.seed),
            first_trajectory: spec.first_trajectory,
            ntraj: spec.ntraj,
            seed: spec.seed,
            times: self.times.clone(),
            time_unit: self.model.time_unit.clone(),
            observables: self.observables.clone(),
            leaks: self.leaks.clone(),
            states: self.states(),
            density: self.density(),
            record: self.record(),
            check_dt: spec.check_dt,
            parameters: self.parameters(),
            resolved_input: spec.to_toml(),
            provenance: provenance(comm, hdf5),
            parameter_hash: spec.parameter_hash(),
            ranks: comm.size(),
            threads,
            host: hostname(),
            started: utc_now(),
        }
    }

    /// The scalars of `/parameters`, under the names of the original script where it had one.
    fn parameters(&self) -> Vec<Parameter> {
        let (spec, time) = (&self.spec, self.model.time_unit.as_str());
        let mut all = vec![];
        let mut add = |name: &str, value: Value, unit: &str, description: &str| {
            let (name, unit, description) = (name.into(), unit.into(), description.into());
            all.push(Parameter { name, value, unit, description });
        };
        let integer = |n: u64| Value::Integer(n as i64);
        match &spec.origin {
            Origin::BuiltIn(built_in) => {
                add("regime", Value::Text(built_in.regime.clone()), "1", "built-in model");
                add("initial", Value::Text(write_initial(&built_in.initial)), "1", "initial state");
                add("drive", Value::Flag(built_in.drive), "1", "whether the coherent drive is on");
                add("Nfock_a", integer(built_in.nfock_a as u64), "1", "Fock states of the cavity");
                if let Some(levels) = built_in.nfock_j {
                    add("Nfock_j", integer(levels as u64), "1", "levels of the spin");
                }
                if let Some(link) = &built_in.link {
                    add("num_systems", integer(2), "1", "linked systems");
                    let second = "whether the second system is driven too";
                    add("drive_second_system", Value::Flag(link.drive_second_system), "1", second);
                    let kind = if link.link == LinkKind::Seed { "seed" } else { "physical" };
                    add("link", Value::Text(kind.into()), "1", "equation of the link");
                }
            }
            Origin::File(_) | Origin::Program(_) => {
                add("model", Value::Text(spec.origin.name().into()), "1", "model");
            }
        }
        add("method", Value::Text(spec.method.name().into()), "1", "integrator");
        let gauge = if spec.gauge == Gauge::Slh { "slh" } else { "removed" };
        add("gauge", Value::Text(gauge.into()), "1", "where the constants of the Lindblad operators are");
        if let Some(target) = &spec.target_tol {
            add("target_tol", Value::Text(target.to_string()), "1", "atol,rtol of the means, for all or by name");
        }
        add("Ntraj", integer(spec.ntraj), "1", "trajectories asked for");
        add("first_trajectory", integer(spec.first_trajectory), "1", "number of the first trajectory");
        add("seed", Value::Unsigned(spec.seed), "1", "seed of all noise");
        add("duration", Value::Real(spec.time.duration()), time, "length of a trajectory");
        add("delta_t", Value::Real(spec.time.h), time, "length of a step");
        add("downsample", integer(spec.time.steps_per_save), "1", "steps between saved times");
        add("save_dt", Value::Real(spec.time.save_dt), time, "time between saved values");
        for p in &self.model.parameters {
            add(&p.name, Value::Real(p.value), &p.unit, &p.description);
        }
        all
    }
}

/// Who made it, where and with what: attributes of `/provenance`.
pub fn provenance(comm: &dyn Comm, hdf5: &str) -> Vec<(String, String)> {
    let variable = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let command_line: Vec<String> = std::env::args_os().map(|word| quoted(&word.to_string_lossy())).collect();
    let directory = std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default();
    [
        ("software", "qsd".into()),
        ("software_version", env!("CARGO_PKG_VERSION").into()),
        ("git_revision", env!("QSD_GIT_REVISION").into()),
        ("rustc_version", env!("QSD_RUSTC").into()),
        ("build_target", env!("QSD_TARGET").into()),
        ("build_profile", env!("QSD_PROFILE").into()),
        ("command_line", command_line.join(" ")),
        ("working_directory", directory),
        ("hostname", hostname()),
        ("mpi_library", comm.library()),
        ("mpi_ranks", comm.size().to_string()),
        ("hdf5_version", hdf5.into()),
        ("kernel", Isa::detect().name().into()),
        ("container", variable(&["APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"])),
        ("slurm_job_id", variable(&["SLURM_JOB_ID"])),
        ("start_time", utc_now()),
    ]
    .map(|(name, value): (&str, String)| (name.to_owned(), value))
    .into()
}

/// A word of a command line as a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_back() {
        assert_eq!(quoted("--set=chi=-10"), "--set=chi=-10");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
