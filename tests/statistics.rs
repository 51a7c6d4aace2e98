//! Statistics are a function of the stored rows: read back, they come out to the bit.

mod common;

use qsd::store::Results;

#[test]
fn statistics_recomputed_from_the_rows_are_the_stored_ones() {
    let directory = common::temporary_directory();
    let file = directory.path().join("run.h5");
    for range in [["--ntraj=37", "--first-trajectory=0"], ["--ntraj=90", "--first-trajectory=13"]] {
        let mut command = common::qsd();
        command.args(["run", "--Nfock_a=14", "--duration=1", "--threads=2", "--quiet", "--force", "-o"]);
        command.arg(&file).args(range);
        common::run(command).expect_code(0);
        let results = Results::open(&file).unwrap();
        let valid = results.valid_rows().unwrap();
        assert!(valid.iter().all(|valid| *valid));
        let stored = results.statistics().unwrap().expect("a finished run");
        assert_eq!(results.statistics_of(&valid).unwrap(), stored);
    }
}
