//! Did the launcher and the MPI library of this program meet?
//!
//! When they do not, every process believes to be rank 0 of 1 and N of them write one file, with
//! exit code 0. What the launcher left in the environment says how many processes there should be;
//! the first of these that is set must equal the size of the world:
//!
//! | variable | set by | wrong under |
//! |---|---|---|
//! | `QSD_RANKS` | our own scripts, or the user | |
//! | `OMPI_COMM_WORLD_SIZE` | mpirun of Open MPI | |
//! | `PMI_SIZE` | mpiexec of MPICH and Intel MPI, `srun --mpi=pmi2` | |
//! | `SLURM_STEP_NUM_TASKS` | srun | mpirun inside a job: there it counts mpirun's own daemons |
//!
//! `SLURM_NTASKS` is of no use: inside a batch script it is set although nothing was launched.

use thiserror::Error;

/// Ranks and launcher do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LaunchError {
    /// The launcher started another number of processes than MPI knows of.
    #[error(
        "the launcher started {launched} processes ({variable}={launched}) but {}: {}",
        seen(*.size, .library.as_deref()),
        next_step(.variable, *.slurm, .library.as_deref())
    )]
    Ranks {
        /// The variable that betrays it.
        variable: &'static str,
        /// Processes the launcher started.
        launched: usize,
        /// Processes this program sees.
        size: usize,
        /// Name and version of the MPI library; `None` in a build without MPI.
        library: Option<String>,
        /// Started inside a Slurm job.
        slurm: bool,
    },
    /// `QSD_RANKS` is not a number.
    #[error("QSD_RANKS={value} is not a number of processes: set it to the number you launch, or unset it")]
    NotANumber {
        /// What it is.
        value: String,
    },
    /// The MPI library allows no threads at all.
    #[error(
        "{library} was built without thread support (MPI_THREAD_FUNNELED), which every trajectory run needs: \
         use another MPI library, or the build without MPI"
    )]
    Threads {
        /// Name and version of the MPI library.
        library: String,
    },
    /// MPI can be started once in the life of a process.
    #[error("MPI is already running in this process: call comm::world once and pass its result on")]
    AlreadyStarted,
}

/// Compares the launcher's variables with the `size` that this program sees; `library` is `None` in a build without MPI.
pub fn check(size: usize, library: Option<&str>) -> Result<(), LaunchError> {
    check_variables(|name| std::env::var(name).ok(), size, library)
}

/// The rule of `check`, for any environment.
fn check_variables(
    environment: impl Fn(&str) -> Option<String>,
    size: usize,
    library: Option<&str>,
) -> Result<(), LaunchError> {
    match launched(&environment)? {
        Some((variable, launched)) if launched != size => Err(LaunchError::Ranks {
            variable,
            launched,
            size,
            library: library.map(str::to_owned),
            slurm: environment("SLURM_JOB_ID").is_some() || variable.starts_with("SLURM"),
        }),
        _ => Ok(()),
    }
}

/// How many processes the launcher says it started, and which variable says so.
fn launched(environment: &impl Fn(&str) -> Option<String>) -> Result<Option<(&'static str, usize)>, LaunchError> {
    if let Some(value) = environment("QSD_RANKS") {
        let ranks = value.trim().parse().map_err(|_| LaunchError::NotANumber { value })?;
        return Ok(Some(("QSD_RANKS", ranks)));
    }
    let count = |name: &'static str| Some((name, environment(name)?.trim().parse().ok()?));
    let by_srun = match environment("PMIX_NAMESPACE") {
        Some(namespace) => namespace.starts_with("slurm.pmix."),
        None => environment("OMPI_COMM_WORLD_SIZE").is_none(),
    };
    Ok(count("OMPI_COMM_WORLD_SIZE")
        .or_else(|| count("PMI_SIZE"))
        .or_else(|| count("SLURM_STEP_NUM_TASKS").filter(|_| by_srun)))
}

/// The MPI library this program was compiled for: `Open MPI v4.1.4`, "unknown", or `None` in a build without MPI.
pub fn compiled_for() -> Option<&'static str> {
    option_env!("QSD_MPI")
}

/// `Open MPI v4.1.4` out of what an MPI library says about itself in up to twenty lines.
pub fn short_library(version: &str) -> String {
    let line = version.lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split(',').next().unwrap_or_default().split_whitespace().collect();
    if words.is_empty() { "an MPI library without a name".into() } else { words.join(" ") }
}

fn seen(size: usize, library: Option<&str>) -> String {
    match library {
        Some(library) if size == 1 => format!("each of them is alone for its MPI library ({library})"),
        Some(library) => format!("its MPI library ({library}) sees {size}"),
        None => "this build has no MPI, so each of them would do the whole run".into(),
    }
}

