//! Why a place cannot be written, and what to do: whose it is, who runs, and whether a container hides it.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What this process runs inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// No container.
    Nothing,
    /// Apptainer or Singularity: users are who they are outside.
    Apptainer,
    /// Docker, Podman and the like: a user of the image, unless `--user` says another.
    Docker,
}

/// Who owns something, or who runs: numbers, because a container has its own names for them.
type Ids = (u32, u32);

/// The next step for a directory, or a file in it, that could not be used.
pub fn advice(path: &Path, error: &Error) -> String {
    let standing = path.ancestors().find_map(|ancestor| {
        let place = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        fs::metadata(place).ok().map(|found| (place, (found.uid(), found.gid())))
    });
    let me = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    next_step(error.kind(), inside(), standing, me)
}

fn inside() -> Inside {
    let apptainer =
        ["APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"].iter().any(|name| std::env::var_os(name).is_some());
    match apptainer {
        true => Inside::Apptainer,
        false if ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists()) => Inside::Docker,
        false => Inside::Nothing,
    }
}

/// The rule of `advice`; `standing` is the deepest directory that exists on the way, and whose it is.
fn next_step(kind: ErrorKind, inside: Inside, standing: Option<(&Path, Ids)>, me: Ids) -> String {
    let elsewhere = "choose another place with -o FILE or --output-dir DIR";
    match (kind, inside, standing) {
        (ErrorKind::PermissionDenied, _, Some((place, owner))) if owner.0 != me.0 => {
            let (user, group) = owner;
            let as_owner = match inside {
                Inside::Docker => format!("start the container with --user {user}:{group}, or "),
                _ => String::new(),
            };
            let place = place.display();
            format!(
                "{place} belongs to user {user}, group {group}, and qsd runs as {}:{}; {as_owner}{elsewhere}",
                me.0, me.1
            )
        }
        (ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem, Inside::Apptainer, _) => {
            format!(
                "this container sees only what is bound into it: add --bind DIR behind 'exec' or 'run', or {elsewhere}"
            )
        }
        (ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem, Inside::Docker, _) => {
            format!("this container sees only what is mounted into it: add -v DIR:/data, or {elsewhere}")
        }
        _ => elsewhere.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Option<(&'static Path, Ids)> {
        Some((Path::new("/"), (0, 5)))
    }

    #[test]
    fn a_place_of_somebody_else_says_whose_it_is_who_runs_and_what_docker_needs() {
        let said = |inside| next_step(ErrorKind::PermissionDenied, inside, data(), (1000, 100));
        let docker = said(Inside::Docker);
        for part in ["belongs to user 0, group 5", "runs as 1000:100", "--user 0:5", "--output-dir"] {
            assert!(docker.contains(part), "no '{part}' in: {docker}");
        }
        assert!(said(Inside::Nothing).contains("belongs to user 0") && !said(Inside::Nothing).contains("--user"));
        // One's own directory without the right to write is no question of who runs.
        let own = next_step(ErrorKind::PermissionDenied, Inside::Docker, data(), (0, 0));
        assert!(own.starts_with("choose another place"), "{own}");
    }

    #[test]
    fn a_place_that_a_container_hides_is_told_how_to_bind() {
        let said = |inside, kind| next_step(kind, inside, data(), (0, 0));
        assert!(said(Inside::Apptainer, ErrorKind::ReadOnlyFilesystem).contains("--bind DIR"));
        assert!(said(Inside::Docker, ErrorKind::NotFound).contains("-v DIR:/data"));
        assert!(said(Inside::Nothing, ErrorKind::NotFound).starts_with("choose another place"));
        assert!(said(Inside::Apptainer, ErrorKind::Other).starts_with("choose another place"));
    }

    #[test]
    fn the_deepest_directory_that_exists_is_asked() {
        let said = advice(Path::new("/proc/no/such/place.h5"), &Error::from(ErrorKind::NotFound));
        assert!(said.contains("choose another place"), "{said}");
    }
}
