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
        ("absorptive_bistable --ntraj 11 --Nfock_a 12 --duration 1 --seed 7", 8_175_882_869_784_227_889),
        ("absorptive_bistable --ntraj 11 --Nfock_a 12 --duration 1 --seed 7 --method heun", 2_583_955_861_552_592_872),
        ("absorptive_bistable --ntraj 8 --Nfock_a 12 --duration 1 --seed 7 --method rk4p1", 8_917_514_529_340_961_232),
        (
            "absorptive_bistable --ntraj 8 --Nfock_a 12 --Nfock_j 3 --duration 0.4 --method em --gauge slh",
            10_344_323_389_945_886_172,
        ),
        ("kerr_bistable --ntraj 9 --Nfock_a 20 --duration 0.02 --first-trajectory 5", 3_311_482_550_261_413_057),
        (
            "kerr_bistable --ntraj 9 --Nfock_a 20 --duration 0.02 --first-trajectory 5 --method heun",
            15_517_365_238_203_190_047,
        ),
        ("kerr_bistableB33.25 --ntraj 8 --duration 0.004 --initial coherent:2,1", 8_406_631_317_360_756_600),
        (
            "kerr_bistableB33.25 --ntraj 8 --duration 0.004 --initial coherent:2,1 --method heun",
            5_352_363_727_254_385_848,
        ),
        ("kerr_qubit --ntraj 8 --duration 0.04 --method em", 13_024_737_729_053_388_162),
    ];
    let found: Vec<(&str, u64)> = runs.iter().map(|(line, _)| (*line, digest(line))).collect();
    let same = runs.iter().zip(&found).all(|((_, pinned), (_, now))| pinned == now);
    assert!(same, "numbers changed; now: {found:#?}");
}
