//! The numbers a seed gives, pinned. A change here is a headline under "Numbers changed" in CHANGELOG.md.

mod laboratory;

use laboratory::run_line;

/// FNV-1a 64 over the bits of every stored value of every trajectory.
fn digest(line: &str) -> u64 {
    let found = run_line(line);
    let names: Vec<String> = found.ensemble.observables.iter().map(|o| o.name.clone()).collect();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for name in names {
        for z in found.rows(&name) {
            for byte in z.re.to_bits().to_le_bytes().into_iter().chain(z.im.to_bits().to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
    hash
}

#[test]
fn a_seed_gives_the_numbers_it_always_gave() {
    let runs = [
        ("absorptive_bistable --ntraj 11 --Nfock_a 12 --duration 1 --seed 7", 14_623_708_338_726_206_919),
        ("absorptive_bistable --ntraj 11 --Nfock_a 12 --duration 1 --seed 7 --method heun", 588_752_880_456_908_282),
        ("absorptive_bistable --ntraj 8 --Nfock_a 12 --duration 1 --seed 7 --method rk4p1", 2_969_353_077_750_989_186),
        (
            "absorptive_bistable --ntraj 8 --Nfock_a 12 --Nfock_j 3 --duration 0.4 --method em --gauge slh",
            2_750_753_160_785_851_203,
        ),
        ("kerr_bistable --ntraj 9 --Nfock_a 20 --duration 0.02 --first-trajectory 5", 5_840_060_062_479_801_636),
        (
            "kerr_bistable --ntraj 9 --Nfock_a 20 --duration 0.02 --first-trajectory 5 --method heun",
            12_518_124_463_528_493_822,
        ),
        ("kerr_bistableB33.25 --ntraj 8 --duration 0.004 --initial coherent:2,1", 9_991_594_173_013_154_040),
        (
            "kerr_bistableB33.25 --ntraj 8 --duration 0.004 --initial coherent:2,1 --method heun",
            17_837_901_104_345_523_930,
        ),
        ("kerr_qubit --ntraj 8 --duration 0.04 --method em", 4_314_875_132_580_323_739),
    ];
    let found: Vec<(&str, u64)> = runs.iter().map(|(line, _)| (*line, digest(line))).collect();
    let same = runs.iter().zip(&found).all(|((_, pinned), (_, now))| pinned == now);
    assert!(same, "numbers changed; now: {found:#?}");
}
