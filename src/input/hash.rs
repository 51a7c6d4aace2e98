//! The parameter hash: which results may be merged.

use super::RunSpec;
use sha2::{Digest, Sha256};

/// What may differ between runs of one ensemble.
const IDENTITY: &[&str] = &["seed", "ntraj", "first_trajectory", "check_dt", "target_tol"];

impl RunSpec {
    /// SHA-256, in hexadecimal, of the resolved input without seed and trajectory numbers: runs with the
    /// same hash sample the same ensemble. A model file counts by what it means, whatever it is called, and a regime by its numbers, not by the name it was asked
    /// for: `kerr_bistable`, `kerr_bistableA21.75` and `kerr_bistable --set alpha0=21.75` are one ensemble.
    pub fn parameter_hash(&self) -> String {
        let mut table: toml::Table = self.to_toml().parse().expect("own text is TOML");
        table.retain(|key, _| !IDENTITY.contains(&key) && !self.origin.keys().contains(&key));
        table.extend(self.origin.meaning());
        Sha256::digest(table.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::{built_in, example};
    use super::*;
    use crate::input::{BuiltIn, Gauge, LinkKind, LinkSpec, Method, TargetTol};

    fn with(change: impl FnOnce(&mut BuiltIn)) -> RunSpec {
        let mut spec = example();
        change(built_in(&mut spec));
        spec
    }

    #[test]
    fn seed_and_trajectory_numbers_do_not_matter() {
        let target_tol = TargetTol::parse(&["0.1".into()]).expect("a tolerance");
        let other = RunSpec { seed: 2, ntraj: 3, first_trajectory: 4, check_dt: Some(8), target_tol, ..example() };
        assert_eq!(other.parameter_hash(), example().parameter_hash());
    }

    #[test]
    fn everything_else_does() {
        let mut others = vec![
            with(|m| m.nfock_a = 51),
            with(|m| m.drive = false),
            RunSpec { gauge: Gauge::Slh, ..example() },
            RunSpec { method: Method::Em, ..example() },
            RunSpec { store_states: None, ..example() },
            RunSpec { store_record: true, ..example() },
            RunSpec { observe: vec!["var(n)".into()], ..example() },
            with(|m| m.set = Default::default()),
            with(|m| m.initial = Default::default()),
        ];
        let link = LinkSpec {
            reflection: 0.6,
            eps: 0.5,
            noise_amp: 1.0,
            filter_time: 0.1,
            trans_phase: [1.0, 0.0],
            drive_second_system: false,
            link: LinkKind::Physical,
        };
        others.push(with(|m| m.link = Some(link.clone())));
        others.push(with(|m| m.link = Some(LinkSpec { eps: 0.4, ..link })));
        let mut longer = example();
        longer.time.intervals += 1;
        others.push(longer);
        let mut hashes: Vec<String> = others.iter().map(RunSpec::parameter_hash).collect();
        hashes.push(example().parameter_hash());
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), others.len() + 1);
    }

    #[test]
    fn a_regime_counts_by_its_numbers() {
        let hash = |regime: &str, set: &[(&str, f64)]| {
            let set = set.iter().map(|(name, value)| (name.to_string(), *value)).collect();
            with(|m| (m.regime, m.nfock_j, m.set) = (regime.into(), None, set)).parameter_hash()
        };
        let plain = hash("kerr_bistable", &[]);
        assert_eq!(plain, hash("kerr_bistableA21.75", &[]));
        assert_eq!(plain, hash("kerr_bistableA20", &[("alpha0", 21.75)]));
        assert_ne!(plain, hash("kerr_bistableA20", &[]));
        assert_ne!(plain, hash("kerr_bistableB21.75", &[]));
    }

    /// Files are told apart by this value: if it changes, results of different versions no longer merge.
    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(example().parameter_hash(), "27fa621caf0871016b89d4cd13fa0c578a1cdc239710474ee409273533630398");
    }
}
