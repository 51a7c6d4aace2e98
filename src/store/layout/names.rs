//! Which names observables and factors may have in the file.

use super::super::StoreError;
#[cfg(test)]
use super::{Each, TABLE, placed};
use crate::ensemble::Header;
use crate::model;
use std::collections::HashSet;

/// Check that an observable can have this name: letters, digits and underscores, a letter first, none
/// of the names and endings the file uses itself.
///
/// # Errors
/// `StoreError::Name` says which rule the name breaks.
pub fn check_observable_name(name: &str) -> Result<(), StoreError> {
    model::check_observable_name(name).map_err(|why| StoreError::Name { name: name.into(), why })
}

/// Check all names of a run, also against each other.
///
/// # Errors
/// `StoreError::Name` for the first name that cannot be used.
pub fn check_names(header: &Header) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    for observable in &header.observables {
        check_observable_name(&observable.name)?;
        if !seen.insert(observable.name.as_str()) {
            return Err(StoreError::Name { name: observable.name.clone(), why: "two observables have it".into() });
        }
    }
    Ok(())
}

#[cfg(test)]
/// First parts of every path without a placeholder: datasets and groups of the root.
fn reserved() -> impl Iterator<Item = &'static str> {
    let first = |path: &'static str| path.split('/').next().unwrap_or(path);
    TABLE.iter().map(move |row| first(row.path)).filter(|name| !name.contains('<'))
}

#[cfg(test)]
/// Endings of what is stored for an observable beside itself.
fn suffixes() -> impl Iterator<Item = String> {
    let of_observables = TABLE.iter().filter(|row| row.each == Each::Observable);
    of_observables.map(|row| placed(row.path, "")).filter(|suffix| !suffix.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_built_in_observables_are_free() {
        for name in "a jm jz aa n ajp jp jx jy x p n1 x1 p1 n2 x2 p2 n_a".split(' ') {
            check_observable_name(name).unwrap();
        }
    }

    /// `model` has the list, because input is checked before any file is thought of.
    #[test]
    fn every_name_of_the_table_is_refused() {
        for name in reserved() {
            assert!(model::RESERVED.contains(&name), "{name} is missing in model/names.rs");
        }
        for suffix in suffixes() {
            assert!(check_observable_name(&format!("n{suffix}")).is_err(), "{suffix} is missing in model/names.rs");
        }
    }

    #[test]
    fn names_the_file_uses_itself_are_refused_with_the_rule() {
        for name in ["time", "psi", "checksum", "parameters", "state", "runs", "guards", "trajectory"] {
            let error = check_observable_name(name).unwrap_err().to_string();
            assert!(error.contains("uses it itself"), "{error}");
        }
        for name in ["n_mean", "n_sem", "n_traj_std", "leak_a", "fock_a", "", "2n", "a b", "größe", "a/b"] {
            assert_eq!(check_observable_name(name).unwrap_err().id(), "E-name", "{name}");
        }
    }
}
