//! What a rank knows of itself.

use crate::comm::{self, Comm};
use crate::kernel::Isa;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Variables by which launchers, batch systems and containers are recognised, or which steer MPI.
const VARIABLES: [&str; 16] = [
    "QSD_RANKS",
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "PMIX_NAMESPACE",
    "SLURM_JOB_ID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_MPI_TYPE",
    "OMPI_MCA_btl",
    "OMPI_MCA_btl_vader_single_copy_mechanism",
    "OMPI_MCA_smsc",
    "APPTAINER_CONTAINER",
    "SINGULARITY_CONTAINER",
    "QSD_KERNEL",
    "HDF5_USE_FILE_LOCKING",
    "LD_LIBRARY_PATH",
    "OPAL_PREFIX",
];

/// Facts of one rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of its host.
    pub host: String,
    /// Its user namespace: `user:[4026531837]`; empty where there are none.
    pub user_namespace: String,
    /// Cores it may use, and how many ranks share exactly these.
    pub cpus: usize,
    /// Ranks that share exactly these cores, itself included.
    pub sharing: usize,
    /// Path of the kernel, and whether it has fused multiply-add.
    pub kernel: String,
    /// Whether the kernel has fused multiply-add in hardware.
    pub fma: bool,
    /// The MPI library that was loaded.
    pub library: String,
    /// Those of the known variables that are set.
    pub variables: BTreeMap<String, String>,
}

impl Facts {
    /// Collective: those of this rank.
    pub fn mine(comm: &dyn Comm) -> Facts {
        let namespace = std::fs::read_link("/proc/self/ns/user").unwrap_or_default();
        let isa = Isa::detect();
        Facts {
            host: comm::hostname(),
            user_namespace: namespace.to_string_lossy().into_owned(),
            cpus: comm::allowed_cpus(),
            sharing: comm::ranks_sharing_my_cpus(comm),
            kernel: isa.name().into(),
            fma: isa.has_fma(),
            library: comm.library(),
            variables: VARIABLES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
                .collect(),
        }
    }

    /// A variable, if it is set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers have a JSON form")
    }

    pub fn from_bytes(bytes: &[u8]) -> Facts {
        serde_json::from_slice(bytes).expect("all ranks run the same program")
    }
}
