//! What the facts of all ranks mean.

use super::Finding;
use super::facts::Facts;
use crate::comm::launch::compiled_for;

/// Libraries, launcher, kernel, cores and namespaces, in this order.
pub fn all(ranks: &[Facts], hdf5: &str) -> Vec<Finding> {
    vec![launcher(ranks), mpi(ranks), library(hdf5), kernel(ranks), cores(ranks), namespaces(ranks)]
}

fn launcher(ranks: &[Facts]) -> Finding {
    let first = &ranks[0];
    let mut hosts: Vec<&str> = ranks.iter().map(|rank| rank.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let by = ["QSD_RANKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_NAMESPACE", "SLURM_STEP_NUM_TASKS"]
        .iter()
        .find_map(|name| first.variable(name).map(|value| format!("{name}={value}")));
    let inside = ["APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"].iter().find_map(|name| first.variable(name));
    let inside = inside.map_or(String::new(), |image| format!(", inside {image}"));
    let on = if hosts.len() == 1 { format!("on {}", hosts[0]) } else { format!("on {} hosts", hosts.len()) };
    match (ranks.len(), by) {
        (1, None) => Finding::good("launch", format!("one process {on}, without a launcher{inside}")),
        (1, Some(by)) => Finding::good("launch", format!("one rank {on} ({by}){inside}")),
        (n, Some(by)) => Finding::good("launch", format!("{n} ranks {on} that know of each other ({by}){inside}")),
        (n, None) => Finding::warning(
            "launch",
            format!("{n} ranks {on}, by a launcher that sets none of the known variables{inside}"),
            "export QSD_RANKS=<number of ranks> in front of the launcher: then ranks that lose each other notice",
        ),
    }
}

fn mpi(ranks: &[Facts]) -> Finding {
    let loaded = &ranks[0].library;
    let Some(compiled) = compiled_for() else {
        return Finding::good("mpi", "this build has no MPI: one process with threads");
    };
    if let Some(rank) = ranks.iter().position(|rank| rank.library != *loaded) {
        return Finding::bad(
            "mpi",
            format!("rank 0 has loaded {loaded}, rank {rank} on {} {}", ranks[rank].host, ranks[rank].library),
            "make all nodes load the same module, or start through one container image",
        );
    }
    match compiled == "unknown" || loaded.starts_with(family(compiled)) {
        true if loaded == compiled => Finding::good("mpi", loaded.clone()),
        true => Finding::good("mpi", format!("{loaded}; compiled for {compiled}")),
        false => Finding::bad(
            "mpi",
            format!("compiled for {compiled}, but {loaded} was loaded"),
            "load the module of the library it was compiled for, or build again with this one's mpicc",
        ),
    }
}

/// `Open MPI` of `Open MPI v4.1.4`.
fn family(library: &str) -> &str {
    library.rsplit_once(' ').map_or(library, |(family, _)| family)
}

fn library(hdf5: &str) -> Finding {
    let how = if cfg!(feature = "mpi") { "parallel" } else { "serial" };
    Finding::good("hdf5", format!("{hdf5}, {how}"))
}

fn kernel(ranks: &[Facts]) -> Finding {
    let mut names: Vec<&str> = ranks.iter().map(|rank| rank.kernel.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let found = names.join(" and ");
    if let Some(choice) = ranks.iter().find_map(|rank| rank.variable("QSD_KERNEL")) {
        return Finding::warning(
            "kernel",
            format!("{found}, by QSD_KERNEL={choice}"),
            "unset QSD_KERNEL for the fastest",
        );
    }
    match ranks.iter().find(|rank| !rank.fma) {
        None if names.len() == 1 => Finding::good("kernel", found),
        None => Finding::good("kernel", format!("{found}: CPUs differ, the numbers do not")),
        Some(rank) => Finding::warning(
            "kernel",
            format!("{found}: the CPU of {} has no fused multiply-add", rank.host),
            "the numbers are the same, but a step takes tens of times longer: ask for other nodes",
        ),
    }
}

fn cores(ranks: &[Facts]) -> Finding {
    let crowded = ranks.iter().find(|rank| rank.sharing > rank.cpus);
    match crowded {
        Some(rank) => Finding::warning(
            "cores",
            format!("{} ranks share {} cores of {}", rank.sharing, rank.cpus, rank.host),
            "start no more ranks than cores; where a launcher binds them all to the same core: mpirun --bind-to none, \
             or srun --cpus-per-task",
        ),
        None => {
            let threads: Vec<usize> = ranks.iter().map(|rank| (rank.cpus / rank.sharing).max(1)).collect();
            let (least, most) =
                (threads.iter().min().copied().unwrap_or(1), threads.iter().max().copied().unwrap_or(1));
            let each = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let thread = if most == 1 { "thread" } else { "threads" };
            let rank = if ranks.len() == 1 { "" } else { " a rank" };
            Finding::good("cores", format!("{each} {thread}{rank}, {} in all", threads.iter().sum::<usize>()))
        }
    }
}

/// Open MPI 4 copies large messages straight from the memory of a neighbour, which the kernel forbids between user
/// namespaces: it warns, and then hangs on the first message of some megabytes.
fn namespaces(ranks: &[Facts]) -> Finding {
    let apart = ranks.iter().enumerate().find_map(|(i, a)| {
        let other = ranks[..i].iter().find(|b| a.host == b.host && a.user_namespace != b.user_namespace);
        other.map(|_| a)
    });
    let Some(rank) = apart else {
        return Finding::good("user namespaces", "ranks of a node share one");
    };
    let copies = rank.variable("OMPI_MCA_btl_vader_single_copy_mechanism");
    let without = copies.is_some_and(|how| ["none", "emulated"].contains(&how))
        || rank.variable("OMPI_MCA_btl").is_some_and(|how| !how.starts_with('^') && !how.contains("vader"));
    if without || !rank.library.starts_with("Open MPI v4") {
        return Finding::good("user namespaces", format!("one for each rank on {}", rank.host));
    }
    Finding::bad(
        "user namespaces",
        format!("each rank on {} has its own, and {} copies between them", rank.host, rank.library),
        "it hangs on large messages: export OMPI_MCA_btl_vader_single_copy_mechanism=none before the launcher",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn rank(host: &str, namespace: &str) -> Facts {
        Facts {
            host: host.into(),
            user_namespace: namespace.into(),
            cpus: 4,
            sharing: 2,
            kernel: "avx2".into(),
            fma: true,
            library: compiled_for().unwrap_or("none").into(),
            variables: [("OMPI_COMM_WORLD_SIZE".to_owned(), "2".to_owned())].into(),
        }
    }

    #[test]
    fn two_ranks_as_they_should_be_are_good() {
        let findings = all(&[rank("n1", "user:[1]"), rank("n1", "user:[1]")], "1.10.8");
        assert!(findings.iter().all(|f| f.verdict == Verdict::Good && f.next.is_empty()), "{findings:?}");
        assert!(findings[0].found.contains("2 ranks on n1") && findings[0].found.contains("OMPI_COMM_WORLD_SIZE=2"));
        assert!(findings[4].found.contains("2 threads a rank, 4 in all"), "{findings:?}");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_next_step() {
        let fine = rank("n1", "user:[1]");
        let find = |ranks: &[Facts], subject: &str| {
            all(ranks, "1").into_iter().find(|f| f.subject == subject).expect("a subject")
        };
        let mut other = fine.clone();
        other.library = "MPICH 4.0.2".into();
        if cfg!(feature = "mpi") {
            assert_eq!(find(&[fine.clone(), other.clone()], "mpi").verdict, Verdict::Bad);
            other.library = "Nobody's MPI 1".into();
            let found = find(&[other.clone(), other], "mpi");
            assert!(found.found.contains("compiled for") && found.verdict == Verdict::Bad, "{found:?}");
        }
        let crowded = Facts { cpus: 1, ..fine.clone() };
        assert!(find(&[crowded.clone(), crowded], "cores").found.contains("2 ranks share 1 cores of n1"));
        let slow = Facts { fma: false, kernel: "portable".into(), ..fine.clone() };
        assert_eq!(find(&[fine.clone(), slow], "kernel").verdict, Verdict::Warning);
        let unknown = Facts { variables: [].into(), ..fine };
        assert!(find(&[unknown.clone(), unknown], "launch").next.contains("QSD_RANKS"));
    }

    #[test]
    fn ranks_in_namespaces_of_their_own_are_told_which_variable_helps() {
        let apart = |library: &str, variable: Option<(&str, &str)>| {
            let ranks: Vec<Facts> = ["user:[1]", "user:[2]"]
                .map(|namespace| {
                    let mut rank = rank("n1", namespace);
                    rank.library = library.into();
                    rank.variables.extend(variable.map(|(name, value)| (name.to_owned(), value.to_owned())));
                    rank
                })
                .into();
            namespaces(&ranks)
        };
        let found = apart("Open MPI v4.1.4", None);
        assert!(found.verdict == Verdict::Bad && found.next.contains("single_copy_mechanism=none"), "{found:?}");
        let helps = Some(("OMPI_MCA_btl_vader_single_copy_mechanism", "none"));
        assert_eq!(apart("Open MPI v4.1.4", helps).verdict, Verdict::Good);
        assert_eq!(apart("Open MPI v4.1.4", Some(("OMPI_MCA_btl", "tcp,self"))).verdict, Verdict::Good);
        assert_eq!(apart("Open MPI v4.1.4", Some(("OMPI_MCA_btl", "^openib"))).verdict, Verdict::Bad);
        assert_eq!(apart("Open MPI v5.0.7", None).verdict, Verdict::Good);
        let nodes = [rank("n1", "user:[1]"), rank("n2", "user:[2]")];
        assert_eq!(namespaces(&nodes).verdict, Verdict::Good, "nodes never share one");
    }
}
