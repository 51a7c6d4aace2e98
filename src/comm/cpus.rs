//! Which cores are this process's to use, and on which host.
//!
//! Launchers bind ranks to cores, batch systems to parts of a node, containers have quotas: a rank
//! may use the cores of its affinity mask, shared equally with the ranks that have the same mask.

use super::Comm;

/// Cores this process may run on: its affinity mask, or less if a quota (cgroup) says so. At least 1.
pub fn allowed_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |cpus| cpus.get())
}

/// Collective: how many ranks, this one included, are on this host with exactly this affinity mask.
pub fn ranks_sharing_my_cpus(comm: &dyn Comm) -> usize {
    let mine = format!("{} {}", hostname(), affinity_mask()).into_bytes();
    comm.all_gather(&mine).iter().filter(|theirs| **theirs == mine).count()
}

/// Collective: threads a rank should use when nobody says how many. At least 1.
pub fn fair_threads(comm: &dyn Comm) -> usize {
    (allowed_cpus() / ranks_sharing_my_cpus(comm)).max(1)
}

/// Name of this host, "unknown" if it has none.
pub fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".into())
}

/// The affinity mask as Linux writes it (`0-3,8`), empty where there is none.
fn affinity_mask() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    mask.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_alone_may_use_all_its_cores() {
        let alone = crate::comm::solo();
        assert_eq!(ranks_sharing_my_cpus(&*alone), 1);
        assert_eq!(fair_threads(&*alone), allowed_cpus());
        assert!(!hostname().is_empty() && !hostname().contains('\n'));
    }
}