fn next_step(variable: &str, slurm: bool, library: Option<&str>) -> String {
    let launcher = match library {
        None => "start one process and let --threads use the cores, or use a build with MPI".into(),
        Some(_) if slurm => {
            "try srun --mpi=pmix (srun --mpi=list shows what there is), or the mpirun that belongs to this library"
                .into()
        }
        Some(_) if variable == "OMPI_COMM_WORLD_SIZE" => {
            "use the MPI library of the launcher, and in a container keep the environment (no --cleanenv)".into()
        }
        Some(library) => format!("use the mpirun that belongs to {library}"),
    };
    match variable {
        "QSD_RANKS" => format!("{launcher}; QSD_RANKS was set by hand or by a script, unset it if it is wrong"),
        _ => format!("{launcher}; if this is meant, set QSD_RANKS to the number this process sees"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_MPI: Option<&str> = Some("Open MPI v4.1.4");

    /// `check_variables` for an environment written as `NAME=VALUE NAME=VALUE`.
    fn check_in(environment: &str, size: usize, library: Option<&str>) -> Result<(), LaunchError> {
        let variables: Vec<(&str, &str)> = environment.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        let look_up = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        check_variables(look_up, size, library)
    }

    /// What rank 3 of 4 was seen to have in its environment, and the world size its library saw.
    #[test]
    fn every_launch_that_works_passes() {
        for (start, environment, size) in [
            ("by hand", "", 1),
            ("batch script without srun", "SLURM_JOB_ID=7 SLURM_NTASKS=4", 1),
            (
                "srun --mpi=pmix",
                "SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 PMIX_NAMESPACE=slurm.pmix.7.0",
                4,
            ),
            ("srun --mpi=pmi2 with MPICH", "PMI_SIZE=4 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", 4),
            ("mpirun", "OMPI_COMM_WORLD_SIZE=4 PMIX_NAMESPACE=12345", 4),
            ("mpirun in a job", "OMPI_COMM_WORLD_SIZE=4 PMIX_NAMESPACE=12345 SLURM_NTASKS=1 SLURM_STEP_NUM_TASKS=1", 4),
            ("salloc and mpirun", "OMPI_COMM_WORLD_SIZE=4 PMIX_NAMESPACE=12345 SLURM_STEP_NUM_TASKS=2", 4),
            ("mpirun of Open MPI 5 in a job", "PMIX_NAMESPACE=prterun-n1-99@1 SLURM_STEP_NUM_TASKS=1", 4),
            ("MPICH mpiexec", "PMI_SIZE=4", 4),
            ("MPICH mpiexec in a job", "PMI_SIZE=4 SLURM_STEP_NUM_TASKS=2", 4),
            ("srun -n1", "PMIX_NAMESPACE=slurm.pmix.7.0 SLURM_NTASKS=1 SLURM_STEP_NUM_TASKS=1", 1),
            ("the user knows better", "QSD_RANKS=1 PMI_SIZE=4", 1),
        ] {
            assert_eq!(check_in(environment, size, OPEN_MPI), Ok(()), "{start}");
        }
    }

    #[test]
    fn every_launch_of_lonely_processes_is_caught_by_its_variable() {
        for (start, environment, betrayed_by) in [
            ("srun --mpi=none", "SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", "SLURM_STEP_NUM_TASKS"),
            ("srun --mpi=pmi2", "PMI_SIZE=4 SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", "PMI_SIZE"),
            ("MPICH mpiexec", "PMI_SIZE=4", "PMI_SIZE"),
            ("mpirun of another Open MPI", "OMPI_COMM_WORLD_SIZE=4 PMIX_NAMESPACE=12345", "OMPI_COMM_WORLD_SIZE"),
            ("our script, clean environment", "QSD_RANKS=4", "QSD_RANKS"),
        ] {
            match check_in(environment, 1, OPEN_MPI) {
                Err(LaunchError::Ranks { variable, launched: 4, size: 1, .. }) => {
                    assert_eq!(variable, betrayed_by, "{start}")
                }
                other => panic!("{start}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_sentence_names_variable_numbers_library_and_next_step() {
        let sentence = |environment, library| check_in(environment, 1, library).unwrap_err().to_string();
        let mpich = sentence("PMI_SIZE=4", OPEN_MPI);
        for part in ["started 4 processes", "PMI_SIZE=4", "alone", "Open MPI v4.1.4", "use the mpirun that belongs"] {
            assert!(mpich.contains(part), "no '{part}' in: {mpich}");
        }
        assert!(sentence("SLURM_JOB_ID=7 SLURM_STEP_NUM_TASKS=4", OPEN_MPI).contains("srun --mpi=pmix"));
        assert!(sentence("OMPI_COMM_WORLD_SIZE=4", OPEN_MPI).contains("--cleanenv"));
        let solo = sentence("OMPI_COMM_WORLD_SIZE=4", None);
        assert!(solo.contains("this build has no MPI") && solo.contains("--threads"), "{solo}");
    }

    #[test]
    fn a_misspelt_qsd_ranks_is_an_error_and_a_foreign_variable_is_not() {
        let error = check_in("QSD_RANKS=four", 4, OPEN_MPI).unwrap_err();
        assert_eq!(error, LaunchError::NotANumber { value: "four".into() });
        assert_eq!(check_in("PMI_SIZE=many", 1, OPEN_MPI), Ok(()));
    }

    #[test]
    fn library_names_are_short() {
        assert_eq!(short_library("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4"), "Open MPI v4.1.4");
        assert_eq!(short_library("MPICH Version:      4.0.2\nMPICH Release date: x"), "MPICH Version: 4.0.2");
        assert_eq!(short_library(""), "an MPI library without a name");
    }
}
